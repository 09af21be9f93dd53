//! Who is let in, and what a client sends to prove who it is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use ostro_wire::{BoxFuture, CallContext, Client, Guard, Services, Target};
use prost::Message;
use temporalio_protos::temporal::api::workflowservice::v1::{DescribeNamespaceRequest, DescribeNamespaceResponse};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::fixture::{Toy, serve};

/// Lets in whoever has the one key.
struct OneKey;

impl Guard for OneKey {
    fn admit(&self, _: &str, method: &str, headers: &HeaderMap, _: &Bytes) -> BoxFuture<Result<(), Status>> {
        let known = headers.get("authorization").is_some_and(|value| value == "Bearer the key");
        let refusal = Status::unauthenticated(format!("{method} needs the key"));
        Box::pin(std::future::ready(if known { Ok(()) } else { Err(refusal) }))
    }
}

#[tokio::test]
async fn calls_of_the_network_need_leave_and_those_of_the_process_none() {
    let services = Services::new(Arc::new(Toy::default())).with_guard(Arc::new(OneKey));
    let address = serve(services.clone()).await.to_string();
    let request = DescribeNamespaceRequest { namespace: "four".into(), ..Default::default() };
    let service = ostro_wire::workflow_service::SERVICE;
    for (api_key, expected) in
        [(Some("the key"), Code::Ok), (Some("another"), Code::Unauthenticated), (None, Code::Unauthenticated)]
    {
        let target = Target { address: address.clone(), tls: None, api_key: api_key.map(str::to_owned) };
        let client = Client::connect(target).await.expect("the server answers");
        let mut metadata = MetadataMap::new();
        metadata.insert("client-name", "test".parse().expect("a value"));
        let answer: Result<DescribeNamespaceResponse, Status> =
            client.call(service, "DescribeNamespace", &request, metadata, None).await;
        assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), expected);
    }
    let own = services.call(service, "DescribeNamespace", CallContext::in_process(), request.encode_to_vec().into());
    own.await.expect("this process needs no leave");
}

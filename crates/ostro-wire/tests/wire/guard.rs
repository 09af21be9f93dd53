//! Who is let in, and what a client sends to prove who it is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use ostro_wire::{BoxFuture, Caller, Client, Guard, Services, Target};
use temporalio_protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
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
    for (api_key, expected) in
        [(Some("the key"), Code::Ok), (Some("another"), Code::Unauthenticated), (None, Code::Unauthenticated)]
    {
        let target = Target { address: address.clone(), tls: None, api_key: api_key.map(str::to_owned) };
        let client = Client::connect(target).await.expect("the server answers");
        let answer = Caller::new(client.with_name("test", "1")).ask(&request).await;
        assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), expected);
    }
    Caller::new(services).ask(&request).await.expect("this process needs no leave");
}

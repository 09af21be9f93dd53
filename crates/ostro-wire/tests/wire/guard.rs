//! Who is let in, and what a client sends to prove who it is.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use ostro_wire::{BoxFuture, CallContext, Caller, Client, Guard, Leave, Services, Target};
use prost::Message;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;
use tonic::{Code, Status};

use crate::fixture::{Toy, serve};

/// Lets in whoever has the one key.
pub struct OneKey;

impl Guard for OneKey {
    fn greet(&self, _: &str, method: &str, headers: &HeaderMap) -> BoxFuture<Result<(), Status>> {
        let known = headers.get("authorization").is_some_and(|value| value == "Bearer the key");
        let refusal = Status::unauthenticated(format!("{method} needs the key"));
        Box::pin(std::future::ready(if known { Ok(()) } else { Err(refusal) }))
    }

    fn admit(&self, service: &str, method: &str, headers: &HeaderMap, _: &Bytes) -> BoxFuture<Result<Leave, Status>> {
        let greeted = self.greet(service, method, headers);
        Box::pin(async move { greeted.await.map(|()| Leave::default()) })
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

/// Lets everybody in, until it is told.
struct UntilTold(Arc<tokio::sync::Notify>);

impl Guard for UntilTold {
    fn greet(&self, _: &str, _: &str, _: &HeaderMap) -> BoxFuture<Result<(), Status>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn admit(&self, _: &str, _: &str, _: &HeaderMap, _: &Bytes) -> BoxFuture<Result<Leave, Status>> {
        let told = self.0.clone();
        let ends: BoxFuture<Status> = Box::pin(async move {
            told.notified().await;
            Status::unauthenticated("revoked")
        });
        Box::pin(std::future::ready(Ok(Leave { ends: Some(ends) })))
    }
}

#[tokio::test]
async fn a_call_that_waits_ends_with_its_leave() {
    let told = Arc::new(tokio::sync::Notify::new());
    let services = Services::new(Arc::new(Toy::default())).with_guard(Arc::new(UntilTold(told.clone())));
    let waits = Leave { ends: Some(Box::pin(async { Status::unauthenticated("revoked") })) };
    let never = std::future::pending::<Result<(), Status>>();
    assert_eq!(waits.during(never).await.map_err(|status| status.code()), Err(Code::Unauthenticated));
    let named = HeaderMap::from_iter([("client-name".parse().expect("a name"), "test".parse().expect("a value"))]);
    let context = CallContext::from_network(named);
    let request = DescribeNamespaceRequest { namespace: "four".into(), ..Default::default() };
    let service = ostro_wire::workflow_service::SERVICE;
    let answered = services.call(service, "DescribeNamespace", context, request.encode_to_vec().into());
    answered.await.expect("its leave lasts as long as it does");
}

//! What grpcurl sees, and the lists that documents are made from.

use std::collections::HashSet;
use std::sync::Arc;

use ostro_wire::{Services, methods};
use tonic::transport::Endpoint;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::fixture::{Toy, serve};

#[tokio::test]
async fn reflection_lists_the_services() {
    let address = serve(Services::new(Arc::new(Toy::default()))).await;
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .expect("an address")
        .connect()
        .await
        .expect("the server answers");
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(request))
        .await
        .expect("reflection answers")
        .into_inner();
    let answer = answers.message().await.expect("no error").expect("one answer");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list: {answer:?}");
    };
    let names: HashSet<String> = list.service.into_iter().map(|service| service.name).collect();
    for service in ostro_wire::service_names() {
        assert!(names.contains(service), "{service} is missing from {names:?}");
    }
    assert!(!names.contains("temporal.api.cloud.cloudservice.v1.CloudService"));
}

#[test]
fn the_method_list_is_complete_and_unique() {
    let all: Vec<_> = methods().collect();
    assert!(all.len() > 100, "{}", all.len());
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert!(all.contains(&("temporal.api.workflowservice.v1.WorkflowService", "StartWorkflowExecution")));
    assert!(all.contains(&("grpc.health.v1.Health", "Check")));
    assert!(!all.iter().any(|(_, method)| *method == "Watch"), "streaming methods are not dispatched");
}

//! Histories as JSON, which `ostro workflow import` takes over.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ostro_fuzz::world::{World, run};
use ostro_wire::ostro_service::{self, ImportWorkflowExecutionRequest};
use ostro_wire::{CallContext, json};
use ostro_workflows_api::auth::Access;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::History;
use tonic::Code;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice(bytes) else { return };
    let Ok(history) = json::from_json::<History>(value) else { return };
    let request = ImportWorkflowExecutionRequest {
        namespace: "default".to_owned(),
        workflow_id: "imported".to_owned(),
        run_id: String::new(),
        history: Some(history),
    };
    run(async {
        let world = World::start(Access::Open, false).await;
        let (service, method) = (ostro_service::SERVICE, ostro_service::METHODS[0]);
        let call = world.services().call(service, method, CallContext::in_process(), request.encode_to_vec().into());
        if let Err(status) = call.await {
            assert_ne!(status.code(), Code::Internal, "{status}");
        }
        world.end().await;
    });
});

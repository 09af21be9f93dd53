//! Calls of the services by name, with canonical JSON for the messages.

use std::time::Duration;

use ostro_wire::{Caller, EncodedCall, json, operator_service, test_service, workflow_service};
use tonic::Status;

/// Calls `method` of `service` (`workflow`, `operator` or `test`); both messages are canonical protobuf JSON.
pub async fn call(
    caller: &Caller,
    service: &str,
    method: &str,
    request: &[u8],
    timeout: Option<Duration>,
) -> Result<Vec<u8>, Status> {
    let service = match service {
        "operator" => operator_service::SERVICE,
        "test" => test_service::SERVICE,
        _ => workflow_service::SERVICE,
    };
    let (input, output) = json::method_types(service, method)
        .ok_or_else(|| Status::unimplemented(format!("{service} has no method {method}")))?;
    let invalid = |error: &dyn std::fmt::Display| Status::invalid_argument(format!("{method}: {error}"));
    let value: serde_json::Value = serde_json::from_slice(request).map_err(|error| invalid(&error))?;
    let namespace = value["namespace"].as_str().unwrap_or_default().to_owned();
    let request = json::encode(&input, value).map_err(|error| invalid(&error))?.into();
    let answer = caller.call(EncodedCall { service, method, namespace: &namespace, request, timeout }).await?;
    serde_json::to_vec(&json::decode(&output, &answer)).map_err(|error| Status::internal(error.to_string()))
}

//! The endpoint that the server itself serves: what workflows ask of it through Nexus.
//!
//! One operation, as on the reference server: a signal with start. Its input and its result are the messages of the RPC of
//! the same name.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::workflowservice::v1::{
    SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse,
};

use crate::base::error::{Error, ErrorKind};
use crate::config::Config;

/// Its name; no client can give it to an endpoint of its own.
pub const ENDPOINT: &str = "__temporal_system";
const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";
const OPERATION: &str = "SignalWithStartWorkflowExecution";
const RESULT_TYPE: &str = "temporal.api.workflowservice.v1.SignalWithStartWorkflowExecutionResponse";

/// What is asked for, if it is whole; `namespace` is that of the workflow that asks.
///
/// # Errors
/// What is wrong with it.
pub fn request(
    service: &str,
    operation: &str,
    input: Option<&Payload>,
    namespace: &str,
    config: &Config,
) -> Result<SignalWithStartWorkflowExecutionRequest, String> {
    if service != SERVICE || operation != OPERATION {
        return Err(format!(
            "the endpoint {ENDPOINT} serves {OPERATION} of {SERVICE} only, not {operation} of {service}"
        ));
    }
    let data = input.map(|payload| payload.data.as_slice()).unwrap_or_default();
    let mut request = SignalWithStartWorkflowExecutionRequest::decode(data)
        .map_err(|error| format!("the input is no SignalWithStartWorkflowExecutionRequest: {error}"))?;
    if request.namespace.is_empty() {
        namespace.clone_into(&mut request.namespace);
    }
    check(&request, namespace, config).map(|()| request)
}

fn check(request: &SignalWithStartWorkflowExecutionRequest, namespace: &str, config: &Config) -> Result<(), String> {
    let kind = request.workflow_type.as_ref().map_or("", |kind| &kind.name);
    let queue = request.task_queue.as_ref().map_or("", |queue| &queue.name);
    let missing = [
        (request.workflow_id.as_str(), "WorkflowId is not set on request."),
        (&request.signal_name, "signal not set"),
        (kind, "workflow type not set"),
        (queue, "missing task queue name"),
    ];
    if let Some((_, message)) = missing.iter().find(|(value, _)| value.is_empty()) {
        return Err((*message).to_owned());
    }
    if request.namespace != namespace {
        return Err(format!("the namespace must be that of the workflow, {namespace}"));
    }
    let limit = config.id_length_max;
    let lengths = [(request.workflow_id.len(), "WorkflowId"), (request.signal_name.len(), "signal name")];
    match lengths.iter().find(|(length, _)| *length > limit) {
        Some((length, what)) => Err(format!("{what} exceeds maximum allowed length ({length}/{limit})")),
        None if request.workflow_id.starts_with(crate::stored::execution::STANDALONE_MARK) => {
            Err("WorkflowId begins with a character that is kept for the server: leave it out".to_owned())
        }
        None => Ok(()),
    }
}

/// The answer as the result of the operation.
pub fn result(response: &SignalWithStartWorkflowExecutionResponse) -> Payload {
    Payload {
        metadata: [
            ("encoding".to_owned(), b"binary/protobuf".to_vec()),
            ("messageType".to_owned(), RESULT_TYPE.as_bytes().to_vec()),
        ]
        .into(),
        data: response.encode_to_vec(),
        ..Default::default()
    }
}

/// What the failure of the operation says of an error.
pub(crate) fn error_text(error: &Error) -> String {
    let kind = match error.kind {
        ErrorKind::AlreadyExists => "WorkflowExecutionAlreadyStarted",
        ErrorKind::InvalidArgument => "InvalidArgument",
        ErrorKind::NotFound => "NotFound",
        ErrorKind::FailedPrecondition => "FailedPrecondition",
        _ => "ServerError",
    };
    format!("{kind}: {}", error.message)
}

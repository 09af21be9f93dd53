//! The protocol's messages, as short as the simulation says them.

use std::collections::HashMap;

use ostro_engine::time::{Span, duration};
use temporalio_protos::temporal::api::{
    command::v1::{Command, command::Attributes},
    common::v1::{Header, Payload, Payloads, WorkflowExecution, WorkflowType},
    enums::v1::{CommandType, TaskQueueKind},
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
    taskqueue::v1::TaskQueue,
};

pub const NAMESPACE: &str = "sim";
/// Another one, with the same workflow ids and no workers.
pub const OTHER_NAMESPACE: &str = "other";
/// The task queue of all workflows.
pub const QUEUE: &str = "workflows";

pub fn payloads(text: &str) -> Option<Payloads> {
    Some(Payloads { payloads: vec![payload(text)] })
}

pub fn payload(text: &str) -> Payload {
    // Two entries, in whatever order the map has them: what is stored must be the same bytes.
    let metadata = [("encoding", "binary/plain"), ("messageType", "sim.Text")];
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
    Payload { metadata, data: text.as_bytes().to_vec(), ..Default::default() }
}

/// What memos, headers and details of markers hold.
pub fn fields(text: &str) -> HashMap<String, Payload> {
    [text, "another"].map(|name| (name.to_owned(), payload(name))).into()
}

pub fn header(text: &str) -> Option<Header> {
    Some(Header { fields: fields(text) })
}

pub fn queue(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Normal as i32, ..Default::default() })
}

pub fn sticky(name: &str) -> Option<TaskQueue> {
    let normal_name = QUEUE.to_owned();
    Some(TaskQueue { name: name.to_owned(), kind: TaskQueueKind::Sticky as i32, normal_name })
}

pub fn execution(workflow_id: &str, run_id: &str) -> Option<WorkflowExecution> {
    Some(WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: run_id.to_owned() })
}

pub fn workflow_type(name: &str) -> Option<WorkflowType> {
    Some(WorkflowType { name: name.to_owned() })
}

pub fn span(span: Span) -> Option<prost_wkt_types::Duration> {
    if span.is_positive() { duration(span) } else { None }
}

pub fn command(kind: CommandType, attributes: impl Into<Attributes>) -> Command {
    Command { command_type: kind as i32, attributes: Some(attributes.into()), ..Default::default() }
}

pub fn failure(message: &str, non_retryable: bool) -> Option<Failure> {
    let info = ApplicationFailureInfo { r#type: "Simulated".to_owned(), non_retryable, ..Default::default() };
    Some(Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
        ..Default::default()
    })
}

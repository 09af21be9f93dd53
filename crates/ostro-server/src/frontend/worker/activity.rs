//! What workers say of activities. Over-size payloads become the activity's failure: a worker that cannot hand over its
//! result would otherwise run the activity again and again.

use ostro_wire::{Answer, CallContext};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payloads;
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::failure::v1::{Failure, ServerFailureInfo};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::frontend::Frontend;
use crate::frontend::status::status;
use crate::frontend::validate::{Check, blob};

const RESULT_TOO_LARGE: &str = "Complete result exceeds size limit.";
const FAILURE_TOO_LARGE: &str = "Failure exceeds size limit.";
const CANCEL_TOO_LARGE: &str = "Cancel details exceed size limit.";
const HEARTBEAT_TOO_LARGE: &str = "Heartbeat details exceed size limit.";

/// Bytes of a too large failure's message that are kept.
const MESSAGE_KEPT: usize = 2000;

impl Frontend {
    fn too_large(&self, payloads: &Option<Payloads>) -> bool {
        let size = payloads.as_ref().map_or(0, Message::encoded_len);
        blob(size, "activity's payloads", &self.limits).is_err()
    }
}

fn server_failure(message: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        failure_info: Some(FailureInfo::ServerFailureInfo(ServerFailureInfo { non_retryable: true })),
        ..Default::default()
    }
}

fn shortened(failure: Failure) -> Failure {
    let mut message = failure.message;
    let end = (0..=MESSAGE_KEPT.min(message.len())).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    message.truncate(end);
    let cause = Failure {
        message,
        source: failure.source,
        failure_info: failure.failure_info.map(without_details),
        ..Default::default()
    };
    Failure { cause: Some(Box::new(cause)), ..server_failure(FAILURE_TOO_LARGE) }
}

fn without_details(info: FailureInfo) -> FailureInfo {
    match info {
        FailureInfo::ApplicationFailureInfo(mut info) => {
            info.details = None;
            FailureInfo::ApplicationFailureInfo(info)
        }
        other => other,
    }
}

macro_rules! by_token_and_by_id {
    ($($(#[$documentation:meta])* $name:ident, $too_large:ident: $request:ident, $failed:ident { $($key:ident),* } -> $response:ident, $payloads:ident, $reason:ident;)*) => {
        $($(#[$documentation])*
        pub(crate) async fn $name(frontend: &Frontend, _context: &CallContext, mut request: service::$request) -> Answer<service::$response> {
            if !frontend.too_large(&request.$payloads) {
                return frontend.forward(request).await;
            }
            request.check(&frontend.limits).map_err(status)?;
            frontend.ask(service::$failed {
                $($key: request.$key,)*
                namespace: request.namespace,
                identity: request.identity,
                failure: Some(server_failure($reason)),
                ..Default::default()
            }).await?;
            let answer: service::$response = $too_large();
            Ok(answer.into())
        })*
    };
}

by_token_and_by_id! {
    /// `RespondActivityTaskCompleted`.
    complete, done: RespondActivityTaskCompletedRequest, RespondActivityTaskFailedRequest { task_token }
        -> RespondActivityTaskCompletedResponse, result, RESULT_TOO_LARGE;
    /// `RespondActivityTaskCompletedById`.
    complete_by_id, done: RespondActivityTaskCompletedByIdRequest, RespondActivityTaskFailedByIdRequest { workflow_id, run_id, activity_id }
        -> RespondActivityTaskCompletedByIdResponse, result, RESULT_TOO_LARGE;
    /// `RespondActivityTaskCanceled`.
    cancel, done: RespondActivityTaskCanceledRequest, RespondActivityTaskFailedRequest { task_token }
        -> RespondActivityTaskCanceledResponse, details, CANCEL_TOO_LARGE;
    /// `RespondActivityTaskCanceledById`.
    cancel_by_id, done: RespondActivityTaskCanceledByIdRequest, RespondActivityTaskFailedByIdRequest { workflow_id, run_id, activity_id }
        -> RespondActivityTaskCanceledByIdResponse, details, CANCEL_TOO_LARGE;
    /// `RecordActivityTaskHeartbeat`: the worker is told to stop.
    heartbeat, stop: RecordActivityTaskHeartbeatRequest, RespondActivityTaskFailedRequest { task_token }
        -> RecordActivityTaskHeartbeatResponse, details, HEARTBEAT_TOO_LARGE;
    /// `RecordActivityTaskHeartbeatById`: the worker is told to stop.
    heartbeat_by_id, stop_by_id: RecordActivityTaskHeartbeatByIdRequest, RespondActivityTaskFailedByIdRequest { workflow_id, run_id, activity_id }
        -> RecordActivityTaskHeartbeatByIdResponse, details, HEARTBEAT_TOO_LARGE;
}

fn done<T: Default>() -> T {
    T::default()
}

fn stop() -> service::RecordActivityTaskHeartbeatResponse {
    service::RecordActivityTaskHeartbeatResponse { cancel_requested: true, ..Default::default() }
}

fn stop_by_id() -> service::RecordActivityTaskHeartbeatByIdResponse {
    service::RecordActivityTaskHeartbeatByIdResponse { cancel_requested: true, ..Default::default() }
}

impl Frontend {
    /// Cuts what is too large of a failed attempt; what came of it, the worker is told.
    fn cut(&self, failure: &mut Option<Failure>, heartbeat: &mut Option<Payloads>) -> Vec<Failure> {
        let mut told = Vec::new();
        if self.too_large(heartbeat) {
            *heartbeat = None;
            told.push(server_failure(HEARTBEAT_TOO_LARGE));
        }
        let size = failure.as_ref().map_or(0, Message::encoded_len);
        if blob(size, "failure", &self.limits).is_err() {
            let cut = failure.take().map(shortened);
            told.extend(cut.clone());
            *failure = cut;
        }
        told
    }
}

macro_rules! fails {
    ($($(#[$documentation:meta])* $name:ident: $request:ident -> $response:ident;)*) => {
        $($(#[$documentation])*
        pub(crate) async fn $name(frontend: &Frontend, _context: &CallContext, mut request: service::$request) -> Answer<service::$response> {
            request.check(&frontend.limits).map_err(status)?;
            let failures = frontend.cut(&mut request.failure, &mut request.last_heartbeat_details);
            let answer = frontend.ask(request).await?;
            Ok(service::$response { failures: answer.failures.into_iter().chain(failures).collect() }.into())
        })*
    };
}

fails! {
    /// `RespondActivityTaskFailed`.
    fail: RespondActivityTaskFailedRequest -> RespondActivityTaskFailedResponse;
    /// `RespondActivityTaskFailedById`.
    fail_by_id: RespondActivityTaskFailedByIdRequest -> RespondActivityTaskFailedByIdResponse;
}

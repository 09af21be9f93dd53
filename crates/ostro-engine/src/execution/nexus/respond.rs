//! What workers answer to requests.

use temporalio_protos::temporal::api::{
    failure::v1::Failure,
    nexus::v1::{StartOperationResponse, response, start_operation_response as start},
};

use super::What;
use super::request::nothing;
use crate::base::error::{Error, Result};
use crate::base::token::TaskToken;
use crate::execution::Transition;
use crate::nexus::outgoing::NotDelivered;
use crate::nexus::{failures, links};
use crate::stored::execution::RequestState;

/// Longest token of an operation, as on the reference server.
const OPERATION_TOKEN_LENGTH_MAX: usize = 4096;

/// What is wrong with a token that a handler gave to its operation.
pub(crate) fn token_fault(token: &str) -> Option<String> {
    let length = token.len();
    (length > OPERATION_TOKEN_LENGTH_MAX)
        .then(|| format!("length exceeds allowed limit ({length}/{OPERATION_TOKEN_LENGTH_MAX})"))
}

/// A worker's answer to a request.
#[derive(Debug)]
pub(crate) enum Response {
    Completed(Option<response::Variant>),
    Failed(Failure),
    /// What came back from a URL outside was no answer of a handler, or nothing came back.
    NotDelivered(NotDelivered),
}

impl Transition<'_> {
    /// Takes the answer to the request that the token names.
    ///
    /// # Errors
    /// NOT_FOUND where the request is no longer with that worker.
    pub(crate) fn nexus_answered(&mut self, token: &TaskToken, what: What, response: Response) -> Result<()> {
        if !self.exec.is_open() || !self.exec.has_nexus_request(token, what) {
            return Err(Error::not_found("Nexus task not found or already expired"));
        }
        let event = token.scheduled_event_id;
        match (what, response) {
            (_, Response::Failed(failure)) => {
                let retryable = failures::is_retryable(&failure);
                self.nexus_request_failed(event, what, failure, retryable);
            }
            (_, Response::NotDelivered(NotDelivered { message, retryable })) => {
                let failure = self.call_failure(&message, !retryable);
                self.nexus_request_failed(event, what, failure, retryable);
            }
            (What::Start, Response::Completed(Some(response::Variant::StartOperation(answer)))) => {
                self.nexus_start_answered(event, answer);
            }
            (What::Cancel, Response::Completed(Some(response::Variant::CancelOperation(_)))) => {
                self.nexus_cancel_delivered(event);
            }
            (_, Response::Completed(_)) => self.nexus_answer_empty(event, what),
        }
        Ok(())
    }

    /// The failure of a request that its handler had no part in: the reference server tells a workflow another one.
    pub(super) fn call_failure(&self, message: &str, non_retryable: bool) -> Failure {
        match self.exec.is_standalone_nexus_operation() {
            true => failures::server(message, non_retryable),
            false => failures::call(message, non_retryable),
        }
    }

    fn nexus_start_answered(&mut self, event: i64, answer: StartOperationResponse) {
        let limit = self.config.blob_bytes_max;
        match answer.variant {
            Some(start::Variant::SyncSuccess(sync)) => {
                if sync.payload.as_ref().map_or(0, prost::Message::encoded_len) > limit {
                    let failure = self.call_failure("http: response body too large", true);
                    return self.nexus_request_failed(event, What::Start, failure, false);
                }
                let result = sync.payload.unwrap_or_else(nothing);
                self.nexus_operation_completed(event, Some(result), links::from_nexus(&sync.links));
            }
            Some(start::Variant::AsyncSuccess(started)) => {
                let token = match started.operation_token {
                    token if token.is_empty() => started.operation_id,
                    token => token,
                };
                if let Some(fault) = token_fault(&token) {
                    let failure = self.call_failure(&format!("invalid operation token: {fault}"), true);
                    return self.nexus_request_failed(event, What::Start, failure, false);
                }
                self.nexus_operation_started(event, token, self.now, links::from_nexus(&started.links));
            }
            Some(start::Variant::OperationError(error)) => {
                self.nexus_operation_ended(event, failures::of_operation_error(error));
            }
            Some(start::Variant::Failure(failure)) => self.nexus_operation_ended(event, failure),
            None => self.nexus_answer_empty(event, What::Start),
        }
    }

    fn nexus_answer_empty(&mut self, event: i64, what: What) {
        self.nexus_request_failed(event, what, failures::handler("INTERNAL", "empty outcome"), true);
    }

    fn nexus_cancel_delivered(&mut self, event: i64) {
        let now = self.now;
        let Some(operation) = self.exec.nexus_operation_mut(event) else { return };
        let request = operation.request_mut(What::Cancel);
        request.set_state(RequestState::Succeeded);
        request.last_attempt_complete_time = now.nanos();
        request.last_attempt_failure = None;
        self.record_nexus_cancel_completed(event);
    }
}

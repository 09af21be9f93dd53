//! What handlers outside answer.

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use ostro_engine::nexus::failures::{is_retryable, of_state};
use ostro_engine::nexus::outgoing::NotDelivered;
use serde::Deserialize;
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_protos::temporal::api::nexus::v1::{
    CancelOperationResponse, StartOperationResponse, response::Variant, start_operation_response as start,
};

use super::failure::{HANDLER_ERROR, NexusFailure, handler_info};
use super::link::links;
use super::{CANCELED, FAILED, OPERATION_STATE, RETRYABLE, RUNNING, content, is_json, text};

/// A response, read to its end.
pub(super) struct Response {
    pub status: StatusCode,
    /// The status as the handler worded it, where it used words of its own.
    pub reason: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a request was not answered as it should be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// An error of the handler.
    Handler(Box<Failure>),
    /// No answer of a Nexus handler; the request may be repeated.
    Unexpected(String),
}

/// An operation that goes on.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OperationInfo {
    token: String,
    state: String,
}

impl Response {
    /// The answer to a request to start an operation.
    pub(super) fn started(&self) -> Result<Variant, Fault> {
        let links = links(&self.headers).map_err(|error| {
            self.unexpected(format!("invalid links header: {:?}: {error}", text(&self.headers, super::LINK)))
        })?;
        let variant = match self.status {
            StatusCode::OK => start::Variant::SyncSuccess(start::Sync { payload: Some(self.payload()?), links }),
            StatusCode::CREATED => {
                let operation_token = self.operation_token()?;
                start::Variant::AsyncSuccess(start::Async { operation_token, links, ..Default::default() })
            }
            StatusCode::FAILED_DEPENDENCY => start::Variant::Failure(self.unsuccessful()?),
            _ => return Err(self.handler_error()),
        };
        Ok(Variant::StartOperation(StartOperationResponse { variant: Some(variant) }))
    }

    /// The answer to a request to cancel one.
    pub(super) fn cancelled(&self) -> Result<Variant, Fault> {
        match self.status {
            StatusCode::ACCEPTED => Ok(Variant::CancelOperation(CancelOperationResponse {})),
            _ => Err(self.handler_error()),
        }
    }

    /// The answer to a callback.
    pub(super) fn delivered(&self) -> Result<(), Fault> {
        if self.status.is_success() { Ok(()) } else { Err(self.handler_error()) }
    }

    fn payload(&self) -> Result<Payload, Fault> {
        content::payload(&self.headers, &self.body).map_err(|error| Fault::Unexpected(error.to_string()))
    }

    fn operation_token(&self) -> Result<String, Fault> {
        self.check_json()?;
        let info: OperationInfo =
            serde_json::from_slice(&self.body).map_err(|error| Fault::Unexpected(error.to_string()))?;
        if info.state != RUNNING {
            return Err(self.unexpected(format!("invalid operation state in response info: {:?}", info.state)));
        }
        if info.token.is_empty() {
            return Err(self.unexpected("empty operation token in response".to_owned()));
        }
        Ok(info.token)
    }

    /// The end of the operation without success.
    fn unsuccessful(&self) -> Result<Failure, Fault> {
        self.check_json()?;
        let failure = NexusFailure::parse(&self.body).map_err(|error| Fault::Unexpected(error.to_string()))?;
        let state = match failure.operation_state() {
            Some(state) => state,
            None => {
                let state = text(&self.headers, OPERATION_STATE);
                if !matches!(state, FAILED | CANCELED) {
                    return Err(self.unexpected(format!("invalid operation state header: {state:?}")));
                }
                state.to_owned()
            }
        };
        let failure = failure.unwrapped().into_temporal().map_err(Fault::Unexpected)?;
        Ok(of_state(state == CANCELED, failure))
    }

    fn check_json(&self) -> Result<(), Fault> {
        if is_json(&self.headers) {
            return Ok(());
        }
        let kind = text(&self.headers, "content-type");
        Err(self.unexpected(format!("invalid response content type: {kind:?}")))
    }

    /// An error of the handler, if it can be read as one.
    fn handler_error(&self) -> Fault {
        let failure = Some(&self.body).filter(|_| is_json(&self.headers));
        match failure.and_then(|body| NexusFailure::parse(body).ok()) {
            None => self.error_of_status(None),
            Some(failure) if failure.kind() == HANDLER_ERROR => match failure.into_temporal() {
                Ok(failure) => Fault::Handler(Box::new(failure)),
                Err(error) => self.unexpected(format!("failed to convert Failure to error: {error}")),
            },
            Some(failure) => self.error_of_status(failure.into_temporal().ok()),
        }
    }

    /// What the status alone says of the error; its cause is what the body says.
    fn error_of_status(&self, cause: Option<Failure>) -> Fault {
        let Some(kind) = kind_of(self.status) else {
            return self.unexpected(format!("unexpected response status: {:?}", self.status_line()));
        };
        let retryable = match text(&self.headers, RETRYABLE).to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        Fault::Handler(Box::new(Failure {
            failure_info: Some(handler_info(kind.to_owned(), retryable)),
            cause: cause.map(Box::new),
            ..Default::default()
        }))
    }

    fn status_line(&self) -> String {
        let reason = match self.reason.as_str() {
            "" => self.status.canonical_reason().unwrap_or_default(),
            reason => reason,
        };
        format!("{} {reason}", self.status.as_str()).trim_end().to_owned()
    }

    /// With the message of the body, where that is a failure.
    fn unexpected(&self, message: String) -> Fault {
        let failure = Some(&self.body).filter(|_| is_json(&self.headers));
        let failure = failure.and_then(|body| NexusFailure::parse(body).ok()).unwrap_or_default();
        match failure.message.as_str() {
            "" => Fault::Unexpected(message),
            said => Fault::Unexpected(format!("{message}: {said}")),
        }
    }
}

impl From<Fault> for NotDelivered {
    fn from(fault: Fault) -> Self {
        let failure = match fault {
            Fault::Unexpected(message) => return Self { message, retryable: true },
            Fault::Handler(failure) => failure,
        };
        let kind = match &failure.failure_info {
            Some(FailureInfo::NexusHandlerFailureInfo(info)) => info.r#type.as_str(),
            _ => "",
        };
        let said = if failure.message.is_empty() { String::new() } else { format!(": {}", failure.message) };
        Self { message: format!("handler error ({kind}){said}"), retryable: is_retryable(&failure) }
    }
}

/// The kinds of a handler's error, and the status of each.
const KINDS: [(u16, &str); 11] = [
    (400, "BAD_REQUEST"),
    (401, "UNAUTHENTICATED"),
    (403, "UNAUTHORIZED"),
    (404, "NOT_FOUND"),
    (408, "REQUEST_TIMEOUT"),
    (409, "CONFLICT"),
    (429, "RESOURCE_EXHAUSTED"),
    (500, "INTERNAL"),
    (501, "NOT_IMPLEMENTED"),
    (503, "UNAVAILABLE"),
    (520, "UPSTREAM_TIMEOUT"),
];

fn kind_of(status: StatusCode) -> Option<&'static str> {
    KINDS.iter().find(|(code, _)| *code == status.as_u16()).map(|(_, kind)| *kind)
}

/// The status that tells an error of this kind.
pub(super) fn status_of(kind: &str) -> StatusCode {
    let code = KINDS.iter().find(|(_, known)| *known == kind).map_or(500, |(code, _)| *code);
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

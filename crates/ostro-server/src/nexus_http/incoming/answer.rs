//! What a worker said to a request, as its response.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use ostro_engine::nexus::incoming::NexusWorkerAnswer;
use temporalio_protos::temporal::api::enums::v1::NexusHandlerErrorRetryBehavior as Retry;
use temporalio_protos::temporal::api::failure::v1::{Failure, failure::FailureInfo};
use temporalio_protos::temporal::api::nexus::v1::{
    HandlerError, Link, StartOperationResponse, response::Variant, start_operation_response as start,
};

use super::super::content::Content;
use super::super::failure::NexusFailure;
use super::super::link::set_links;
use super::super::response::status_of;
use super::super::{CANCELED, FAILED, FAILURE_SOURCE, FROM_WORKER, JSON, OPERATION_STATE, RUNNING};
use super::{INTERNAL, refused};

/// `starts`: the request was to start an operation, not to cancel one; `newly`: its caller knows failures in their newer
/// form, with all that is around them.
pub(super) fn response(answer: Option<NexusWorkerAnswer>, starts: bool, newly: bool) -> Response {
    match answer {
        None => unanswered("UPSTREAM_TIMEOUT", "upstream timeout"),
        Some(NexusWorkerAnswer::Failed(failure)) => failed(failure, newly),
        Some(NexusWorkerAnswer::HandlerError(error)) => failed_in_old_form(error, newly),
        Some(NexusWorkerAnswer::Completed(_)) if !starts => with_status(StatusCode::ACCEPTED),
        Some(NexusWorkerAnswer::Completed(Some(Variant::StartOperation(answer)))) => started(answer, newly),
        Some(NexusWorkerAnswer::Completed(_)) => empty(),
    }
}

#[allow(deprecated, reason = "SDKs that know no newer form still send it")]
fn started(answer: StartOperationResponse, newly: bool) -> Response {
    match answer.variant {
        Some(start::Variant::SyncSuccess(done)) => {
            let content = Content::of(done.payload.as_ref());
            let mut response = linked(StatusCode::OK, &done.links);
            // What can be no header is left out: the result itself is whole.
            drop(content.set_headers(response.headers_mut()));
            *response.body_mut() = content.body.into();
            response
        }
        Some(start::Variant::AsyncSuccess(goes_on)) => {
            let token = match goes_on.operation_token {
                token if token.is_empty() => goes_on.operation_id,
                token => token,
            };
            let mut response = linked(StatusCode::CREATED, &goes_on.links);
            response.headers_mut().insert("content-type", HeaderValue::from_static(JSON));
            *response.body_mut() = serde_json::json!({ "token": token, "state": RUNNING }).to_string().into();
            response
        }
        Some(start::Variant::Failure(failure)) => {
            let canceled = matches!(failure.failure_info, Some(FailureInfo::CanceledFailureInfo(_)));
            unsuccessful(if canceled { CANCELED } else { FAILED }, NexusFailure::of_temporal(failure), newly)
        }
        Some(start::Variant::OperationError(error)) => {
            let failure = NexusFailure::of_old(error.failure.unwrap_or_default());
            match error.operation_state.as_str() {
                CANCELED => unsuccessful(CANCELED, failure, newly),
                FAILED => unsuccessful(FAILED, failure, newly),
                _ => from_worker(with_status(StatusCode::INTERNAL_SERVER_ERROR)),
            }
        }
        None => empty(),
    }
}

/// The operation ended at once, without success.
fn unsuccessful(state: &'static str, cause: NexusFailure, newly: bool) -> Response {
    let failure = NexusFailure::operation(state, cause);
    let mut response = refused(StatusCode::FAILED_DEPENDENCY, Retry::Unspecified, &told(failure, newly));
    response.headers_mut().insert(OPERATION_STATE, HeaderValue::from_static(state));
    from_worker(response)
}

fn failed(failure: Failure, newly: bool) -> Response {
    let (status, retry) = match &failure.failure_info {
        Some(FailureInfo::NexusHandlerFailureInfo(info)) => (status_of(&info.r#type), info.retry_behavior()),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Retry::Unspecified),
    };
    from_worker(refused(status, retry, &told(NexusFailure::of_temporal(failure), newly)))
}

fn failed_in_old_form(error: HandlerError, newly: bool) -> Response {
    let (status, retry) = (status_of(&error.error_type), error.retry_behavior());
    let cause = Some(Box::new(NexusFailure::of_old(error.failure.unwrap_or_default())));
    let failure = NexusFailure { cause, ..NexusFailure::handler(&error.error_type, "", retry) };
    from_worker(refused(status, retry, &told(failure, newly)))
}

/// Who does not know what is around a failure is told the failure alone.
fn told(failure: NexusFailure, newly: bool) -> NexusFailure {
    match failure.cause {
        Some(cause) if !newly => *cause,
        cause => NexusFailure { cause, ..failure },
    }
}

/// The worker has not answered as it should.
fn unanswered(kind: &str, message: &str) -> Response {
    let failure = NexusFailure::handler(kind, message, Retry::Unspecified);
    from_worker(refused(status_of(kind), Retry::Unspecified, &failure))
}

fn empty() -> Response {
    unanswered(INTERNAL, "empty outcome")
}

fn with_status(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

fn linked(status: StatusCode, links: &[Link]) -> Response {
    let mut response = with_status(status);
    set_links(response.headers_mut(), links);
    response
}

fn from_worker(mut response: Response) -> Response {
    response.headers_mut().insert(FAILURE_SOURCE, HeaderValue::from_static(FROM_WORKER));
    response
}

#[cfg(test)]
#[allow(deprecated, reason = "SDKs that know no newer form still send it")]
mod tests {
    use axum::body::to_bytes;
    use ostro_engine::nexus::failures::handler;
    use serde_json::{Value, json};
    use temporalio_protos::temporal::api::failure::v1::CanceledFailureInfo;
    use temporalio_protos::temporal::api::nexus::v1::{self as nexus, UnsuccessfulOperationError};

    use super::*;

    /// Status, state of the operation, whether to ask again, and the body, for a caller that knows the newer form and for one
    /// that does not.
    async fn told(answer: NexusWorkerAnswer) -> [(u16, String, String, Value); 2] {
        let told = async |newly| {
            let (parts, body) = response(Some(answer.clone()), true, newly).into_parts();
            let header = |name| parts.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            assert_eq!(header(FAILURE_SOURCE), FROM_WORKER);
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            (parts.status.as_u16(), header(OPERATION_STATE), header("nexus-request-retryable"), body)
        };
        [told(true).await, told(false).await]
    }

    fn completed(variant: start::Variant) -> NexusWorkerAnswer {
        let answer = StartOperationResponse { variant: Some(variant) };
        NexusWorkerAnswer::Completed(Some(Variant::StartOperation(answer)))
    }

    fn old_failure() -> Option<nexus::Failure> {
        let details = br#"{"a":1}"#.to_vec();
        Some(nexus::Failure { message: "old".into(), details, ..Default::default() })
    }

    #[tokio::test]
    async fn an_operation_without_success_is_told_with_its_state() {
        let info = FailureInfo::CanceledFailureInfo(CanceledFailureInfo::default());
        let gone = Failure { message: "gone".into(), failure_info: Some(info), ..Default::default() };
        let cause = json!({
            "message": "gone",
            "metadata": { "type": "temporal.api.failure.v1.Failure" },
            "details": { "canceledFailureInfo": {} },
        });
        let whole = json!({
            "message": "operation error",
            "metadata": { "type": "nexus.OperationError", "unwrap-error": "true" },
            "details": { "state": "canceled" },
            "cause": cause,
        });
        let both = told(completed(start::Variant::Failure(gone))).await;
        assert_eq!(both, [whole, cause].map(|body| (424, CANCELED.into(), String::new(), body)));
        let old = |state: &str| {
            let error = UnsuccessfulOperationError { operation_state: state.into(), failure: old_failure() };
            completed(start::Variant::OperationError(error))
        };
        let [newly, plainly] = told(old(FAILED)).await;
        assert_eq!((newly.0, newly.1.as_str(), &newly.3["cause"]), (424, FAILED, &plainly.3));
        assert_eq!(plainly.3, json!({ "message": "old", "details": { "a": 1 } }));
        assert_eq!(told(old(RUNNING)).await.map(|it| it.0), [500, 500]);
    }

    #[tokio::test]
    async fn errors_of_handlers_are_told_by_their_status() {
        let mut failure = handler("CONFLICT", "not now");
        let Some(FailureInfo::NexusHandlerFailureInfo(info)) = &mut failure.failure_info else { unreachable!() };
        info.retry_behavior = Retry::Retryable as i32;
        let body = json!({
            "message": "not now",
            "metadata": { "type": "nexus.HandlerError" },
            "details": { "type": "CONFLICT", "retryableOverride": true },
        });
        let expected = (409, String::new(), "true".to_owned(), body);
        assert_eq!(told(NexusWorkerAnswer::Failed(failure)).await, [expected.clone(), expected]);
        let error = HandlerError { error_type: "NOT_FOUND".into(), failure: old_failure(), ..Default::default() };
        let [newly, plainly] = told(NexusWorkerAnswer::HandlerError(error)).await;
        assert_eq!(
            (newly.0, &newly.3["details"], &newly.3["cause"]),
            (404, &json!({ "type": "NOT_FOUND" }), &plainly.3)
        );
        assert_eq!(told(NexusWorkerAnswer::Completed(None)).await.map(|it| it.0), [500, 500]);
    }

    #[test]
    fn any_answer_to_a_cancellation_accepts_it() {
        assert_eq!(response(Some(NexusWorkerAnswer::Completed(None)), false, true).status(), StatusCode::ACCEPTED);
    }
}

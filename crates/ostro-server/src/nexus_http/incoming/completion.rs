//! The end of an operation that a handler outside sends: `POST /namespaces/{namespace}/nexus/callback`.
//!
//! The token among the headers says which operation it is, and that the caller may end it: only its handler was given it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use ostro_engine::nexus::callback::TOKEN_HEADER;
use ostro_engine::nexus::failures::of_state;
use ostro_engine::nexus::links::from_nexus;
use ostro_engine::nexus::outgoing::CompleteNexusOperation;
use ostro_engine::stored::execution::Completion;
use ostro_engine::time::Time;

use super::super::failure::NexusFailure;
use super::super::{CANCELED, FAILED, OPERATION_CLOSE_TIME, OPERATION_START_TIME, OPERATION_STATE, OPERATION_TOKEN};
use super::super::{SUCCEEDED, content, is_json, link, moment, text};
use super::{Incoming, Refusal};

pub(super) async fn in_namespace(
    incoming: State<Incoming>,
    Path(namespace): Path<String>,
    request: Request,
) -> Response {
    answer(incoming.0.complete(Some(namespace), request).await)
}

pub(super) async fn anywhere(incoming: State<Incoming>, request: Request) -> Response {
    answer(incoming.0.complete(None, request).await)
}

impl Incoming {
    async fn complete(&self, namespace: Option<String>, request: Request) -> Result<(), Refusal> {
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, &()).await.ok();
        let completion = completion(&headers, body.as_deref())?;
        let request = CompleteNexusOperation {
            namespace,
            callback_token: text(&headers, TOKEN_HEADER).to_owned(),
            operation_token: text(&headers, OPERATION_TOKEN).to_owned(),
            completion,
        };
        self.engine.call(request).await.map_err(Refusal::from)
    }
}

/// What the request says; `body` is `None` where it is too large, or was cut off.
fn completion(headers: &HeaderMap, body: Option<&[u8]>) -> Result<Completion, Refusal> {
    let time = |name: &str, parse: fn(&str) -> Option<Time>, what: &str| match text(headers, name) {
        "" => Ok(Time::UNSET),
        said => parse(said).ok_or_else(|| Refusal::bad(format!("failed to parse operation {what} time header"))),
    };
    let start_time = time(OPERATION_START_TIME, moment::of_http_date, "start")?;
    let close_time = time(OPERATION_CLOSE_TIME, moment::of_rfc3339, "close")?;
    let links = link::links(headers).map_err(|_| Refusal::bad("failed to decode links from request headers"))?;
    let common = Completion {
        start_time: start_time.nanos(),
        close_time: close_time.nanos(),
        links: from_nexus(&links),
        ..Default::default()
    };
    match text(headers, OPERATION_STATE) {
        SUCCEEDED => {
            let invalid = || Refusal::bad("invalid result content");
            let payload = content::payload(headers, body.ok_or_else(invalid)?).map_err(|_| invalid())?;
            Ok(Completion { result: Some(payload), ..common })
        }
        state @ (FAILED | CANCELED) => {
            if !is_json(headers) {
                let kind = text(headers, CONTENT_TYPE.as_str());
                return Err(Refusal::bad(format!("invalid request content type: {kind:?}")));
            }
            let body = body.ok_or_else(|| Refusal::bad("failed to read Failure from request body"))?;
            let failure =
                NexusFailure::parse(body).map_err(|_| Refusal::bad("failed to decode Failure from request body"))?;
            // The error of an operation names its state itself.
            let canceled = failure.operation_state().map_or(state == CANCELED, |state| state == CANCELED);
            let failure = failure.unwrapped().into_temporal();
            let failure = failure.map_err(|_| Refusal::bad("invalid failure content"))?;
            Ok(Completion { failure: Some(of_state(canceled, failure)), ..common })
        }
        state => Err(Refusal::bad(format!("invalid request operation state: {state:?}"))),
    }
}

fn answer(outcome: Result<(), Refusal>) -> Response {
    outcome.map_or_else(Refusal::into_response, |()| StatusCode::OK.into_response())
}

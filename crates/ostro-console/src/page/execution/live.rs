//! Tells a page that its run has gone on: one line for each change, by server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionResponse, GetWorkflowExecutionHistoryRequest,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::answer::{Answer, Failure};
use crate::door::{Console, Visitor};
use crate::form::Sent;
use crate::run::{Place, describe};

/// Longest wait for an event; then what histories do not tell is looked at: attempts, heartbeats, pauses.
const POLL: Duration = Duration::from_secs(3);
/// Changes in one moment are one change.
const PAUSE: Duration = Duration::from_millis(400);

type Out = mpsc::Sender<Result<Event, Infallible>>;

/// A stream of `changed`, then `closed`.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let place = Place::of(path, &Sent::read(query.unwrap_or_default().as_bytes())?);
    // Refused before the stream begins, where it is.
    let described = describe(&visitor.caller, &place).await?;
    let (out, events) = mpsc::channel::<Result<Event, Infallible>>(4);
    tokio::spawn(async move {
        tokio::select! {
            () = console.stopped() => {}
            () = out.closed() => {}
            () = watch(&visitor, &place, described, &out) => {}
        }
    });
    let stream = Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::default());
    Ok::<Response, Failure>(stream.into_response())
}

async fn watch(visitor: &Visitor, place: &Place, mut known: DescribeWorkflowExecutionResponse, out: &Out) {
    let mut seen = known.workflow_execution_info.as_ref().map_or(0, |info| info.history_length);
    let mut request = GetWorkflowExecutionHistoryRequest {
        namespace: place.namespace.clone(),
        execution: Some(place.execution()),
        wait_new_event: true,
        ..Default::default()
    };
    loop {
        let word = match visitor.caller.ask_within(&request, POLL).await {
            Ok(page) => {
                let last = page.history.unwrap_or_default().events.last().map_or(0, |event| event.event_id);
                let is_news = last > seen;
                seen = seen.max(last);
                let closed = page.next_page_token.is_empty();
                request.next_page_token = page.next_page_token;
                if closed {
                    "closed"
                } else if is_news {
                    "changed"
                } else {
                    ""
                }
            }
            Err(status) if status.code() == Code::DeadlineExceeded => {
                let Ok(described) = describe(&visitor.caller, place).await else { return };
                if described == known { "" } else { "changed" }
            }
            // The browser comes back, and is told then.
            Err(_) => return,
        };
        if word == "changed" {
            let Ok(described) = describe(&visitor.caller, place).await else { return };
            known = described;
        }
        if !word.is_empty() && out.send(Ok(Event::default().event(word).data(word))).await.is_err() || word == "closed"
        {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

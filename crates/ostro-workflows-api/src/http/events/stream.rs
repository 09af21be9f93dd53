//! A stream of events: what was kept since a place, then what comes, until the execution is closed.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use crate::model::access::Caller;
use crate::model::error::{Code, Error, Result};
use crate::model::event::{EventType, WorkflowEvent};
use crate::model::moment::Moment;
use crate::model::record::{Entry, Filter};
use crate::service::api::Api;
use crate::service::journal::parse;
use crate::service::journal::watch::wait_closed;

/// Entries read at once.
const PAGE: usize = 500;

/// Messages that wait for a slow client; then it is read no further for it.
const BUFFER: usize = 64;

/// The one stream there is.
const STREAM: &str = "workflow";

/// One message of a stream.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamEventSsePayload {
    stream: &'static str,
    timestamp: Moment,
    data: WorkflowEvent,
    workflow_context: StreamEventWorkflowContext,
    #[schema(value_type = Object)]
    metadata: serde_json::Map<String, Value>,
    /// The event's place; `last-event-id` and `start_seq` take it.
    broker_sequence: u64,
}

/// The execution that an event is of.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamEventWorkflowContext {
    namespace: String,
    workflow_name: String,
    workflow_exec_id: String,
    parent_workflow_exec_id: Option<String>,
    root_workflow_exec_id: Option<String>,
}

/// What ends a stream that had begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowStreamError {
    pub error: String,
    pub reason: String,
}

/// Which events, from where, until when.
pub(crate) struct Subscription {
    pub filter: Filter,
    pub types: Vec<EventType>,
    pub finer: Finer,
    /// Whether to wait for what comes.
    pub live: bool,
    /// The execution whose end is the stream's.
    pub until_closed: Option<String>,
}

/// What the journal has no column for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finer {
    pub scope: Option<bool>,
    pub activity_name: Option<String>,
    pub activity_id: Option<String>,
    pub workflow_name: Option<String>,
    pub parent: Option<String>,
    pub stream: Option<String>,
}

impl Finer {
    fn wants(&self, event: &WorkflowEvent) -> bool {
        let attribute = |key: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| event.attributes.get(key).and_then(Value::as_str) == Some(wanted))
        };
        let parent = event.parent_workflow_exec_id.as_deref();
        self.scope.is_none_or(|activities| activities == event.event_type.is_activity())
            && attribute("activity_name", &self.activity_name)
            && attribute("task_id", &self.activity_id)
            && self.workflow_name.as_ref().is_none_or(|name| *name == event.workflow_name)
            && self.parent.as_deref().is_none_or(|wanted| parent == Some(wanted))
            && self.stream.as_deref().is_none_or(|wanted| wanted == STREAM)
    }
}

/// What carries messages to a client.
pub(crate) type Messages = Sse<axum::response::sse::KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>>;

/// Runs `feed` beside the response that it feeds, which is one of the streams of its namespace. Refused where that has too
/// many.
pub(crate) fn messages<F>(
    api: &Api,
    namespace: &str,
    feed: impl FnOnce(mpsc::Sender<Result<Event, Infallible>>) -> F,
) -> Result<Messages>
where
    F: Future<Output = ()> + Send + 'static,
{
    let open = api.streams.open(namespace)?;
    let (sender, receiver) = mpsc::channel(BUFFER);
    let fed = feed(sender);
    tokio::spawn(async move {
        fed.await;
        drop(open);
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()))
}

/// The message that says why a stream ends early.
pub(crate) fn failure(error: &crate::model::error::Error) -> Event {
    let reason = match error {
        crate::model::error::Error::Refused { message, .. } => message.clone(),
        crate::model::error::Error::Invalid(_) => "the request does not fit".to_owned(),
    };
    let body = WorkflowStreamError { error: "stream_error".to_owned(), reason };
    Event::default().event("error").data(serde_json::to_string(&body).unwrap_or_default())
}

/// Why a stream ends whose caller's key was revoked.
pub(crate) fn revoked() -> Error {
    Error::new(Code::Unauthenticated, "the API key was revoked")
}

/// The stream of a subscription.
pub(crate) fn stream(api: &Arc<Api>, caller: Caller, subscription: Subscription) -> Result<Messages> {
    let (namespace, own) = (subscription.filter.namespace.clone(), api.clone());
    messages(api, &namespace, |sender| async move {
        let api = own;
        tokio::select! {
            () = sender.closed() => {}
            () = api.stopped() => {}
            () = api.revoked(caller.key) => drop(sender.send(Ok(failure(&revoked()))).await),
            outcome = feed(&api, subscription, &sender) => {
                if let Err(error) = outcome {
                    drop(sender.send(Ok(failure(&error))).await);
                }
            }
        }
    })
}

async fn feed(
    api: &Arc<Api>,
    mut subscription: Subscription,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<()> {
    let mut progress = api.store.progress();
    let namespace = subscription.filter.namespace.clone();
    let execution = subscription.until_closed.clone();
    let closed = async {
        match execution {
            Some(execution) => wait_closed(api, &namespace, &execution).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(closed);
    // Once closed nothing more comes: what is there by then is sent, and that is the end.
    let mut last_round = !subscription.live;
    loop {
        progress.mark_unchanged();
        if !send_kept(api, &mut subscription, sender).await? || last_round {
            return Ok(());
        }
        tokio::select! {
            changed = progress.changed() => if changed.is_err() { return Ok(()) },
            outcome = &mut closed => { outcome?; last_round = true }
        }
    }
}

/// Sends what is there; false when the client has gone.
async fn send_kept(
    api: &Api,
    subscription: &mut Subscription,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
) -> Result<bool> {
    loop {
        let entries = api.store.read(Filter { limit: PAGE, ..subscription.filter.clone() }).await?;
        let Some(last) = entries.last() else { return Ok(true) };
        subscription.filter.after = last.sequence;
        for entry in &entries {
            let event = parse(entry)?;
            let wanted = subscription.types.is_empty() || subscription.types.contains(&event.event_type);
            if wanted && subscription.finer.wants(&event) && sender.send(Ok(message(entry, event)?)).await.is_err() {
                return Ok(false);
            }
        }
    }
}

fn message(entry: &Entry, event: WorkflowEvent) -> Result<Event> {
    let payload = StreamEventSsePayload {
        stream: STREAM,
        timestamp: Moment::of_nanoseconds(entry.at),
        workflow_context: StreamEventWorkflowContext {
            namespace: entry.namespace.clone(),
            workflow_name: event.workflow_name.clone(),
            workflow_exec_id: event.workflow_exec_id.clone(),
            parent_workflow_exec_id: event.parent_workflow_exec_id.clone(),
            root_workflow_exec_id: Some(event.root_workflow_exec_id.clone()),
        },
        data: event,
        metadata: serde_json::Map::new(),
        broker_sequence: entry.sequence,
    };
    let data = serde_json::to_string(&payload)
        .map_err(|error| crate::model::error::Error::internal("write an event", &error))?;
    Ok(Event::default().event(entry.kind.clone()).id(entry.sequence.to_string()).data(data))
}

//! Journals of executions: events that workers send, and what the engine knows besides.

pub(crate) mod closing;

pub(crate) mod watch;

use crate::model::error::{Error, Result};
use crate::model::event::WorkflowEvent;
use crate::model::record::{Entry, Filter, Journal};
use crate::service::api::Api;

/// Events of one execution that a trace shows, at most.
const TRACE_MAX: usize = 20_000;

/// The events of one execution, those of the SDK's machinery among them if wanted, in order.
pub(crate) async fn events_of(
    api: &Api,
    namespace: &str,
    execution: &str,
    internal: bool,
) -> Result<Vec<(bool, WorkflowEvent)>> {
    let mut entries = Vec::new();
    let journals: &[Journal] = if internal { &[Journal::Event, Journal::InternalEvent] } else { &[Journal::Event] };
    for journal in journals {
        let filter =
            Filter { execution: Some(execution.to_owned()), limit: TRACE_MAX, ..Filter::all(*journal, namespace) };
        entries.extend(api.store.read(filter).await?);
    }
    entries.sort_by_key(|entry| entry.sequence);
    entries.iter().map(|entry| Ok((entry.journal == Journal::InternalEvent, parse(entry)?))).collect()
}

/// The event of an entry.
pub(crate) fn parse(entry: &Entry) -> Result<WorkflowEvent> {
    serde_json::from_str(&entry.body).map_err(|error| Error::internal("read an event", &error))
}

pub(crate) async fn keep(
    api: &Api,
    namespace: &str,
    events: &[WorkflowEvent],
    place: impl for<'a> Fn(&'a str) -> Vec<&'a str>,
) -> Result<()> {
    let mut changes = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        event.check(&place(&index.to_string()))?;
        changes.push(event.append(namespace)?);
    }
    api.store.write(changes).await?;
    Ok(())
}

#[cfg(test)]
mod tests;

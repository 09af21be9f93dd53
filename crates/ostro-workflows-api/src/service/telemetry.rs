//! Telemetry of workers.

use crate::model::error::{Error, Result};
use crate::model::record::{Entry, Filter, Journal};
use crate::model::telemetry::span::SpanRecord;
use crate::service::api::Api;

/// Spans of one trace that are shown, at most.
const SPANS_MAX: usize = 20_000;

/// The spans of a trace, by their start.
pub(crate) async fn spans_of(api: &Api, namespace: &str, trace: &str) -> Result<Vec<SpanRecord>> {
    let filter = Filter { root: Some(trace.to_owned()), limit: SPANS_MAX, ..Filter::all(Journal::Span, namespace) };
    let mut entries = api.store.read(filter).await?;
    entries.sort_by_key(|entry| (entry.at, entry.sequence));
    let parse =
        |entry: &Entry| serde_json::from_str(&entry.body).map_err(|error| Error::internal("read a span", &error));
    entries.iter().map(parse).collect()
}

//! Spans.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::digest::hex;
use crate::model::error::{Error, Result};
use crate::model::record::{Change, Entry, Journal};
use crate::model::telemetry::value::{Attribute, attributes, find};

/// Attributes that name the execution.
const EXECUTION: [&str; 3] = ["wf.workflow.execution_id", "workflow.execution_id", "temporalWorkflowID"];

/// What is kept of a span: itself, its scope and its resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SpanRecord {
    pub resource: Vec<Attribute>,
    pub scope: String,
    pub span: SpanView,
}

/// A span, as OTLP's JSON writes it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TempoTraceSpan)]
pub(crate) struct SpanView {
    pub trace_id: String,
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub name: String,
    pub kind: String,
    pub start_time_unix_nano: String,
    pub end_time_unix_nano: String,
    pub attributes: Vec<Attribute>,
    pub events: Vec<SpanEventView>,
}

/// An event within a span.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TempoTraceEvent)]
pub(crate) struct SpanEventView {
    pub name: String,
    pub time_unix_nano: String,
    pub attributes: Vec<Attribute>,
}

/// The changes that keep an export; the same span again changes nothing.
pub(crate) fn changes(namespace: &str, export: ExportTraceServiceRequest) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for batch in export.resource_spans {
        let resource = batch.resource.unwrap_or_default().attributes;
        for scope in batch.scope_spans {
            let name = scope.scope.unwrap_or_default().name;
            for span in scope.spans {
                let record =
                    SpanRecord { resource: attributes(&resource), scope: name.clone(), span: SpanView::of(&span) };
                let body = serde_json::to_string(&record).map_err(|error| Error::internal("write a span", &error))?;
                changes.push(Change::Append(Entry {
                    sequence: 0,
                    journal: Journal::Span,
                    namespace: namespace.to_owned(),
                    id: format!("{}/{}", record.span.trace_id, record.span.span_id),
                    at: i64::try_from(span.start_time_unix_nano).unwrap_or(i64::MAX),
                    // A trace is the root of its spans.
                    root: record.span.trace_id,
                    execution: find(&span.attributes, &EXECUTION),
                    run: String::new(),
                    kind: "span".to_owned(),
                    source: find(&resource, &["deploymentName", "service.name"]),
                    body,
                }));
            }
        }
    }
    Ok(changes)
}

impl SpanView {
    fn of(span: &Span) -> Self {
        let kind = SpanKind::try_from(span.kind).unwrap_or_default();
        Self {
            trace_id: hex(&span.trace_id),
            span_id: hex(&span.span_id),
            parent_span_id: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
            name: span.name.clone(),
            kind: kind.as_str_name().to_owned(),
            start_time_unix_nano: span.start_time_unix_nano.to_string(),
            end_time_unix_nano: span.end_time_unix_nano.to_string(),
            attributes: attributes(&span.attributes),
            events: span.events.iter().map(event).collect(),
        }
    }
}

fn event(event: &Event) -> SpanEventView {
    SpanEventView {
        name: event.name.clone(),
        time_unix_nano: event.time_unix_nano.to_string(),
        attributes: attributes(&event.attributes),
    }
}

//! The tab of what went in and what came out: input, result, memo, search attributes.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use ostro_explain::{failure, gather};
use temporalio_protos::temporal::api::common::v1::Payload;
use temporalio_protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;

use super::head::Head;
use super::timeline::origin;
use crate::answer::{Answer, Failure, page};
use crate::door::{Console, Visitor};
use crate::form::Sent;
use crate::layout::Layout;
use crate::payload::{self, Shown};
use crate::run::{Place, describe};
use crate::shown;

#[derive(Template)]
#[template(path = "data.html")]
struct Page {
    layout: Layout,
    head: Head,
    sections: Vec<Section>,
}

/// A heading with values under it.
struct Section {
    heading: &'static str,
    /// Said where there are none.
    empty: &'static str,
    values: Vec<Value>,
}

/// A value with its name, where it has one.
struct Value {
    name: String,
    shown: Shown,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let place = Place::of(path, &Sent::read(query.unwrap_or_default().as_bytes())?);
    let described = describe(&visitor.caller, &place).await?;
    let reasons = gather::explain(&visitor.caller, &place.namespace, &described, visitor.clock().now).await?;
    let info = described.workflow_execution_info.clone().unwrap_or_default();
    let layout = Layout::of(&visitor, &console, &place.namespace, "Workflows", &shown::line(&place.id)).await;
    let origin = origin(&visitor, &headers);
    let head = Head::of(&visitor, &place, &described, &reasons, layout.rights, "Input and result", &origin);
    let memo = info.memo.unwrap_or_default().fields;
    let attributes = info.search_attributes.unwrap_or_default().indexed_fields;
    let sections = vec![
        Section { heading: "Input", empty: "It was started without input.", values: input(&visitor, &place).await? },
        Section { heading: "Result", empty: "There is none yet.", values: result(&visitor, &place).await? },
        Section { heading: "Memo", empty: "It has no memo.", values: named(memo) },
        Section { heading: "Search attributes", empty: "None is set.", values: named(attributes) },
    ];
    page(&Page { layout, head, sections })
}

fn named(fields: impl IntoIterator<Item = (String, Payload)>) -> Vec<Value> {
    let value =
        |(name, payload): (String, Payload)| Value { name: shown::line(&name), shown: payload::shown(&payload) };
    let mut values: Vec<Value> = fields.into_iter().map(value).collect();
    values.sort_by(|a, b| a.name.cmp(&b.name));
    values
}

fn unnamed(values: Vec<Shown>) -> Vec<Value> {
    values.into_iter().map(|shown| Value { name: String::new(), shown }).collect()
}

fn events(place: &Place) -> GetWorkflowExecutionHistoryRequest {
    GetWorkflowExecutionHistoryRequest {
        namespace: place.namespace.clone(),
        execution: Some(place.execution()),
        maximum_page_size: 1,
        ..Default::default()
    }
}

async fn input(visitor: &Visitor, place: &Place) -> Result<Vec<Value>, Failure> {
    let page = visitor.caller.ask(&events(place)).await?;
    let first = page.history.unwrap_or_default().events.into_iter().next().and_then(|event| event.attributes);
    Ok(match first {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(a)) => unnamed(payload::all(a.input.as_ref())),
        _ => Vec::new(),
    })
}

async fn result(visitor: &Visitor, place: &Place) -> Result<Vec<Value>, Failure> {
    let filter = HistoryEventFilterType::CloseEvent.into();
    let request = GetWorkflowExecutionHistoryRequest { history_event_filter_type: filter, ..events(place) };
    let page = visitor.caller.ask(&request).await?;
    let last = page.history.unwrap_or_default().events.pop().and_then(|event| event.attributes);
    let said = |note: &str, text: String| vec![Shown { text: shown::text(&text), note: note.to_owned() }];
    Ok(unnamed(match last {
        Some(Attributes::WorkflowExecutionCompletedEventAttributes(a)) => match payload::all(a.result.as_ref()) {
            none if none.is_empty() => said("", "null".to_owned()),
            some => some,
        },
        Some(Attributes::WorkflowExecutionFailedEventAttributes(a)) => {
            let fault = a.failure.unwrap_or_default();
            let trace = if fault.stack_trace.is_empty() { String::new() } else { format!("\n\n{}", fault.stack_trace) };
            said("failure", format!("{}{trace}", failure::line(&fault)))
        }
        Some(Attributes::WorkflowExecutionTerminatedEventAttributes(a)) => said("terminated", a.reason),
        Some(Attributes::WorkflowExecutionCanceledEventAttributes(a)) => payload::all(a.details.as_ref()),
        _ => Vec::new(),
    }))
}

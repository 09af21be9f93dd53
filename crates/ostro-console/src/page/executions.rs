//! *Executions*: which there are, how many of each status, and what they are about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostro_explain::duration;
use temporalio_protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, ListWorkflowExecutionsRequest,
};
use tonic::Status;

use super::filter::{Filter, SINCE};
use super::status::{self, ALL, Badge, badge};
use crate::answer::{Answer, page};
use crate::door::{Console, Visitor};
use crate::form::Sent;
use crate::layout::Layout;
use crate::moment::{self, Clock};
use crate::{link, payload, shown};

/// Rows of a page.
const PAGE: i32 = 50;
/// What one can sort by: attribute, heading.
const SORTS: [(&str, &str); 5] = [
    ("WorkflowId", "Workflow id"),
    ("WorkflowType", "Type"),
    ("StartTime", "Started"),
    ("ExecutionDuration", "Took"),
    ("HistoryLength", "Events"),
];

#[derive(Template)]
#[template(path = "executions.html")]
struct Page {
    layout: Layout,
    filter: Filter,
    statuses: Vec<Chip>,
    chips: Vec<Chip>,
    since: Vec<(&'static str, &'static str, bool)>,
    headings: Vec<Heading>,
    columns: Vec<Heading>,
    attributes: Vec<(String, bool)>,
    rows: Vec<Row>,
    /// The address of the page after this one; empty at the end.
    next: String,
    first: String,
    /// Why there is no list.
    error: String,
    is_filtered: bool,
    /// Where something is done with all that match.
    batch: String,
}

/// Something that the list is narrowed by: a link that does, or undoes, it.
struct Chip {
    name: String,
    count: String,
    class: &'static str,
    on: bool,
    address: String,
}

struct Heading {
    name: String,
    address: String,
    /// `ascending`, `descending` or `none`.
    sorted: &'static str,
}

struct Row {
    id: String,
    address: String,
    kind: String,
    status: Badge,
    started: moment::Shown,
    took: String,
    events: String,
    parent: String,
    parent_address: String,
    values: Vec<String>,
}

/// The list of a namespace.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let filter = Filter::of(&sent);
    let clock = visitor.clock();
    let now = clock.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let layout = Layout::of(&visitor, &console, &namespace, "Workflows", "Workflows").await;
    let layout = layout.said(Some(sent.text("said"))).live("poll".to_owned());
    let token = URL_SAFE_NO_PAD.decode(sent.text("page")).unwrap_or_default();
    let request = ListWorkflowExecutionsRequest {
        namespace: namespace.clone(),
        page_size: PAGE,
        next_page_token: token,
        query: filter.query(now),
    };
    let home = format!("{}/workflows", link::namespace(&visitor.base, &namespace));
    let counts = counts(&visitor, &namespace, &filter.condition(now, false)).await;
    let (list, error) = match visitor.caller.ask(&request).await {
        Ok(list) => (list, String::new()),
        Err(status) => (Default::default(), shown::text(refusal(status)?.message())),
    };
    let at = |filter: &Filter| format!("{home}{}", filter.address());
    let next = (!list.next_page_token.is_empty())
        .then(|| link::with(&at(&filter), "page", &URL_SAFE_NO_PAD.encode(&list.next_page_token)));
    let rows = list.executions.iter().map(|info| row(&visitor, &namespace, info, &filter, &clock)).collect();
    page(&Page {
        statuses: statuses(&filter, &counts.unwrap_or_default(), &at),
        chips: chips(&filter, &at),
        since: SINCE.map(|(value, text, _)| (value, text, filter.get("since") == value)).to_vec(),
        headings: SORTS.iter().map(|(attribute, name)| heading(attribute, name, &filter, &at)).collect(),
        columns: filter.columns().into_iter().map(|name| heading(name, name, &filter, &at)).collect(),
        attributes: attributes(&visitor, &namespace, &filter).await,
        rows,
        next: next.unwrap_or_default(),
        first: if sent.text("page").is_empty() { String::new() } else { at(&filter) },
        error,
        batch: format!("{}/batches/new{}", layout.home, link::query(&[("query", &filter.condition(now, true))])),
        is_filtered: !filter.condition(now, true).is_empty(),
        filter,
        layout,
    })
}

/// A filter that the server does not take is shown in its place; everything else is no list at all.
fn refusal(status: Status) -> Result<Status, Status> {
    match status.code() {
        tonic::Code::InvalidArgument | tonic::Code::Unimplemented => Ok(status),
        _ => Err(status),
    }
}

async fn counts(visitor: &Visitor, namespace: &str, condition: &str) -> Option<BTreeMap<String, i64>> {
    let query = format!("{condition} GROUP BY ExecutionStatus").trim().to_owned();
    let request = CountWorkflowExecutionsRequest { namespace: namespace.to_owned(), query };
    let answer: CountWorkflowExecutionsResponse = visitor.caller.ask(&request).await.ok()?;
    let of_group = |values: &[temporalio_protos::temporal::api::common::v1::Payload]| {
        values.first().and_then(payload::to_json).and_then(|name| name.as_str().map(str::to_owned))
    };
    Some(answer.groups.iter().filter_map(|group| Some((of_group(&group.group_values)?, group.count))).collect())
}

/// A chip for each status that there is, failures first.
fn statuses(filter: &Filter, counts: &BTreeMap<String, i64>, at: &dyn Fn(&Filter) -> String) -> Vec<Chip> {
    let all = Chip {
        name: "All".to_owned(),
        count: shown::count(counts.values().sum()),
        class: "all",
        on: filter.get("status").is_empty(),
        address: at(&filter.with("status", "")),
    };
    let chip = |(_, value, name, class): &(_, &str, &str, &'static str)| {
        let count = counts.get(*value).copied().unwrap_or(0);
        let on = filter.get("status") == *value;
        let address = at(&filter.with("status", if on { "" } else { value }));
        (count > 0 || on).then(|| Chip { name: (*name).to_owned(), count: shown::count(count), class, on, address })
    };
    std::iter::once(all).chain(ALL.iter().filter_map(chip)).collect()
}

/// What else narrows the list, each with a way to take it back.
fn chips(filter: &Filter, at: &dyn Fn(&Filter) -> String) -> Vec<Chip> {
    let named = [("type", "Type"), ("id", "Id begins with"), ("since", "Started in the"), ("query", "Filter")];
    let chip = |(name, label): (&str, &str)| {
        let value = filter.get(name);
        let since = SINCE.iter().find(|(since, ..)| name == "since" && *since == value);
        let value_shown = since.map_or_else(|| shown::line(value), |(_, text, _)| (*text).to_owned());
        (!value.is_empty()).then(|| Chip {
            name: format!("{label} {value_shown}"),
            count: String::new(),
            class: "",
            on: true,
            address: at(&filter.with(name, "")),
        })
    };
    named.into_iter().filter_map(chip).collect()
}

fn heading(attribute: &str, name: &str, filter: &Filter, at: &dyn Fn(&Filter) -> String) -> Heading {
    let (sorted, next) = match (filter.get("sort") == attribute, filter.get("order")) {
        (true, "asc") => ("ascending", filter.with("sort", "").with("order", "")),
        (true, _) => ("descending", filter.with("order", "asc")),
        (false, _) => ("none", filter.with("sort", attribute).with("order", "")),
    };
    Heading { name: shown::line(name), address: at(&next), sorted }
}

/// The namespace's own search attributes, and whether each is a column.
async fn attributes(visitor: &Visitor, namespace: &str, filter: &Filter) -> Vec<(String, bool)> {
    let request = ListSearchAttributesRequest { namespace: namespace.to_owned() };
    let Ok(answer) = visitor.caller.ask(&request).await else { return Vec::new() };
    let columns = filter.columns();
    let mut names: Vec<(String, bool)> = answer
        .custom_attributes
        .into_keys()
        .map(|name| (columns.contains(&name.as_str()), name))
        .map(|(on, name)| (name, on))
        .collect();
    names.sort();
    names
}

fn row(visitor: &Visitor, namespace: &str, info: &WorkflowExecutionInfo, filter: &Filter, clock: &Clock) -> Row {
    let execution = info.execution.clone().unwrap_or_default();
    let indexed = info.search_attributes.as_ref().map(|all| &all.indexed_fields);
    let value = |name: &str| indexed.and_then(|fields| fields.get(name)).map(payload::preview).unwrap_or_default();
    let parent = info.parent_execution.clone().unwrap_or_default();
    Row {
        address: link::execution(&visitor.base, namespace, &execution.workflow_id, &execution.run_id),
        id: shown::whole(&execution.workflow_id),
        kind: shown::line(info.r#type.as_ref().map_or("", |kind| &kind.name)),
        status: badge(info.status()),
        started: clock.shown(info.start_time.as_ref()),
        took: took(info, clock),
        // Servers list it of runs that have ended.
        events: if info.history_length > 0 { shown::count(info.history_length) } else { String::new() },
        parent_address: match parent.workflow_id.is_empty() {
            true => String::new(),
            false => link::execution(&visitor.base, namespace, &parent.workflow_id, &parent.run_id),
        },
        parent: shown::line(&parent.workflow_id),
        values: filter.columns().into_iter().map(value).collect(),
    }
}

/// How long it took, or has taken so far.
fn took(info: &WorkflowExecutionInfo, clock: &Clock) -> String {
    let started = moment::time_of(info.start_time.as_ref());
    let closed = moment::between(info.start_time.as_ref(), info.close_time.as_ref());
    match (closed, started) {
        (Some(span), _) => duration::text(span),
        (None, Some(started)) if status::is_open(info.status()) => {
            moment::whole(clock.now.duration_since(started).unwrap_or_default())
        }
        _ => String::new(),
    }
}

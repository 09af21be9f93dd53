//! The first tab: everything that the run did, as bars over time.

use std::sync::Arc;
use std::time::SystemTime;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use ostro_explain::{Outstanding, gather};
use temporalio_protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeWorkflowExecutionResponse;

use super::head::{Head, Link, link};
use crate::action::Action;
use crate::answer::{Answer, Failure, page};
use crate::door::{Console, Rights, Visitor};
use crate::fold::{Detail, Kind, Outcome, Part, PartKind, Row, Scale, Tick, Timeline};
use crate::form::Sent;
use crate::layout::Layout;
use crate::run::{Place, describe, read};
use crate::{link as address, moment, shown};

/// Rows of a page.
const ROWS: usize = 200;
/// States of an activity in which a worker has it.
const RUNS: [PendingActivityState; 3] =
    [PendingActivityState::Started, PendingActivityState::CancelRequested, PendingActivityState::PauseRequested];
/// Narrowest bar, in per cent of the width.
const NARROWEST: f64 = 0.25;

#[derive(Template)]
#[template(path = "timeline.html")]
struct Page {
    layout: Layout,
    head: Head,
    rows: Vec<Line>,
    ticks: Vec<Tick>,
    folds: Vec<Bar>,
    legend: Vec<(&'static str, &'static str)>,
    fold: Option<(String, bool)>,
    earlier: String,
    later: String,
    shown_rows: String,
}

/// A row on the page.
struct Line {
    kind: &'static str,
    name: String,
    subject: String,
    address: String,
    outcome: &'static str,
    class: &'static str,
    attempt: i32,
    took: String,
    bars: Vec<Bar>,
    details: Vec<Detail>,
    error: String,
    event: i64,
    event_address: String,
    actions: Vec<Link>,
    open: bool,
}

/// A part of a bar: places in per cent.
struct Bar {
    class: &'static str,
    x: String,
    width: String,
    title: String,
}

/// A run and its rows.
struct Read {
    described: DescribeWorkflowExecutionResponse,
    timeline: Timeline,
    outstanding: Outstanding,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(path): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let place = Place::of(path, &sent);
    let now = visitor.clock().now;
    let Read { described, timeline, outstanding } = read_all(&visitor, &place, now).await?;
    let reasons = gather::explain_read(&visitor.caller, &place.namespace, &described, &outstanding, now).await?;
    let layout = Layout::of(&visitor, &console, &place.namespace, "Workflows", &shown::line(&place.id)).await;
    let is_open = timeline.closed.is_none();
    let layout = layout.said(Some(sent.text("said")));
    let layout = if is_open { layout.live(place.address(&visitor.base, "/live")) } else { layout };
    let head = Head::of(&visitor, &place, &described, &reasons, layout.rights, "Timeline", &origin(&visitor, &headers));
    let from = sent.text("from").parse().unwrap_or(0).min(timeline.rows.len().saturating_sub(1));
    let window = &timeline.rows[from.min(timeline.rows.len())..timeline.rows.len().min(from + ROWS)];
    let (start, end) = bounds(window, &timeline, now, from);
    let folded = sent.text("fold") != "no";
    let scale = Scale::new(window, start, end, folded);
    let here = place.address(&visitor.base, "");
    let turn = |from: usize| address::with(&here, "from", &from.to_string());
    let lines = window.iter().map(|row| line(&visitor, &place, row, &scale, end, layout.rights, &described));
    page(&Page {
        rows: lines.collect(),
        ticks: scale.ticks(),
        folds: scale.folds.iter().map(|(from, to)| bar("fold", *from, *to, String::new())).collect(),
        legend: legend(window),
        fold: match (folded, scale.folds.is_empty()) {
            (true, false) => Some((address::with(&here, "fold", "no"), true)),
            (false, _) => Some((here.clone(), false)),
            (true, true) => None,
        },
        earlier: if from > 0 { turn(from.saturating_sub(ROWS)) } else { String::new() },
        later: if from + ROWS < timeline.rows.len() { turn(from + ROWS) } else { String::new() },
        shown_rows: match timeline.rows.len() > ROWS {
            true => format!("{} to {} of {}", from + 1, from + window.len(), shown::count(timeline.rows.len() as i64)),
            false => String::new(),
        },
        head,
        layout,
    })
}

/// Where the browser reaches this server.
pub(crate) fn origin(visitor: &Visitor, headers: &HeaderMap) -> String {
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8233");
    format!("{}://{host}{}", if visitor.secure { "https" } else { "http" }, visitor.base)
}

async fn read_all(visitor: &Visitor, place: &Place, now: SystemTime) -> Result<Read, Failure> {
    let described = describe(&visitor.caller, place).await?;
    let (mut timeline, mut outstanding) = (Timeline::default(), Outstanding::default());
    let each = |event: &_| {
        timeline.push(event);
        outstanding.push(event);
    };
    read(&visitor.caller, place, each).await?;
    described.pending_activities.iter().for_each(|activity| timeline.pending(activity, now));
    Ok(Read { described, timeline: timeline.finish(now), outstanding })
}

/// The times that the page's rows span: those of the run on its only page.
fn bounds(rows: &[Row], timeline: &Timeline, now: SystemTime, from: usize) -> (SystemTime, SystemTime) {
    let first = rows.iter().skip(usize::from(from == 0)).filter_map(|row| row.span()).map(|(start, _)| start).min();
    let end = timeline.closed.unwrap_or_else(|| timeline.last.map_or(now, |last| last.max(now)));
    let start = if from == 0 { timeline.started } else { first };
    match timeline.rows.len() > ROWS {
        false => (timeline.started.unwrap_or(end), end),
        true => {
            let ends = rows.iter().skip(usize::from(from == 0)).filter_map(|row| row.span());
            let last = ends.map(|(start, closed)| closed.unwrap_or(end).max(start)).max().unwrap_or(end);
            (start.unwrap_or(end), last.min(end))
        }
    }
}

fn line(
    visitor: &Visitor,
    place: &Place,
    row: &Row,
    scale: &Scale,
    end: SystemTime,
    rights: Rights,
    described: &DescribeWorkflowExecutionResponse,
) -> Line {
    let took = row.span().map(|(start, closed)| closed.unwrap_or(end).duration_since(start).unwrap_or_default());
    let is_moment = row.parts.iter().all(|part| part.kind == PartKind::Point);
    let child = matches!(row.kind, Kind::Child | Kind::SignalSent | Kind::CancelSent);
    Line {
        kind: row.kind.name(),
        name: row.name.clone(),
        subject: shown::line(&row.subject),
        address: match child {
            true => address::execution(&visitor.base, &place.namespace, &row.subject, &row.run),
            false => String::new(),
        },
        outcome: row.outcome.name(),
        class: row.outcome.class(),
        attempt: row.attempt,
        took: took.filter(|_| !is_moment).map(moment::whole).unwrap_or_default(),
        bars: row.parts.iter().map(|part| bar_of(part, row, scale, end)).collect(),
        details: row.details.clone(),
        error: row.error.clone(),
        event: row.event,
        event_address: format!("{}#e{}", place.address(&visitor.base, "/history"), row.event),
        actions: actions(visitor, place, row, rights, described),
        open: row.outcome == Outcome::Open && !row.error.is_empty(),
    }
}

/// What can be done about a row: activities that are open.
fn actions(
    visitor: &Visitor,
    place: &Place,
    row: &Row,
    rights: Rights,
    described: &DescribeWorkflowExecutionResponse,
) -> Vec<Link> {
    if row.kind != Kind::Activity || row.outcome != Outcome::Open || !rights.operate {
        return Vec::new();
    }
    let pending = described.pending_activities.iter().find(|pending| pending.activity_id == row.subject);
    let paused = pending.is_some_and(|pending| pending.paused);
    let runs = pending.is_some_and(|pending| pending.last_started_time.is_some() && RUNS.contains(&pending.state()));
    let actions = Action::of_activity(paused, runs).iter();
    actions.map(|action| link(visitor, place, *action, &row.subject)).collect()
}

fn bar_of(part: &Part, row: &Row, scale: &Scale, end: SystemTime) -> Bar {
    let to = part.to.unwrap_or(end);
    let span = moment::whole(to.duration_since(part.from).unwrap_or_default());
    let failed = part.kind == PartKind::Running && row.outcome.class() == "failed" && part.to.is_some();
    let class = if failed { "running-failed" } else { part.kind.class() };
    let title = if part.kind == PartKind::Point { String::new() } else { format!("{} {span}", part.kind.name()) };
    bar(class, scale.x(part.from), scale.x(to), title)
}

fn bar(class: &'static str, from: f64, to: f64, title: String) -> Bar {
    let width = (to - from).max(NARROWEST);
    let x = from.min(100.0 - width);
    Bar { class, x: format!("{x:.3}"), width: format!("{width:.3}"), title }
}

/// The kinds of parts that there are.
fn legend(rows: &[Row]) -> Vec<(&'static str, &'static str)> {
    let order = [
        PartKind::Queued,
        PartKind::Running,
        PartKind::Retrying,
        PartKind::BackingOff,
        PartKind::Paused,
        PartKind::Waiting,
    ];
    let is_there = |kind: &PartKind| rows.iter().flat_map(|row| &row.parts).any(|part| part.kind == *kind);
    order.into_iter().filter(is_there).map(|kind| (kind.class(), kind.name())).collect()
}

//! *Waits*: everything that waits, by reason, what will not end by itself first.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use ostro_explain::{Kind, Reason, failure};

use super::open::{self, LOOKED_AT_MAX, Open};
use crate::answer::{Answer, page};
use crate::door::{Console, Visitor};
use crate::layout::Layout;
use crate::{link, shown};

/// Executions that a group names.
const NAMED: usize = 20;

#[derive(Template)]
#[template(path = "waits.html")]
struct Page {
    layout: Layout,
    groups: Vec<Group>,
    looked_at: usize,
    more: bool,
}

/// What many wait for.
struct Group {
    title: String,
    blocked: bool,
    count: usize,
    rows: Vec<Row>,
    rest: usize,
}

struct Row {
    id: String,
    kind: String,
    address: String,
    pieces: Vec<(bool, String)>,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
) -> Answer {
    let (all, more) = open::all(&visitor.caller, &namespace, &visitor.clock()).await?;
    let layout = Layout::of(&visitor, &console, &namespace, "Waits", "Waits").await.live("poll".to_owned());
    let mut groups: BTreeMap<(bool, usize, String), Vec<Row>> = BTreeMap::new();
    for open in &all {
        for reason in &open.reasons {
            let key = (!reason.blocked, order(reason.kind), title(reason, open));
            groups.entry(key).or_default().push(row(&visitor, &namespace, open, reason));
        }
    }
    let group = |((free, _, title), mut rows): ((bool, usize, String), Vec<Row>)| {
        let count = rows.len();
        rows.truncate(NAMED);
        Group { title: shown::line(&title), blocked: !free, count, rest: count - rows.len(), rows }
    };
    let looked_at = if more { LOOKED_AT_MAX as usize } else { all.len() };
    page(&Page { layout, groups: groups.into_iter().map(group).collect(), looked_at, more })
}

/// Kinds as they follow each other: what somebody has to do something about first.
fn order(kind: Kind) -> usize {
    let order = [Kind::WorkflowTask, Kind::Activity, Kind::Paused, Kind::Input, Kind::NexusOperation, Kind::Update];
    order.iter().position(|known| *known == kind).unwrap_or(order.len())
}

/// What those of one group have in common.
fn title(reason: &Reason, open: &Open) -> String {
    match reason.kind {
        Kind::WorkflowTask => format!("Workflow tasks of task queue {}", reason.subject),
        Kind::Activity => activity(&reason.subject, open),
        Kind::Paused => "Paused workflows".to_owned(),
        Kind::Input => "The input of a person".to_owned(),
        Kind::NexusOperation => "Nexus operations".to_owned(),
        Kind::Update => "Handlers of updates".to_owned(),
        Kind::Timer => "Timers".to_owned(),
        Kind::ChildWorkflow => "Child workflows".to_owned(),
        Kind::ExternalWorkflow => "Messages on their way to other workflows".to_owned(),
        Kind::Start => "Their beginning".to_owned(),
        Kind::Message => "A signal, an update or a cancellation".to_owned(),
        Kind::Closed => "Nothing".to_owned(),
    }
}

/// An activity's type, with its error where it fails: those that fail alike are one group.
fn activity(id: &str, open: &Open) -> String {
    let pending = open.described.pending_activities.iter().find(|pending| pending.activity_id == id);
    let name = pending.and_then(|pending| pending.activity_type.as_ref()).map_or("", |kind| &kind.name);
    match pending.and_then(|pending| pending.last_failure.as_ref()) {
        Some(fault) => format!("Activity {name} fails: {}", failure::line(fault)),
        None => format!("Activity {name}"),
    }
}

fn row(visitor: &Visitor, namespace: &str, open: &Open, reason: &Reason) -> Row {
    let execution = open.info.execution.clone().unwrap_or_default();
    Row {
        address: link::execution(&visitor.base, namespace, &execution.workflow_id, &execution.run_id),
        id: shown::line(&execution.workflow_id),
        kind: shown::line(open.info.r#type.as_ref().map_or("", |kind| &kind.name)),
        pieces: shown::pieces(&reason.sentence),
    }
}

//! *Schedules*: which there are, when each is next, and making one.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use ostro_explain::duration;
use temporalio_protos::temporal::api::common::v1::WorkflowType;
use temporalio_protos::temporal::api::enums::v1::ScheduleOverlapPolicy as Overlap;
use temporalio_protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_protos::temporal::api::schedule::v1::{
    IntervalSpec, Schedule, ScheduleAction, ScheduleListEntry, SchedulePolicies, ScheduleSpec,
};
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{CreateScheduleRequest, ListSchedulesRequest};
use uuid::Uuid;

use crate::answer::{Answer, Failure, page, page_with, see};
use crate::door::{Console, Visitor};
use crate::form::{Field, Form, Kind, Sent};
use crate::layout::Layout;
use crate::page::status::Badge;
use crate::{link, moment, payload, shown};

/// Schedules of a page.
const PAGE: i32 = 200;
/// What happens when a run is due while one goes on.
pub(crate) const OVERLAPS: [(Overlap, &str, &str); 6] = [
    (Overlap::Skip, "skip", "Skip it"),
    (Overlap::BufferOne, "buffer-one", "Start it when the running one ends"),
    (Overlap::BufferAll, "buffer-all", "Start all that were due, one after another"),
    (Overlap::CancelOther, "cancel-other", "Cancel the running one, then start it"),
    (Overlap::TerminateOther, "terminate-other", "Terminate the running one, then start it"),
    (Overlap::AllowAll, "allow-all", "Start it beside the running one"),
];

#[derive(Template)]
#[template(path = "schedules.html")]
struct Page {
    layout: Layout,
    rows: Vec<Row>,
    new: String,
}

struct Row {
    id: String,
    address: String,
    kind: String,
    state: Badge,
    next: moment::Shown,
    last: moment::Shown,
    notes: String,
}

/// The list.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
    let request = ListSchedulesRequest { namespace: namespace.clone(), maximum_page_size: PAGE, ..Default::default() };
    let list = visitor.caller.ask(&request).await?;
    let layout = Layout::of(&visitor, &console, &namespace, "Schedules", "Schedules").await;
    let layout = layout.said(Some(sent.text("said"))).live("poll".to_owned());
    let rows = list.schedules.into_iter().map(|entry| row(&visitor, &namespace, entry)).collect();
    page(&Page { rows, new: format!("{}/schedules/~new", layout.home), layout })
}

fn row(visitor: &Visitor, namespace: &str, entry: ScheduleListEntry) -> Row {
    let (info, clock) = (entry.info.unwrap_or_default(), visitor.clock());
    Row {
        address: link::thing(&visitor.base, namespace, "schedules", &entry.schedule_id, ""),
        id: shown::whole(&entry.schedule_id),
        kind: shown::line(&info.workflow_type.unwrap_or_default().name),
        state: badge(info.paused),
        next: clock.shown(info.future_action_times.first().filter(|_| !info.paused)),
        last: clock.shown(info.recent_actions.last().and_then(|action| action.actual_time.as_ref())),
        notes: shown::line(&info.notes),
    }
}

/// Whether a schedule is paused, as a badge.
pub(crate) fn badge(paused: bool) -> Badge {
    if paused { Badge { name: "Paused", class: "paused" } } else { Badge { name: "Active", class: "running" } }
}

#[derive(Template)]
#[template(path = "schedule_form.html")]
struct FormPage {
    layout: Layout,
    form: Form,
    address: String,
    back: String,
    error: String,
}

/// The fields of a schedule, with what one has now.
pub(crate) fn fields(schedule: &Schedule) -> Vec<Field> {
    let spec = schedule.spec.clone().unwrap_or_default();
    let every = spec.interval.first().and_then(|interval| interval.interval.as_ref());
    let every = every.map(|every| duration::text(duration::from_proto(every))).unwrap_or_default();
    let overlap = schedule.policies.as_ref().map_or(Overlap::Skip, SchedulePolicies::overlap_policy);
    let overlap = OVERLAPS.iter().find(|(known, ..)| *known == overlap).map_or("skip", |(_, word, _)| word);
    let start = started(schedule);
    let input = start.input.as_ref().and_then(|input| input.payloads.first()).and_then(payload::to_json);
    vec![
        Field::new(Kind::Line, "type", "Workflow type").required().value(&start.workflow_type.unwrap_or_default().name),
        Field::new(Kind::Line, "queue", "Task queue").required().value(&start.task_queue.unwrap_or_default().name),
        Field::new(Kind::Line, "workflow", "Workflow id")
            .value(&start.workflow_id)
            .help("The time of each run is put behind it. Empty: that of the schedule."),
        Field::new(Kind::Json, "input", "Input")
            .value(&input.map(|input| format!("{input:#}")).unwrap_or_default())
            .help("JSON; empty for none."),
        Field::new(Kind::Line, "every", "Every").value(&every).help("A span such as 15m, 2h or 1d."),
        Field::new(Kind::Line, "cron", "Or by cron")
            .value(spec.cron_string.first().map_or("", String::as_str))
            .help("Such as 0 9 * * MON-FRI, or @daily."),
        Field::new(Kind::Line, "zone", "Time zone").value(&spec.timezone_name).help("Of the cron line; empty: UTC."),
        Field::new(Kind::Choice, "overlap", "When the run before it still goes on")
            .options(OVERLAPS.map(|(_, word, text)| (word.to_owned(), text.to_owned())).to_vec())
            .value(overlap),
    ]
}

/// The workflow that a schedule starts.
pub(crate) fn started(schedule: &Schedule) -> NewWorkflowExecutionInfo {
    match schedule.action.as_ref().and_then(|action| action.action.as_ref()) {
        Some(Action::StartWorkflow(start)) => start.clone(),
        None => NewWorkflowExecutionInfo::default(),
    }
}

/// The schedule as the form says, over one that there was; what no field says stays.
///
/// # Errors
/// What cannot be read.
pub(crate) fn read(sent: &Sent, id: &str, before: Schedule) -> Result<Schedule, String> {
    let mut spec = before.spec.clone().unwrap_or_default();
    let mut start = started(&before);
    read_times(sent, &mut spec)?;
    start.workflow_type = Some(WorkflowType { name: sent.text("type").to_owned() });
    start.task_queue = Some(TaskQueue { name: sent.text("queue").to_owned(), ..Default::default() });
    start.workflow_id = Some(sent.text("workflow")).filter(|text| !text.is_empty()).unwrap_or(id).to_owned();
    start.input = payload::arguments(sent.raw("input"))?;
    let mut policies = before.policies.unwrap_or_default();
    let overlap = OVERLAPS.iter().find(|(_, word, _)| *word == sent.text("overlap"));
    policies.set_overlap_policy(overlap.map_or(Overlap::Skip, |(policy, ..)| *policy));
    let action = Some(ScheduleAction { action: Some(Action::StartWorkflow(start)) });
    Ok(Schedule { spec: Some(spec), action, policies: Some(policies), ..before })
}

fn read_times(sent: &Sent, spec: &mut ScheduleSpec) -> Result<(), String> {
    let every = sent.text("every");
    spec.interval = match every {
        "" => Vec::new(),
        text => {
            let interval = moment::parse_span(text).ok_or_else(|| format!("{text} is no span: give 15m, 2h or 1d"))?;
            vec![IntervalSpec { interval: Some(interval), phase: None }]
        }
    };
    let cron = sent.text("cron");
    spec.cron_string = if cron.is_empty() { Vec::new() } else { vec![cron.to_owned()] };
    let has_calendar = !spec.structured_calendar.is_empty() || !spec.calendar.is_empty();
    if every.is_empty() && cron.is_empty() && !has_calendar {
        return Err("Say when: by a span, or by a cron line.".to_owned());
    }
    if !cron.is_empty() {
        // A server keeps a cron line as a calendar: the new line takes its place.
        spec.structured_calendar.clear();
    }
    sent.text("zone").clone_into(&mut spec.timezone_name);
    Ok(())
}

/// The form of a new one.
pub(crate) async fn new(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
) -> Answer {
    let form = new_form();
    render(&console, &visitor, &namespace, form, StatusCode::OK, "").await
}

fn new_form() -> Form {
    let id = Field::new(Kind::Line, "id", "Schedule id").required();
    Form {
        title: "Create a schedule".to_owned(),
        explains: "It starts a workflow again and again.".to_owned(),
        verb: "Create",
        destroys: false,
        fields: std::iter::once(id).chain(fields(&Schedule::default())).collect(),
    }
}

/// Makes it.
pub(crate) async fn create(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Answer {
    let sent = visitor.change(&console, &body)?;
    let id = sent.text("id");
    let refused = match read(&sent, id, Schedule::default()) {
        Ok(schedule) => {
            let request = CreateScheduleRequest {
                namespace: namespace.clone(),
                schedule_id: id.to_owned(),
                schedule: Some(schedule),
                identity: visitor.identity(),
                request_id: Uuid::new_v4().to_string(),
                ..Default::default()
            };
            match visitor.caller.ask(&request).await {
                Ok(_) => return see(&link::thing(&visitor.base, &namespace, "schedules", id, "")),
                Err(status) => {
                    let (code, _, said) = Failure::from(status).words();
                    (code, said)
                }
            }
        }
        Err(said) => (StatusCode::UNPROCESSABLE_ENTITY, said),
    };
    render(&console, &visitor, &namespace, new_form().filled(&sent), refused.0, &refused.1).await
}

async fn render(
    console: &Console,
    visitor: &Visitor,
    namespace: &str,
    form: Form,
    status: StatusCode,
    error: &str,
) -> Answer {
    let layout = Layout::of(visitor, console, namespace, "Schedules", &form.title).await;
    let back = format!("{}/schedules", layout.home);
    page_with(status, &FormPage { layout, form, address: format!("{back}/~new"), back, error: shown::text(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_field_says_stays_as_it_was() {
        let before = Schedule {
            state: Some(temporalio_protos::temporal::api::schedule::v1::ScheduleState {
                notes: "a note".into(),
                ..Default::default()
            }),
            policies: Some(SchedulePolicies { pause_on_failure: true, ..Default::default() }),
            ..Default::default()
        };
        let sent = Sent::read(b"type=Order&queue=shop&every=15m&overlap=allow-all&input=%7B%7D").unwrap();
        let read = read(&sent, "nightly", before).unwrap();
        assert_eq!(read.state.clone().unwrap().notes, "a note");
        let policies = read.policies.unwrap();
        assert!(policies.pause_on_failure && policies.overlap_policy() == Overlap::AllowAll);
        let again = Schedule { policies: Some(policies), ..read };
        let start = started(&again);
        assert_eq!((start.workflow_id.as_str(), start.task_queue.unwrap().name.as_str()), ("nightly", "shop"));
        let values: Vec<String> = fields(&again).into_iter().map(|field| field.value).collect();
        assert_eq!(values, ["Order", "shop", "nightly", "{}", "15m", "", "", "allow-all"]);
    }

    #[test]
    fn a_schedule_needs_times() {
        let read = |form: &str| read(&Sent::read(form.as_bytes()).unwrap(), "x", Schedule::default());
        assert!(read("type=a").unwrap_err().contains("Say when"));
        assert!(read("every=soon").unwrap_err().contains("soon is no span"));
        assert_eq!(read("cron=%40daily").unwrap().spec.unwrap().cron_string, ["@daily"]);
    }
}

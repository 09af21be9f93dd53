//! One *schedule*: when it is next, what it did, and what one can do with it.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use http::StatusCode;
use temporalio_protos::temporal::api::schedule::v1::{
    BackfillRequest, ScheduleActionResult, SchedulePatch, ScheduleSpec, TriggerImmediatelyRequest,
};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DeleteScheduleRequest, DescribeScheduleRequest, DescribeScheduleResponse, PatchScheduleRequest,
    UpdateScheduleRequest,
};
use uuid::Uuid;

use super::schedules::{OVERLAPS, badge, fields, read, started};
use super::status;
use crate::answer::{Answer, Failure, page_with, see};
use crate::door::{Console, Visitor};
use crate::form::{Field, Form, Kind, Sent};
use crate::layout::Layout;
use crate::page::status::Badge;
use crate::{link, moment, shown};

/// Times to come that are shown.
const NEXT: usize = 10;

#[derive(Template)]
#[template(path = "schedule.html")]
struct Page {
    layout: Layout,
    id: String,
    kind: String,
    state: Badge,
    paused: bool,
    pieces: Vec<(bool, String)>,
    facts: Vec<(&'static str, String)>,
    next: Vec<moment::Shown>,
    past: Vec<Past>,
    which: Which,
    back: String,
    error: String,
    edit: Form,
    backfill: Form,
}

impl Page {
    /// The address of something that one can do with it.
    fn at(&self, rest: &str) -> String {
        self.which.address(&self.layout.base, rest)
    }
}

/// A run that it started.
struct Past {
    id: String,
    address: String,
    state: Badge,
    due: moment::Shown,
    started: moment::Shown,
}

/// Which schedule a page is about.
#[derive(Clone)]
struct Which {
    namespace: String,
    id: String,
}

impl Which {
    fn of((namespace, id): (String, String), query: Option<String>) -> Result<(Self, Sent), Failure> {
        let sent = Sent::read(query.unwrap_or_default().as_bytes())?;
        let id = if id == link::ELSEWHERE { sent.raw("id").to_owned() } else { id };
        Ok((Self { namespace, id }, sent))
    }

    fn address(&self, base: &str, rest: &str) -> String {
        link::thing(base, &self.namespace, "schedules", &self.id, rest)
    }

    async fn describe(&self, visitor: &Visitor) -> Result<DescribeScheduleResponse, tonic::Status> {
        let request = DescribeScheduleRequest { namespace: self.namespace.clone(), schedule_id: self.id.clone() };
        visitor.caller.ask(&request).await
    }
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let (which, sent) = Which::of(path, query)?;
    render(&console, &visitor, &which, sent.text("said"), None).await
}

/// What was sent and not taken, with why.
struct Refused<'a> {
    action: &'a str,
    sent: &'a Sent,
    status: StatusCode,
    said: String,
}

async fn render(
    console: &Console,
    visitor: &Visitor,
    which: &Which,
    said: &str,
    refused: Option<Refused<'_>>,
) -> Answer {
    let described = which.describe(visitor).await?;
    let (schedule, info) = (described.schedule.clone().unwrap_or_default(), described.info.clone().unwrap_or_default());
    let (state, clock) = (schedule.state.clone().unwrap_or_default(), visitor.clock());
    let sentence = ostro_explain::schedule(&described, clock.now);
    let layout = Layout::of(visitor, console, &which.namespace, "Schedules", &shown::line(&which.id)).await;
    let (mut edit, mut backfill) = (edit_form(fields(&schedule)), backfill_form());
    if let Some(refused) = &refused {
        let form = if refused.action == "backfill" { &mut backfill } else { &mut edit };
        form.fields.iter_mut().for_each(|field| field.value = refused.sent.raw(&field.name).to_owned());
    }
    let (status, error) = refused.map_or((StatusCode::OK, String::new()), |refused| (refused.status, refused.said));
    let start = started(&schedule);
    let counts = [
        ("Runs started", info.action_count),
        ("Skipped: one still ran", info.overlap_skipped),
        ("Missed: too late to catch up", info.missed_catchup_window),
    ];
    let facts = [
        ("When", times(schedule.spec.as_ref())),
        ("Task queue", shown::line(&start.task_queue.unwrap_or_default().name)),
        ("Note", shown::line(&state.notes)),
    ];
    let counted = counts.into_iter().filter(|(label, count)| *count > 0 || *label == "Runs started");
    let counted = counted.map(|(label, count)| (label, shown::count(count)));
    let page = Page {
        layout: layout.said(Some(said)),
        id: shown::whole(&which.id),
        kind: shown::line(&start.workflow_type.unwrap_or_default().name),
        state: badge(state.paused),
        paused: state.paused,
        pieces: shown::pieces(&sentence),
        facts: facts.into_iter().chain(counted).filter(|(_, text)| !text.is_empty()).collect(),
        next: info.future_action_times.iter().take(NEXT).map(|time| clock.shown(Some(time))).collect(),
        past: info.recent_actions.iter().rev().map(|action| past(visitor, which, action)).collect(),
        which: which.clone(),
        back: format!("{}/schedules", link::namespace(&visitor.base, &which.namespace)),
        error: shown::text(&error),
        edit,
        backfill,
    };
    page_with(status, &page)
}

fn past(visitor: &Visitor, which: &Which, action: &ScheduleActionResult) -> Past {
    let (run, clock) = (action.start_workflow_result.clone().unwrap_or_default(), visitor.clock());
    Past {
        address: link::execution(&visitor.base, &which.namespace, &run.workflow_id, &run.run_id),
        id: shown::line(&run.workflow_id),
        state: status::badge(action.start_workflow_status()),
        due: clock.shown(action.schedule_time.as_ref()),
        started: clock.shown(action.actual_time.as_ref()),
    }
}

/// Its times in words.
fn times(spec: Option<&ScheduleSpec>) -> String {
    let Some(spec) = spec else { return String::new() };
    let every = spec.interval.iter().filter_map(|interval| interval.interval.as_ref());
    let every = every
        .map(|every| format!("every {}", ostro_explain::duration::text(ostro_explain::duration::from_proto(every))));
    let cron = spec.cron_string.iter().map(|cron| format!("cron {cron}"));
    let calendars = spec.structured_calendar.iter().map(|calendar| match calendar.comment.as_str() {
        "" => "by a calendar".to_owned(),
        comment => format!("by a calendar ({comment})"),
    });
    let zone = if spec.timezone_name.is_empty() { String::new() } else { format!(", {}", spec.timezone_name) };
    let all: Vec<String> = every.chain(cron).chain(calendars).collect();
    shown::line(&format!("{}{zone}", all.join(", ")))
}

fn edit_form(fields: Vec<Field>) -> Form {
    Form { title: "Edit".to_owned(), explains: String::new(), verb: "Save", destroys: false, fields }
}

fn backfill_form() -> Form {
    let options = OVERLAPS.map(|(_, word, text)| (word.to_owned(), text.to_owned())).to_vec();
    Form {
        title: "Backfill".to_owned(),
        explains: "Starts what would have been started between two times, as if they were now.".to_owned(),
        verb: "Backfill",
        destroys: false,
        fields: vec![
            Field::new(Kind::Time, "from", "From").required(),
            Field::new(Kind::Time, "to", "To").required(),
            Field::new(Kind::Choice, "overlap", "When the run before it still goes on")
                .options(options)
                .value("buffer-all"),
        ],
    }
}

/// Does something with it: the word at the end of the address says what.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path((namespace, id, action)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let (which, _) = Which::of((namespace, id), query)?;
    let sent = visitor.change(&console, &body)?;
    let done = match action.as_str() {
        "edit" => edit(&visitor, &which, &sent).await,
        "delete" => delete(&visitor, &which).await,
        _ => match patch_of(&action, &visitor, &sent) {
            Ok(Some(patch)) => patch_schedule(&visitor, &which, patch).await,
            Ok(None) => return Err(Failure::NoPage),
            Err(said) => Err((StatusCode::UNPROCESSABLE_ENTITY, said)),
        },
    };
    match done {
        Ok(()) if action == "delete" => {
            let list = format!("{}/schedules", link::namespace(&visitor.base, &which.namespace));
            see(&link::with(&list, "said", "deleted"))
        }
        Ok(()) => see(&link::with(&which.address(&visitor.base, ""), "said", "saved")),
        Err((status, said)) => {
            let refused = Refused { action: &action, sent: &sent, status, said };
            render(&console, &visitor, &which, "", Some(refused)).await
        }
    }
}

/// What an action changes; nothing for a word that is none.
fn patch_of(action: &str, visitor: &Visitor, sent: &Sent) -> Result<Option<SchedulePatch>, String> {
    let note = |usual: &str| Some(sent.text("note")).filter(|note| !note.is_empty()).unwrap_or(usual).to_owned();
    let overlap =
        OVERLAPS.iter().find(|(_, word, _)| *word == sent.text("overlap")).map_or(0, |(policy, ..)| *policy as i32);
    let patch = match action {
        "pause" => SchedulePatch { pause: note("paused in the console"), ..Default::default() },
        "unpause" => SchedulePatch { unpause: note("unpaused in the console"), ..Default::default() },
        "run" => {
            SchedulePatch { trigger_immediately: Some(TriggerImmediatelyRequest::default()), ..Default::default() }
        }
        "backfill" => {
            let time = |name: &str| {
                let parsed = moment::parse(sent.text(name), &visitor.preferences.zone);
                parsed.ok_or_else(|| format!("{} is no time", sent.text(name)))
            };
            let request = BackfillRequest {
                start_time: Some(time("from")?),
                end_time: Some(time("to")?),
                overlap_policy: overlap,
            };
            SchedulePatch { backfill_request: vec![request], ..Default::default() }
        }
        _ => return Ok(None),
    };
    Ok(Some(patch))
}

type Refusal = (StatusCode, String);

fn refusal(status: tonic::Status) -> Refusal {
    let (code, _, said) = Failure::from(status).words();
    (code, said)
}

async fn patch_schedule(visitor: &Visitor, which: &Which, patch: SchedulePatch) -> Result<(), Refusal> {
    let request = PatchScheduleRequest {
        namespace: which.namespace.clone(),
        schedule_id: which.id.clone(),
        patch: Some(patch),
        identity: visitor.identity(),
        request_id: Uuid::new_v4().to_string(),
    };
    visitor.caller.ask(&request).await.map(drop).map_err(refusal)
}

async fn edit(visitor: &Visitor, which: &Which, sent: &Sent) -> Result<(), Refusal> {
    let described = which.describe(visitor).await.map_err(refusal)?;
    let schedule = read(sent, &which.id, described.schedule.unwrap_or_default());
    let request = UpdateScheduleRequest {
        namespace: which.namespace.clone(),
        schedule_id: which.id.clone(),
        schedule: Some(schedule.map_err(|said| (StatusCode::UNPROCESSABLE_ENTITY, said))?),
        conflict_token: described.conflict_token,
        identity: visitor.identity(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    visitor.caller.ask(&request).await.map(drop).map_err(refusal)
}

async fn delete(visitor: &Visitor, which: &Which) -> Result<(), Refusal> {
    let request = DeleteScheduleRequest {
        namespace: which.namespace.clone(),
        schedule_id: which.id.clone(),
        identity: visitor.identity(),
    };
    visitor.caller.ask(&request).await.map(drop).map_err(refusal)
}

//! Schedules: workflows that start by the clock.

use std::time::{Duration, SystemTime};

use temporalio_common::protos::temporal::api::common::v1::{Memo, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common::protos::temporal::api::schedule::v1::{
    BackfillRequest, IntervalSpec, Schedule as ProtoSchedule, ScheduleAction, SchedulePatch, SchedulePolicies,
    ScheduleSpec, ScheduleState, TriggerImmediatelyRequest, schedule_action,
};
use temporalio_common::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DeleteScheduleRequest, DescribeScheduleRequest, ListSchedulesRequest, PatchScheduleRequest,
    UpdateScheduleRequest,
};
use tonic::Code;

use crate::client::rpc;
use crate::client::search;
use crate::error::Result;
use crate::ostro_handle::Ostro;
use crate::workflow::call::{Call, encode_memo};

const PAGE_SIZE: i32 = 500;

/// What happens when it is time and the last workflow still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overlap {
    /// This time is left out.
    #[default]
    Skip,
    /// One waits until it has ended.
    BufferOne,
    /// All wait.
    BufferAll,
    /// The running one is cancelled first.
    CancelOther,
    /// The running one is terminated first.
    TerminateOther,
    /// Both run.
    AllowAll,
}

/// When a workflow starts.
///
/// ```
/// use std::time::Duration;
/// use ostro::client::{Overlap, Schedule};
///
/// let every_night = Schedule::cron("30 2 * * *").time_zone("Europe/Berlin").overlap(Overlap::BufferOne);
/// let every_minute = Schedule::every(Duration::from_secs(60)).jitter(Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    crons: Vec<String>,
    intervals: Vec<(Duration, Duration)>,
    time_zone: String,
    jitter: Option<Duration>,
    overlap: Overlap,
    paused: bool,
    note: String,
}

impl Schedule {
    /// By a cron expression: five fields, or `@daily` and its like. UTC where [`time_zone`](Self::time_zone) says nothing else.
    pub fn cron(expression: impl Into<String>) -> Self {
        Self { crons: vec![expression.into()], ..Self::default() }
    }

    /// Every so often, counted from 1970.
    pub fn every(interval: Duration) -> Self {
        Self { intervals: vec![(interval, Duration::ZERO)], ..Self::default() }
    }

    /// At these times too.
    pub fn and_cron(mut self, expression: impl Into<String>) -> Self {
        self.crons.push(expression.into());
        self
    }

    /// The time zone of cron expressions, such as `Europe/Berlin`.
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = name.into();
        self
    }

    /// Starts up to this much later, at random.
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// What happens when the last one still runs.
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Made, and not begun: until [`ScheduleHandle::unpause`].
    pub fn paused(mut self, note: impl Into<String>) -> Self {
        self.paused = true;
        self.note = note.into();
        self
    }

    fn into_proto(self, ostro: &Ostro, id: &str, call: Call) -> Result<ProtoSchedule> {
        let Call { name, payloads, options } = call;
        let interval = |(interval, phase): &(Duration, Duration)| IntervalSpec {
            interval: rpc::duration(Some(*interval)),
            phase: rpc::duration(Some(*phase)),
        };
        let start = NewWorkflowExecutionInfo {
            workflow_id: options.id.unwrap_or_else(|| id.to_owned()),
            workflow_type: Some(WorkflowType { name: name.to_owned() }),
            task_queue: rpc::task_queue(options.task_queue.unwrap_or_else(|| ostro.task_queue().to_owned())),
            input: rpc::payloads(payloads),
            workflow_execution_timeout: rpc::duration(options.execution_timeout),
            workflow_run_timeout: rpc::duration(options.run_timeout),
            workflow_task_timeout: rpc::duration(options.task_timeout),
            retry_policy: options.retry_policy.map(Into::into),
            memo: (!options.memo.is_empty()).then_some(Memo { fields: encode_memo(&options.memo)? }),
            search_attributes: (!options.search_attributes.is_empty())
                .then(|| search::attributes(options.search_attributes).into_proto()),
            ..Default::default()
        };
        Ok(ProtoSchedule {
            spec: Some(ScheduleSpec {
                cron_string: self.crons,
                interval: self.intervals.iter().map(interval).collect(),
                timezone_name: self.time_zone,
                jitter: rpc::duration(self.jitter),
                ..Default::default()
            }),
            action: Some(ScheduleAction { action: Some(schedule_action::Action::StartWorkflow(start)) }),
            policies: Some(SchedulePolicies { overlap_policy: overlap(self.overlap).into(), ..Default::default() }),
            state: Some(ScheduleState { paused: self.paused, notes: self.note, ..Default::default() }),
        })
    }
}

fn overlap(overlap: Overlap) -> ScheduleOverlapPolicy {
    match overlap {
        Overlap::Skip => ScheduleOverlapPolicy::Skip,
        Overlap::BufferOne => ScheduleOverlapPolicy::BufferOne,
        Overlap::BufferAll => ScheduleOverlapPolicy::BufferAll,
        Overlap::CancelOther => ScheduleOverlapPolicy::CancelOther,
        Overlap::TerminateOther => ScheduleOverlapPolicy::TerminateOther,
        Overlap::AllowAll => ScheduleOverlapPolicy::AllowAll,
    }
}

/// A schedule, by its id.
#[derive(Clone)]
pub struct ScheduleHandle {
    ostro: Ostro,
    id: String,
}

/// What the engine says of a schedule.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleDescription {
    /// Whether it rests.
    pub paused: bool,
    /// Why, or anything else.
    pub note: String,
    /// How often it has started a workflow.
    pub actions: u64,
    /// The next times.
    pub next: Vec<SystemTime>,
    /// Ids of the workflows it started last.
    pub recent: Vec<String>,
}

/// A schedule in a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleSummary {
    /// Its id.
    pub id: String,
    /// The registered name of the workflow that it starts.
    pub workflow: String,
    /// Whether it rests.
    pub paused: bool,
    /// Why, or anything else.
    pub note: String,
    /// The next times.
    pub next: Vec<SystemTime>,
}

pub(crate) async fn list(ostro: &Ostro) -> Result<Vec<ScheduleSummary>> {
    let (mut found, mut token) = (Vec::new(), Vec::new());
    loop {
        let request = ListSchedulesRequest {
            namespace: ostro.namespace().to_owned(),
            maximum_page_size: PAGE_SIZE,
            next_page_token: token,
            ..Default::default()
        };
        let page = rpc::ask(ostro, "the list of schedules", &request).await?;
        found.extend(page.schedules.into_iter().map(|entry| {
            let info = entry.info.unwrap_or_default();
            ScheduleSummary {
                id: entry.schedule_id,
                workflow: info.workflow_type.map(|name| name.name).unwrap_or_default(),
                paused: info.paused,
                note: info.notes,
                next: info.future_action_times.into_iter().filter_map(|time| rpc::time(Some(time))).collect(),
            }
        }));
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(found);
        }
    }
}

pub(crate) fn handle(ostro: Ostro, id: String) -> ScheduleHandle {
    ScheduleHandle { ostro, id }
}

/// Makes it, or replaces the one that has this id.
pub(crate) async fn create(ostro: &Ostro, id: &str, schedule: Schedule, call: Call) -> Result<ScheduleHandle> {
    let schedule = Some(schedule.into_proto(ostro, id, call)?);
    let request = CreateScheduleRequest {
        namespace: ostro.namespace().to_owned(),
        schedule_id: id.to_owned(),
        schedule: schedule.clone(),
        identity: ostro.identity().to_owned(),
        request_id: rpc::request_id(),
        ..Default::default()
    };
    match ostro.caller().ask(&request).await {
        Ok(_) => {}
        Err(status) if status.code() == Code::AlreadyExists => replace(ostro, id, schedule).await?,
        Err(status) => return Err(rpc::refused(format_args!("schedule {id:?} cannot be made"), &status)),
    }
    Ok(handle(ostro.clone(), id.to_owned()))
}

async fn replace(ostro: &Ostro, id: &str, schedule: Option<ProtoSchedule>) -> Result<()> {
    let request = UpdateScheduleRequest {
        namespace: ostro.namespace().to_owned(),
        schedule_id: id.to_owned(),
        schedule,
        identity: ostro.identity().to_owned(),
        request_id: rpc::request_id(),
        ..Default::default()
    };
    rpc::ask(ostro, format!("schedule {id:?} cannot be replaced"), &request).await.map(drop)
}

impl ScheduleHandle {
    /// The schedule's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    async fn patch(&self, patch: SchedulePatch) -> Result<()> {
        let request = PatchScheduleRequest {
            namespace: self.ostro.namespace().to_owned(),
            schedule_id: self.id.clone(),
            patch: Some(patch),
            identity: self.ostro.identity().to_owned(),
            request_id: rpc::request_id(),
        };
        rpc::ask(&self.ostro, format!("schedule {:?}", self.id), &request).await.map(drop)
    }

    /// Starts the workflow now, too.
    pub async fn trigger(&self) -> Result<()> {
        let overlap_policy = ScheduleOverlapPolicy::Unspecified.into();
        let now = TriggerImmediatelyRequest { overlap_policy, ..Default::default() };
        self.patch(SchedulePatch { trigger_immediately: Some(now), ..Default::default() }).await
    }

    /// Starts the workflows of this span of time, as if the schedule had been there then: after `from`, up to and with `to`.
    pub async fn backfill(&self, from: SystemTime, to: SystemTime, overlap: Overlap) -> Result<()> {
        let time = |time: SystemTime| Some(time.into());
        let overlap_policy = self::overlap(overlap).into();
        let request = BackfillRequest { start_time: time(from), end_time: time(to), overlap_policy };
        self.patch(SchedulePatch { backfill_request: vec![request], ..Default::default() }).await
    }

    /// Lets it rest.
    pub async fn pause(&self, note: impl Into<String>) -> Result<()> {
        self.patch(SchedulePatch { pause: not_empty(note.into(), "paused"), ..Default::default() }).await
    }

    /// Lets it go on.
    pub async fn unpause(&self, note: impl Into<String>) -> Result<()> {
        self.patch(SchedulePatch { unpause: not_empty(note.into(), "unpaused"), ..Default::default() }).await
    }

    /// How it stands.
    pub async fn describe(&self) -> Result<ScheduleDescription> {
        let request =
            DescribeScheduleRequest { namespace: self.ostro.namespace().to_owned(), schedule_id: self.id.clone() };
        let answer = rpc::ask(&self.ostro, format!("schedule {:?}", self.id), &request).await?;
        let state = answer.schedule.and_then(|schedule| schedule.state).unwrap_or_default();
        let info = answer.info.unwrap_or_default();
        let recent = info.recent_actions.into_iter().filter_map(|action| action.start_workflow_result);
        Ok(ScheduleDescription {
            paused: state.paused,
            note: state.notes,
            actions: info.action_count.try_into().unwrap_or_default(),
            next: info.future_action_times.into_iter().filter_map(|time| rpc::time(Some(time))).collect(),
            recent: recent.map(|started| started.workflow_id).collect(),
        })
    }

    /// Takes it away. Workflows that it started go on.
    pub async fn delete(&self) -> Result<()> {
        let request = DeleteScheduleRequest {
            namespace: self.ostro.namespace().to_owned(),
            schedule_id: self.id.clone(),
            identity: self.ostro.identity().to_owned(),
        };
        rpc::ask(&self.ostro, format!("schedule {:?}", self.id), &request).await.map(drop)
    }
}

/// The protocol takes an empty text for "not".
fn not_empty(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

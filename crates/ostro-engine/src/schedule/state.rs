//! A schedule in memory, and how it moves with time and with the runs that it started.

use temporalio_protos::temporal::api::{
    common::v1::{Payloads, WorkflowExecution},
    enums::v1::{ScheduleOverlapPolicy as Overlap, WorkflowExecutionStatus as Status},
    failure::v1::Failure,
    schedule::v1::{
        self as protocol, ScheduleAction, ScheduleActionResult, ScheduleInfo, SchedulePolicies, ScheduleState,
        schedule_action::Action,
    },
    workflow::v1::NewWorkflowExecutionInfo,
};

use super::{
    ACTIONS_PER_STEP, ACTIONS_SHOWN, BUFFER_MAX, CATCHUP_WINDOW, CATCHUP_WINDOW_MIN, RETENTION, STEP_PAUSE,
    TIMES_PER_STEP,
};
use crate::base::time::{Span, Time, duration, from_duration, from_timestamp, timestamp};
use crate::calendar::spec::Compiled;
use crate::stored::schedule::{BufferedStart, Record};

/// See the module's page.
#[derive(Debug)]
pub struct Schedule {
    pub record: Record,
    /// Absent where a time zone is gone from the database: such a schedule waits for an update.
    pub(super) spec: Option<Compiled>,
    /// What makes its jitter its own.
    pub(super) seed: String,
    /// The next times, kept until something changes.
    pub(super) future: Option<Vec<Time>>,
}

/// A run that was started for a schedule.
#[derive(Debug)]
pub struct Started {
    pub start: BufferedStart,
    pub at: Time,
    pub workflow: WorkflowExecution,
    /// Started beside others (ALLOW_ALL): nothing waits for its end.
    pub overlapping: bool,
}

/// How a run that a schedule started has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub status: Status,
    pub result: Option<Payloads>,
    pub failure: Option<Failure>,
}

impl Schedule {
    /// A schedule as it was stored, or is new. `namespace_uuid` is part of the seed of its jitter.
    pub fn new(record: Record, namespace_uuid: &str) -> Self {
        let seed = format!("{namespace_uuid}-{}", record.schedule_id);
        let mut schedule = Self { record, spec: None, seed, future: None };
        schedule.compile();
        schedule
    }

    /// Fills in what clients leave out, and compiles the specification.
    pub(super) fn compile(&mut self) {
        let window = self.catchup_window();
        let overlap = self.resolve(Overlap::Unspecified);
        let seed = self.seed.clone();
        let schedule = self.schedule_mut();
        schedule.action.get_or_insert_default();
        schedule.state.get_or_insert_default();
        let policies = schedule.policies.get_or_insert_default();
        policies.overlap_policy = overlap as i32;
        policies.catchup_window = duration(window);
        let spec = Compiled::new(schedule.spec.get_or_insert_default(), seed);
        #[allow(deprecated)]
        {
            self.info_mut().invalid_schedule_error = spec.as_ref().err().cloned().unwrap_or_default();
        }
        self.spec = spec.ok();
        self.future = None;
    }

    pub(super) fn schedule_mut(&mut self) -> &mut protocol::Schedule {
        self.record.schedule.get_or_insert_default()
    }

    pub(super) fn info_mut(&mut self) -> &mut ScheduleInfo {
        self.record.info.get_or_insert_default()
    }

    pub(super) fn info(&self) -> ScheduleInfo {
        self.record.info.clone().unwrap_or_default()
    }

    pub(super) fn state_mut(&mut self) -> &mut ScheduleState {
        self.schedule_mut().state.get_or_insert_default()
    }

    fn state(&self) -> Option<&ScheduleState> {
        self.record.schedule.as_ref().and_then(|s| s.state.as_ref())
    }

    pub fn policies(&self) -> SchedulePolicies {
        self.record.schedule.as_ref().and_then(|s| s.policies).unwrap_or_default()
    }

    /// The workflow to start; `None` for a schedule without an action.
    pub fn action(&self) -> Option<&NewWorkflowExecutionInfo> {
        match self.record.schedule.as_ref()?.action.as_ref()? {
            ScheduleAction { action: Some(Action::StartWorkflow(workflow)) } => Some(workflow),
            _ => None,
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.state().is_some_and(|state| state.paused)
    }

    /// Runs whose end is waited for.
    pub fn running(&self) -> &[WorkflowExecution] {
        self.record.info.as_ref().map_or(&[], |info| &info.running_workflows)
    }

    /// First run ids of the runs whose end changes something here.
    pub(crate) fn awaited_runs(&self) -> impl Iterator<Item = &str> {
        let info = self.record.info.iter();
        let recent = info.flat_map(|info| &info.recent_actions);
        let recent = recent.filter(|action| action.start_workflow_status == Status::Running as i32);
        let recent = recent.filter_map(|action| action.start_workflow_result.as_ref());
        self.running().iter().chain(recent).map(|workflow| workflow.run_id.as_str())
    }

    pub(super) fn catchup_window(&self) -> Span {
        let policies = self.policies();
        match policies.catchup_window {
            None => CATCHUP_WINDOW,
            window => from_duration(&window).max(CATCHUP_WINDOW_MIN),
        }
    }

    /// A policy as it stands now, where an action left it open.
    pub fn resolve(&self, policy: Overlap) -> Overlap {
        let own = if policy == Overlap::Unspecified { self.policies().overlap_policy() } else { policy };
        if own == Overlap::Unspecified { Overlap::Skip } else { own }
    }

    /// Whether an action may be taken; one that clients ask for always may.
    pub(super) fn may_act(&self, manual: bool) -> bool {
        let Some(state) = self.state() else { return true };
        manual || (!state.paused && (!state.limited_actions || state.remaining_actions > 0))
    }

    /// The same, and counts the action against the limit.
    pub fn take_action(&mut self, manual: bool) -> bool {
        let may_act = self.may_act(manual);
        let state = self.state_mut();
        if may_act && !manual && state.limited_actions {
            state.remaining_actions -= 1;
            self.changed();
        }
        may_act
    }

    /// Times of the specification after `from`, up to `to`; `None` where its time zone is unknown.
    pub(crate) fn matching_times(&self, from: Time, to: Time, most: usize) -> Option<Vec<Time>> {
        let times = self.spec.as_ref()?.times(from).map(|next| next.time);
        Some(times.take_while(|time| *time <= to).take(most).collect())
    }

    /// Something that a client can see and change is another now.
    pub(super) fn changed(&mut self) {
        self.record.conflict_token += 1;
        self.future = None;
    }

    /// Buffers an action for each time of the specification that has come. True where there may be more.
    pub fn advance(&mut self, now: Time) -> bool {
        let now = now.max(self.record.last_processed());
        if self.spec.is_none() || !self.may_act(false) {
            self.processed(now);
            return false;
        }
        let most = self.record.buffered.len() + ACTIONS_PER_STEP;
        for _ in 0..TIMES_PER_STEP {
            if self.record.buffered.len() >= most {
                break;
            }
            let next = self.spec.as_ref().and_then(|spec| spec.next(self.record.last_processed()));
            let Some(next) = next.filter(|next| next.time <= now) else { return false };
            self.processed(next.time);
            // A specification that was just changed has no times before the change.
            if next.time < self.record.updated() {
                continue;
            }
            if now - next.time > self.catchup_window() {
                self.info_mut().missed_catchup_window += 1;
                continue;
            }
            self.buffer(BufferedStart {
                nominal: next.nominal.nanos(),
                actual: next.time.nanos(),
                ..Default::default()
            });
        }
        true
    }

    fn processed(&mut self, time: Time) {
        self.record.last_processed = time.nanos();
        self.future = None;
    }

    pub(super) fn buffer(&mut self, start: BufferedStart) {
        if self.record.buffered.len() >= BUFFER_MAX {
            self.info_mut().buffer_dropped += 1;
        } else {
            self.record.buffered.push(start);
        }
    }

    /// When the schedule must be looked at next; `more`: what [`advance`](Self::advance) said.
    pub fn next_due(&self, now: Time, more: bool) -> Option<Time> {
        if more || self.may_backfill() {
            return Some(now + STEP_PAUSE);
        }
        self.next_time().or_else(|| self.expiration())
    }

    /// The next time at which it acts by itself.
    pub(crate) fn next_time(&self) -> Option<Time> {
        let spec = self.spec.as_ref().filter(|_| self.may_act(false))?;
        spec.next(self.record.last_processed()).map(|next| next.time)
    }

    /// When a schedule with nothing left to do is deleted.
    fn expiration(&self) -> Option<Time> {
        let busy = self.is_paused() || !self.record.backfills.is_empty() || !self.record.buffered.is_empty();
        let last_action = self.record.info.as_ref().and_then(|info| info.recent_actions.last());
        let last_action = last_action.map_or(Time::UNSET, |action| from_timestamp(&action.actual_time));
        let last = last_action.max(self.record.created()).max(self.record.updated());
        (!busy).then(|| last + RETENTION)
    }

    /// Whether the schedule has had nothing to do for so long that it goes.
    pub(crate) fn is_expired(&self, now: Time) -> bool {
        self.next_time().is_none() && self.expiration().is_some_and(|expiration| expiration <= now)
    }

    /// An action was taken.
    pub fn started(&mut self, started: Started) {
        let Started { start, at, workflow, overlapping } = started;
        self.record.refusal.clear();
        let info = self.info_mut();
        info.action_count += 1;
        info.recent_actions.push(ScheduleActionResult {
            schedule_time: timestamp(start.actual()),
            actual_time: timestamp(at),
            start_workflow_result: Some(workflow.clone()),
            start_workflow_status: Status::Running as i32,
        });
        let surplus = info.recent_actions.len().saturating_sub(ACTIONS_SHOWN);
        info.recent_actions.drain(..surplus);
        if !overlapping {
            info.running_workflows.push(workflow);
        }
    }

    /// The chain of runs that began with `first_run_id` has ended.
    pub fn closed(&mut self, first_run_id: &str, outcome: Outcome) {
        let Outcome { status, result, failure } = outcome;
        let info = self.info_mut();
        let of_run = |workflow: &WorkflowExecution| workflow.run_id == first_run_id;
        for action in &mut info.recent_actions {
            if action.start_workflow_result.as_ref().is_some_and(of_run) {
                action.start_workflow_status = status as i32;
            }
        }
        let Some(index) = info.running_workflows.iter().position(of_run) else { return };
        let workflow = info.running_workflows.remove(index);
        self.pause_on_failure(&workflow.workflow_id, status, failure.as_ref());
        if result.is_some() {
            self.record.last_completion_result = result;
            self.record.continued_failure = None;
        } else if failure.is_some() {
            self.record.continued_failure = failure;
        }
    }

    fn pause_on_failure(&mut self, workflow_id: &str, status: Status, failure: Option<&Failure>) {
        if !self.policies().pause_on_failure || self.is_paused() {
            return;
        }
        let notes = match status {
            Status::Failed => {
                let message = failure.map_or("", |failure| &failure.message);
                format!("paused due to workflow failure: {workflow_id}: {message}")
            }
            Status::TimedOut => format!("paused due to workflow timeout: {workflow_id}"),
            _ => return,
        };
        let state = self.state_mut();
        (state.paused, state.notes) = (true, notes);
        self.changed();
    }
}

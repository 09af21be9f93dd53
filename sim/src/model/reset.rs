//! Reset: a new run goes on from an earlier point of an old one.

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::enums::v1::{RetryState, WorkflowTaskFailedCause as Cause};

use super::activity::{Activity, State};
use super::event::{End, Ended, Event, What};
use super::nexus::{Operation, Stage};
use super::run::{Child, Effect, Now, Run, WAITS};
use super::task::Task;
use super::{Oracle, Refusal};
use ostro_engine::time::{Span, Time};

impl Oracle {
    /// Goes back to what was before the event `finish`, which must leave a workflow task to be decided. The new run.
    pub fn reset(&mut self, workflow: &str, finish: i64, request: &str) -> Result<i64, Refusal> {
        let base = self.newest(workflow).ok_or(Refusal::NotFound)?;
        if finish <= 1 || finish >= self.run(base).next_event() {
            return Err(Refusal::InvalidArgument);
        }
        if self.run(base).reset_request == request {
            return Ok(base);
        }
        let mut run = self.run(base).up_to(finish);
        if run.task.is_none() {
            return Err(Refusal::InvalidArgument);
        }
        run.number = self.runs.len() as i64 + 1;
        run.reset_request = request.to_owned();
        let number = run.number;
        let (runs, now) = self.parts();
        let old = &mut runs[base as usize - 1];
        if old.end.is_none() {
            old.close(End::Terminated, None, now);
            // Its children and its parent are the new run's now.
            now.effects.pop_back();
        }
        old.reset_into = number;
        let later = old.history[finish as usize - 1..].to_vec();
        run.child_runs.clone_from(&old.child_runs);
        run.attached.clone_from(&old.attached);
        runs.push(run);
        runs[number as usize - 1].begin_again(&later, now);
        self.report_ended_children(number);
        self.follow_up();
        Ok(number)
    }

    /// Children that ended when the old run listened no more.
    fn report_ended_children(&mut self, number: i64) {
        let started: Vec<(i64, i64)> = self
            .run(number)
            .children
            .iter()
            .filter(|(_, child)| child.started != 0)
            .map(|(initiated, child)| (*initiated, child.run))
            .collect();
        for (initiated, mut child) in started {
            while self.run(child).next != 0 {
                child = self.run(child).next;
            }
            if let Some(end) = self.run(child).end {
                let (runs, now) = self.parts();
                runs[number as usize - 1].child_ended(initiated, end, now);
            }
        }
    }

    /// The open run that a child of `parent` reports to: itself, or the one that a reset put in its place.
    pub(super) fn listener(&mut self, parent: i64) -> Option<i64> {
        let mut number = parent;
        while self.run(number).end.is_some() {
            number = Some(self.run(number).reset_into).filter(|next| *next != 0)?;
        }
        Some(number)
    }

    /// Whether `existing` is the child itself, started by the run that `parent` was reset from.
    pub(super) fn was_started_before_reset(&mut self, parent: i64, existing: i64, initiated: i64) -> bool {
        let workflow = self.run(parent).workflow.clone();
        let is_reset = !self.run(parent).reset_request.is_empty();
        let Some((started_by, event)) = self.run(existing).parent else { return false };
        is_reset && event == initiated && self.run(started_by).workflow == workflow
    }
}

impl Run {
    /// The run as it was before the event `finish`.
    fn up_to(&self, finish: i64) -> Run {
        let mut run = Run::new(self.workflow.clone(), self.start.clone());
        (run.first, run.attempt, run.parent) = (self.first, self.attempt, self.parent);
        (run.wait, run.last, run.after_failure) = (self.wait, self.last.clone(), self.after_failure);
        run.request_ids.clone_from(&self.request_ids);
        for event in &self.history[..finish as usize - 1] {
            run.history.push(event.clone());
            run.replay(event, self);
        }
        run
    }

    /// What an event of the old run means to the new one.
    fn replay(&mut self, event: &Event, old: &Run) {
        let number = self.history.len() as i64;
        match event.what.clone() {
            What::TaskScheduled { attempt } => {
                let timeout = self.task_timeout(attempt);
                let (scheduled_at, speculative) = (event.time, false);
                self.task =
                    Some(Task { attempt, scheduled: number, scheduled_at, speculative, timeout, started: None });
            }
            What::TaskStarted { .. } => self.task.iter_mut().for_each(|task| task.started = Some((number, event.time))),
            What::TaskFailed { .. } | What::TaskTimedOut { .. } => self.task = None,
            What::TaskCompleted { .. } => (self.task, self.has_decided) = (None, true),
            What::Signaled { request, .. } => drop(self.signals.insert(request)),
            What::CancelRequested => self.cancel_requested = true,
            What::UpdateAdmitted { id } => self.updates.admit_by_event(&id),
            What::UpdateAccepted { id, .. } => self.updates.was_accepted(&id, number),
            What::UpdateCompleted { accepted } => self.updates.was_completed(accepted),
            what => self.replay_part(number, what, event, old),
        }
    }

    fn replay_part(&mut self, number: i64, what: What, event: &Event, old: &Run) {
        match what {
            What::ActivityScheduled { .. } => {
                let plan = old.plans.get(&number).cloned().unwrap_or_default();
                self.plans.insert(number, plan.clone());
                let (scheduled, attempt_scheduled) = (event.time, event.time);
                let (attempt, state, cancel_requested) = (1, State::Waiting, false);
                let activity = Activity { plan, attempt, scheduled, attempt_scheduled, state, cancel_requested };
                self.activities.insert(number, activity);
            }
            What::ActivityStarted { scheduled, .. } => {
                let state = State::Running { since: event.time, heartbeat: Time::UNSET };
                self.activities.get_mut(&scheduled).into_iter().for_each(|activity| activity.state = state);
            }
            What::ActivityCancelRequested { scheduled } => {
                self.activities.get_mut(&scheduled).into_iter().for_each(|activity| activity.cancel_requested = true);
            }
            What::ActivityEnded { scheduled, .. } => drop(self.activities.remove(&scheduled)),
            What::TimerStarted { id } => {
                let span = old.spans.get(&number).copied().unwrap_or_default();
                self.spans.insert(number, span);
                self.timers.insert(id, (number, event.time + span));
            }
            What::TimerFired { id, .. } | What::TimerCanceled { id, .. } => drop(self.timers.remove(&id)),
            What::ChildInitiated { workflow, policy } => {
                self.children.insert(number, Child { workflow, policy, started: 0, run: 0 });
            }
            What::ChildStarted { initiated } => {
                let run = old.child_runs.get(&initiated).copied().unwrap_or_default();
                self.child_runs.insert(initiated, run);
                if let Some(child) = self.children.get_mut(&initiated) {
                    (child.started, child.run) = (number, run);
                }
            }
            What::ChildStartFailed { initiated } | What::ChildEnded { initiated, .. } => {
                self.children.remove(&initiated);
            }
            what => self.replay_operation(number, what, event, old),
        }
    }

    fn replay_operation(&mut self, number: i64, what: What, event: &Event, old: &Run) {
        let mut note = |scheduled: i64, change: &dyn Fn(&mut Operation)| {
            self.operations.get_mut(&scheduled).into_iter().for_each(change);
        };
        match what {
            What::OperationScheduled { .. } => {
                let Some(operation) = old.calls.get(&number) else { return };
                self.calls.insert(number, operation.clone());
                self.operations.insert(number, operation.clone());
            }
            What::OperationStarted { scheduled, token } => {
                note(scheduled, &|operation| operation.has_started(&token, event.time));
            }
            What::OperationCancelRequested { scheduled } => {
                note(scheduled, &|operation| operation.cancel_requested = number);
            }
            What::OperationCancelDelivered { scheduled, .. } => {
                note(scheduled, &|operation| operation.cancel.stage = Stage::Answered);
            }
            What::OperationCancelFailed { scheduled, .. } => {
                note(scheduled, &|operation| operation.cancel.stage = Stage::Refused);
            }
            What::OperationEnded { scheduled, .. } => drop(self.operations.remove(&scheduled)),
            _ => {}
        }
    }

    /// Its first own events: the task at the point of the reset fails, and what others did to the old run happens again.
    fn begin_again(&mut self, later: &[Event], now: &mut Now) {
        // As if it had waited once more: the next run of a cron schedule is counted from there.
        self.due = now.time + self.wait;
        if self.start.run_timeout > Span::ZERO {
            self.expires = now.time + self.start.run_timeout;
        }
        let Some(task) = self.task.take() else { return };
        let started = match task.started {
            Some((started, _)) => started,
            None => self.record(What::TaskStarted { scheduled: task.scheduled }, now),
        };
        let cause = Cause::ResetWorkflow;
        self.record(What::TaskFailed { scheduled: task.scheduled, started, cause }, now);
        self.give_up_attempts(now);
        later.iter().for_each(|event| self.happens_again(event, now));
        self.schedule_task(now);
        self.ask_again(now);
        let (parent, unstarted) = (self.number, self.children.iter().filter(|(_, child)| child.started == 0));
        now.effects.extend(unstarted.map(|(initiated, _)| Effect::StartChild { parent, initiated: *initiated }));
    }

    /// Attempts that ran at the point of the reset are the old run's; those that did not wait anew.
    fn give_up_attempts(&mut self, now: &Now) {
        let runs = |activity: &Activity| matches!(activity.state, State::Running { .. });
        let (running, waiting) = std::mem::take(&mut self.activities).into_iter().partition(|(_, a)| runs(a));
        self.activities = waiting;
        for activity in self.activities.values_mut() {
            (activity.scheduled, activity.attempt_scheduled) = (now.time, now.time);
        }
        let running: BTreeMap<i64, Activity> = running;
        for scheduled in running.into_keys() {
            let how = Ended::Failed(RetryState::NonRetryableFailure);
            self.record(What::ActivityEnded { scheduled, started: WAITS, how }, now);
        }
    }

    fn happens_again(&mut self, event: &Event, now: &Now) {
        let what = &event.what;
        match what.clone() {
            What::Signaled { ref request, .. } => {
                self.signals.insert(request.clone());
                self.record(what.clone(), now);
            }
            What::Attached { .. } => drop(self.record(what.clone(), now)),
            // One that an event had brought is brought again by that event.
            What::UpdateAdmitted { id } | What::UpdateAccepted { id, admitted: false } => {
                self.record(What::UpdateAdmitted { id: id.clone() }, now);
                self.updates.admit_by_event(&id);
            }
            What::ChildStarted { initiated } if self.children.get(&initiated).is_some_and(|c| c.started == 0) => {
                let event = self.record(what.clone(), now);
                let run = self.child_runs.get(&initiated).copied().unwrap_or_default();
                self.children
                    .get_mut(&initiated)
                    .into_iter()
                    .for_each(|child| (child.started, child.run) = (event, run));
            }
            What::ChildStartFailed { initiated } if self.children.remove(&initiated).is_some() => {
                self.record(what.clone(), now);
            }
            What::ChildEnded { initiated, how, .. } => {
                if let Some(child) = self.children.remove(&initiated) {
                    self.record(What::ChildEnded { initiated, started: child.started, how }, now);
                }
            }
            // Its handler works on it since then, whatever the time of the event in this history.
            What::OperationStarted { scheduled, token } => {
                if let Some(operation) =
                    self.operations.get_mut(&scheduled).filter(|operation| operation.started == Time::UNSET)
                {
                    operation.has_started(&token, event.time);
                    self.record(what.clone(), now);
                }
            }
            What::OperationEnded { scheduled, .. } if self.operations.remove(&scheduled).is_some() => {
                self.record(what.clone(), now);
            }
            _ => {}
        }
    }
}

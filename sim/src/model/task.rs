//! The workflow task of a run.
//!
//! One with `attempt > 1` is *transient*, one that only carries updates is *speculative*: neither is in history before it
//! has to be.

use ostro_engine::time::{MINUTE, SECOND, Span, Time, duration};
use temporalio_protos::temporal::api::enums::v1::{ParentClosePolicy, RetryState, WorkflowTaskFailedCause as Cause};

use super::activity::ActivityPlan;
use super::event::{End, Event, What};
use super::nexus::OperationPlan;
use super::run::{Child, Effect, Now, Run};

#[derive(Debug, Clone)]
pub struct Task {
    pub attempt: i32,
    /// Its scheduled event, or the number that this event would get.
    pub scheduled: i64,
    pub scheduled_at: Time,
    pub speculative: bool,
    pub timeout: Span,
    /// The started event and its time, once a worker has it.
    pub started: Option<(i64, Time)>,
}

/// What a worker's token says of its task.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    pub attempt: i32,
    /// See [`Task::scheduled`].
    pub scheduled: i64,
    /// When it was given out.
    pub since: Time,
}

/// What a worker decides.
#[derive(Debug, Clone)]
pub enum Decision {
    Activity(ActivityPlan),
    CancelActivity(i64),
    Timer(String, Span),
    CancelTimer(String),
    Marker,
    Child(String, ParentClosePolicy),
    Operation(OperationPlan),
    CancelOperation(i64),
    Accept(String),
    Answer(String),
    Reject(String),
    End(Ending),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    Completes,
    Fails { for_good: bool },
    Cancels,
    ContinuesAsNew,
}

impl Task {
    fn has_no_events(&self) -> bool {
        self.speculative || self.attempt > 1
    }
}

impl Run {
    /// News for the workflow: it needs a task, unless it has one, or must not have one yet.
    pub fn schedule_task(&mut self, now: &Now) {
        self.schedule(false, now);
    }

    /// A task for updates alone: it leaves no trace if all of them are rejected.
    pub fn schedule_task_for_updates(&mut self, now: &Now) {
        self.schedule(self.has_decided && self.task_attempt == 1, now);
    }

    fn schedule(&mut self, speculative: bool, now: &Now) {
        if self.end.is_some() || self.task.is_some() || self.first_task != Time::UNSET {
            return;
        }
        let attempt = self.task_attempt;
        let scheduled = match speculative || attempt > 1 {
            true => self.next_event(),
            false => self.record(What::TaskScheduled { attempt }, now),
        };
        let timeout = self.task_timeout(attempt);
        self.task = Some(Task { attempt, scheduled, scheduled_at: now.time, speculative, timeout, started: None });
    }

    /// Ten seconds, and more and more from the fourth attempt on.
    pub fn task_timeout(&self, attempt: i32) -> Span {
        let plain =
            if self.start.run_timeout > Span::ZERO { self.start.run_timeout.min(10 * SECOND) } else { 10 * SECOND };
        match attempt {
            ..=3 => plain,
            _ => plain + (5 * SECOND * (1 << (attempt - 4).min(20))).min(10 * MINUTE),
        }
    }

    /// Gives a speculative task the events that it would have had.
    pub fn make_plain(&mut self) {
        if self.task.as_ref().is_some_and(|task| task.speculative) {
            self.write_task_events();
            self.task.iter_mut().for_each(|task| task.speculative = false);
        }
    }

    fn write_task_events(&mut self) {
        let Some(task) = self.task.clone().filter(Task::has_no_events) else { return };
        self.write(Event { time: task.scheduled_at, what: What::TaskScheduled { attempt: task.attempt } });
        if let Some((_, time)) = task.started {
            self.write(Event { time, what: What::TaskStarted { scheduled: task.scheduled } });
        }
    }

    pub fn offers_task(&self) -> bool {
        self.task.as_ref().is_some_and(|task| task.started.is_none())
    }

    /// A worker takes the task: which updates come with it.
    pub fn start_task(&mut self, now: &Now) -> Vec<String> {
        let next = self.next_event();
        let Some(task) = self.task.as_mut() else { return Vec::new() };
        if task.has_no_events() && task.scheduled != next {
            // Other events have taken its place: it is a task like any other.
            (task.speculative, task.attempt, task.scheduled_at) = (false, 1, now.time);
            task.scheduled = next;
            self.task_attempt = 1;
            self.write(Event { time: now.time, what: What::TaskScheduled { attempt: 1 } });
        }
        let Some(task) = self.task.clone() else { return Vec::new() };
        let started = match task.has_no_events() {
            true => task.scheduled + 1,
            false => self.write(Event { time: now.time, what: What::TaskStarted { scheduled: task.scheduled } }),
        };
        self.task = Some(Task { started: Some((started, now.time)), ..task });
        self.updates.send()
    }

    /// Whether a token of such a task is good.
    pub fn has_task(&self, given: Given) -> bool {
        self.task.as_ref().is_some_and(|task| {
            (task.attempt, task.scheduled) == (given.attempt, given.scheduled)
                && task.started.is_some_and(|(_, time)| time == given.since)
        })
    }

    /// The worker's decisions; false where they are refused and the task has failed.
    pub fn complete_task(&mut self, decisions: &[Decision], now: &mut Now) -> bool {
        let refused = |at: usize| self.refuses_operation(&decisions[at], &decisions[..at]);
        let ends = decisions.iter().any(|decision| matches!(decision, Decision::End(_)));
        let unhandled = (ends && !self.waiting.is_empty()).then_some(Cause::UnhandledCommand);
        if let Some(cause) = (0..decisions.len()).find_map(refused).or(unhandled) {
            self.updates.abort_sent(now);
            // A second refusal in a row waits for the time-out, unless something new has come.
            if self.task.as_ref().is_some_and(|task| task.attempt == 1) || !self.waiting.is_empty() {
                self.fail_task(cause, now);
            }
            return false;
        }
        let says_no_only = decisions.iter().all(|decision| matches!(decision, Decision::Reject(_)));
        if says_no_only && self.waiting.is_empty() && self.task.as_ref().is_some_and(|task| task.speculative) {
            self.task = None;
            self.decide(decisions, now);
            self.updates.reject_ignored(now);
        } else {
            self.write_task_events();
            let Some(task) = self.task.take() else { return false };
            let started = task.started.map_or(0, |(started, _)| started);
            (self.has_decided, self.task_attempt) = (true, 1);
            self.record(What::TaskCompleted { scheduled: task.scheduled, started }, now);
            self.decide(decisions, now);
            self.updates.reject_ignored(now);
            if self.end.is_none() && self.write_waiting() {
                self.schedule_task(now);
            }
        }
        if self.updates.any_unsent() {
            self.schedule_task_for_updates(now);
        }
        true
    }

    fn decide(&mut self, decisions: &[Decision], now: &mut Now) {
        for decision in decisions {
            if self.end.is_some() {
                return;
            }
            match decision.clone() {
                Decision::Activity(plan) => self.schedule_activity(plan, now),
                Decision::CancelActivity(scheduled) => self.cancel_activity(scheduled, now),
                Decision::Operation(plan) => self.schedule_operation(plan, now),
                Decision::CancelOperation(scheduled) => self.cancel_operation(scheduled, now),
                Decision::Timer(id, span) => {
                    let started = self.record(What::TimerStarted { id: id.clone() }, now);
                    self.spans.insert(started, span);
                    self.timers.insert(id, (started, now.time + span));
                }
                Decision::CancelTimer(id) => self.cancel_timer(id, now),
                Decision::Marker => drop(self.record(What::Marker, now)),
                Decision::Child(workflow, policy) => {
                    let initiated = self.record(What::ChildInitiated { workflow: workflow.clone(), policy }, now);
                    self.children.insert(initiated, Child { workflow, policy, started: 0, run: 0 });
                    now.effects.push_back(Effect::StartChild { parent: self.number, initiated });
                }
                Decision::Accept(id) => {
                    let admitted = self.updates.is_admitted_by_event(&id);
                    let accepted = self.record(What::UpdateAccepted { id: id.clone(), admitted }, now);
                    self.updates.accept(&id, accepted);
                }
                Decision::Answer(id) => {
                    if let Some(accepted) = self.updates.accepted(&id) {
                        self.record(What::UpdateCompleted { accepted }, now);
                        self.updates.complete(&id, now);
                    }
                }
                Decision::Reject(id) => self.updates.reject(&id, now),
                Decision::End(ending) => self.end(ending, now),
            }
        }
    }

    fn cancel_timer(&mut self, id: String, now: &Now) {
        let fired = |event: &Event| matches!(&event.what, What::TimerFired { id: fired, .. } if *fired == id);
        let started = match self.timers.remove(&id) {
            Some((started, _)) => started,
            // It fired while the worker decided: the cancellation wins.
            None => match self.waiting.iter().position(fired).map(|at| self.waiting.remove(at).what) {
                Some(What::TimerFired { started, .. }) => started,
                _ => return,
            },
        };
        self.record(What::TimerCanceled { id, started }, now);
    }

    fn end(&mut self, ending: Ending, now: &mut Now) {
        match ending {
            Ending::Completes => {
                let next = self.next_by_cron(Some(self.start.input.clone()), now);
                self.close(End::Completed, next, now);
            }
            Ending::Cancels => self.close(End::Canceled, None, now),
            Ending::ContinuesAsNew => self.close(End::ContinuedAsNew, Some(self.continued()), now),
            Ending::Fails { for_good } => {
                let next = match for_good && self.start.attempts_max.is_some() {
                    true => Err(RetryState::NonRetryableFailure),
                    false => self.next_attempt(now),
                };
                let state = next.as_ref().map_or_else(|state| *state, |_| RetryState::InProgress);
                let next = next.ok().or_else(|| self.next_by_cron(None, now));
                self.close(End::Failed(state), next, now);
            }
        }
    }

    pub fn fail_task(&mut self, cause: Cause, now: &mut Now) {
        self.make_plain();
        let Some(task) = self.task.take() else { return };
        if task.attempt == 1 {
            let started = task.started.map_or(0, |(started, _)| started);
            self.record(What::TaskFailed { scheduled: task.scheduled, started, cause }, now);
        }
        self.try_task_again(task.attempt + 1, now);
    }

    pub fn task_times_out(&mut self, now: &mut Now) {
        self.make_plain();
        let Some(task) = self.task.take() else { return };
        if task.attempt == 1 {
            let started = task.started.map_or(0, |(started, _)| started);
            self.record(What::TaskTimedOut { scheduled: task.scheduled, started }, now);
        }
        self.try_task_again(task.attempt + 1, now);
    }

    fn try_task_again(&mut self, attempt: i32, now: &Now) {
        self.updates.unsend();
        // What is new makes it a first attempt again.
        self.task_attempt = if self.write_waiting() { 1 } else { attempt };
        self.schedule_task(now);
    }

    /// The run ends whatever its worker does.
    pub fn abandon_task(&mut self, now: &Now) {
        if self.offers_task() {
            self.task = None;
        }
        self.make_plain();
        let Some(task) = self.task.take() else { return };
        if task.attempt == 1 {
            let started = task.started.map_or(0, |(started, _)| started);
            let cause = Cause::ForceCloseCommand;
            self.record(What::TaskFailed { scheduled: task.scheduled, started, cause }, now);
        }
    }
}

/// A span as the protocol has it.
pub fn protocol(span: Span) -> Option<prost_wkt_types::Duration> {
    if span > Span::ZERO { duration(span) } else { None }
}

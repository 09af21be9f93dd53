//! Local activities run while the task waits.

use std::time::SystemTime;

use temporalio_protos::temporal::api::{
    common::v1::Payload,
    failure::v1::{Failure, failure::FailureInfo},
};

use super::{Phase, Run, Step, Waiting};
use crate::replay::error::Result;
use crate::replay::execution::LocalEnd;
use crate::replay::local::{LocalTask, Todo};
use crate::replay::machine::LocalResult;

/// What became of an attempt of a local activity.
#[derive(Debug, Clone, PartialEq)]
pub enum LocalOutcome {
    /// It returned.
    Completed(Option<Payload>),
    /// It failed. A failure that is a time-out counts as one.
    Failed(Box<Failure>),
    /// It stopped because it was asked to.
    Cancelled(Box<Failure>),
}

impl From<LocalOutcome> for LocalResult {
    fn from(outcome: LocalOutcome) -> Self {
        match outcome {
            LocalOutcome::Completed(result) => Self::Completed(result),
            LocalOutcome::Cancelled(failure) => Self::Cancelled(*failure),
            LocalOutcome::Failed(failure) => match failure.failure_info {
                Some(FailureInfo::TimeoutFailureInfo(_)) => Self::TimedOut(*failure),
                _ => Self::Failed(*failure),
            },
        }
    }
}

impl Run {
    /// There is a slot for a local activity: the attempt to run. None: it is wanted no more.
    pub fn local_started(&mut self, seq: u32, now: SystemTime) -> Option<LocalTask> {
        match self.attempts.start(seq, now)? {
            Ok(task) => Some(task),
            Err(end) => {
                self.local_over(*end, now);
                None
            }
        }
    }

    /// An attempt ended. What is wanted no more is passed over.
    pub fn local_ended(&mut self, seq: u32, outcome: LocalOutcome, now: SystemTime) {
        if let Some(end) = self.attempts.end(seq, outcome.into(), now) {
            self.local_over(end, now);
        }
    }

    /// The time of [`Run::next_wake`] has come.
    pub fn wake(&mut self, now: SystemTime) {
        let todo = self.attempts.wake(now);
        for end in self.do_locals(todo) {
            self.local_over(end, now);
        }
        let due = |waiting: &&mut Waiting| waiting.heartbeat.is_some_and(|heartbeat| heartbeat <= now);
        if let Some(waiting) = self.waiting.as_mut().filter(due) {
            waiting.heartbeat = None;
            waiting.heartbeat_due = true;
            self.look_for_more(now);
        }
    }

    fn local_over(&mut self, end: LocalEnd, now: SystemTime) {
        match self.tell(end) {
            Ok(()) => self.look_for_more(now),
            Err(error) => self.fail_with(error, true),
        }
    }

    /// Tells the run of an end, or keeps it: jobs of the code's answer and of the next task's events come before, as in a replay.
    fn tell(&mut self, end: LocalEnd) -> Result<()> {
        if self.holds_ends() {
            self.deferred.push(end);
            return Ok(());
        }
        self.execution.local_ended(end)
    }

    fn holds_ends(&self) -> bool {
        let deciding = match &self.phase {
            Phase::Deciding { jobs } => *jobs,
            Phase::Fetching(_) => true,
            Phase::Idle | Phase::Reporting | Phase::Gone => false,
        };
        deciding || self.between_tasks
    }

    pub(super) fn tell_deferred(&mut self) -> Result<()> {
        if self.holds_ends() {
            return Ok(());
        }
        std::mem::take(&mut self.deferred).into_iter().try_for_each(|end| self.execution.local_ended(end))
    }

    /// Begins and cancels what the code has asked for.
    pub(super) fn begin_locals(&mut self, now: SystemTime) -> Result<()> {
        if self.execution.locals_ended() {
            let todo = self.attempts.stop_all();
            self.do_locals(todo);
            return Ok(());
        }
        let (cancels, new) = self.execution.take_locals();
        let cancelled = cancels.into_iter().filter_map(|seq| self.attempts.cancel(seq)).collect::<Vec<_>>();
        let begun = new.into_iter().map(|new| self.attempts.begin(new, now)).collect::<Vec<_>>();
        let ends = self.do_locals(cancelled.into_iter().chain(begun).collect());
        ends.into_iter().try_for_each(|end| self.tell(end))
    }

    /// Asks for starts and stops; gives back what has ended.
    pub(super) fn do_locals(&mut self, todo: Vec<Todo>) -> Vec<LocalEnd> {
        let mut ends = Vec::new();
        for todo in todo {
            match todo {
                Todo::Start(seq) => self.steps.push_back(Step::StartLocal(seq)),
                Todo::Stop(seq, reason) => self.steps.push_back(Step::StopLocal(seq, reason)),
                Todo::Ended(end) => ends.push(*end),
            }
        }
        ends
    }

    /// The task waits for local activities, and says in time that it is alive. `begins`: it did not wait before.
    pub(super) fn wait_for_locals(&mut self, begins: bool) {
        let timeout = self.execution.task_timeout();
        let heartbeat = self.task.as_ref().zip(timeout).map(|(task, timeout)| task.heartbeat(timeout));
        let waiting = self.waiting.get_or_insert_default();
        waiting.heartbeat = heartbeat;
        if begins {
            waiting.heartbeat_due = false;
        }
    }
}

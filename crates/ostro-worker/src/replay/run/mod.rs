//! A run in a worker's cache: its tasks, one after the other, and everything that they are answered with.
//!
//! The owner brings tasks, pages, decisions, ends of local activities and the time; each call is carried out at once and leaves
//! [`Step`]s, which the owner takes with [`Run::next`] and does in order. Only one thing is asked of the code at a time:
//!
//! ```text
//! Idle --task--> Deciding --decide--> Deciding | Reporting | Idle (waits for local activities)
//!   Idle, Deciding --history missing--> Fetching --page--> Deciding
//!   Reporting --reported--> Idle | Deciding
//! ```

mod answer;
mod completion;
mod locals;
mod task;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use temporalio_protos::temporal::api::{
    enums::v1::{VersioningBehavior, WorkflowTaskFailedCause},
    failure::v1::Failure,
};

use super::decision::{Decision, Requested};
use super::error::{Error, Result};
use super::execution::{Execution, LocalEnd};
use super::job::{Activation, Query};
use super::local::Attempts;
use super::settings::{Identity, Settings};

pub use super::local::{LocalTask, StopReason};
pub use answer::{Completion, QueryAnswer, TaskFailure};
pub use locals::LocalOutcome;
pub use task::Task;

/// Something that the owner of a run must do.
#[derive(Debug)]
pub enum Step {
    /// Give this to the code, and its answer to [`Run::decide`] or [`Run::code_failed`].
    Activate(Activation),
    /// Send `RespondWorkflowTaskCompleted`, then call [`Run::reported`].
    Complete(Box<Completion>),
    /// Send `RespondQueryTaskCompleted`, then call [`Run::reported`].
    AnswerLegacyQuery(QueryAnswer),
    /// Send `RespondWorkflowTaskFailed`, unless it says otherwise. The run is broken: forget it.
    FailTask(Box<TaskFailure>),
    /// Read the history on from this page or, if it is the first such step of the task and the task did not begin where the run is, from its
    /// beginning; give the events to [`Run::page`].
    FetchHistory {
        /// The whole history is wanted, not the task's next page.
        from_start: bool,
    },
    /// Run this local activity when there is a slot: [`Run::local_started`].
    StartLocal(u32),
    /// Stop an attempt of a local activity that runs.
    StopLocal(u32, StopReason),
    /// The run has ended, and the server knows it: forget it. Queries bring it back.
    Ended,
}

/// What the run waits for.
#[derive(Debug)]
enum Phase {
    Idle,
    /// The code has an activation. `jobs`: not only queries.
    Deciding {
        jobs: bool,
    },
    /// A page of history; then this goes on.
    Fetching(Held),
    /// The server's word on an answer.
    Reporting,
    /// It is broken, or has left the cache.
    Gone,
}

#[derive(Debug)]
enum Held {
    Task,
    Completed(Box<Decided>),
}

/// A decision, sorted.
#[derive(Debug)]
struct Decided {
    requests: Vec<Requested>,
    answers: Vec<QueryAnswer>,
    lang_flags: Vec<u32>,
    versioning_behavior: VersioningBehavior,
    /// Queries were waiting when the code answered.
    queries_wait: bool,
    /// The core answered by itself: the code had nothing to do.
    by_core: bool,
    /// Its requests have been taken; what follows from the history at once is to be seen.
    is_carried_out: bool,
}

/// The task at hand.
#[derive(Debug)]
struct Current {
    token: Vec<u8>,
    attempt: u32,
    began: SystemTime,
    queries: Vec<Query>,
    /// It only asks a query, and its answer goes another way.
    is_legacy_query: bool,
}

/// The task waits for local activities.
#[derive(Debug, Default)]
struct Waiting {
    /// When it must say that it is alive.
    heartbeat: Option<SystemTime>,
    /// It must, as soon as the code has answered.
    heartbeat_due: bool,
}

/// A run in a worker's cache. See the [module](self).
#[derive(Debug)]
pub struct Run {
    execution: Execution,
    attempts: Attempts,
    phase: Phase,
    task: Option<Current>,
    waiting: Option<Waiting>,
    /// A completion was sent, and no task has come since.
    between_tasks: bool,
    /// Ends of local activities that must not be told now: a replay could not tell them there.
    deferred: Vec<LocalEnd>,
    buffered: task::Buffered,
    steps: VecDeque<Step>,
}

impl Run {
    /// A run of which nothing is known yet.
    pub fn new(settings: Arc<Settings>, identity: Identity) -> Self {
        Self {
            execution: Execution::new(settings, identity),
            attempts: Attempts::default(),
            phase: Phase::Idle,
            task: None,
            waiting: None,
            between_tasks: false,
            deferred: Vec::new(),
            buffered: task::Buffered::default(),
            steps: VecDeque::new(),
        }
    }

    /// The next thing to do.
    #[expect(
        clippy::should_implement_trait,
        reason = "a run is no iterator: what it gives depends on what is called in between"
    )]
    pub fn next(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// Call [`Run::wake`] at this time, whatever happens before.
    pub fn next_wake(&self) -> Option<SystemTime> {
        let heartbeat = self.waiting.as_ref().and_then(|waiting| waiting.heartbeat);
        heartbeat.into_iter().chain(self.attempts.next_due()).min()
    }

    /// Whether the run may leave the cache: it is in the middle of nothing.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.task.is_none() && !self.buffered.any()
    }

    /// Whether it is broken or gone: forget it, and give [`Run::into_buffered`] to a new one.
    pub fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Gone)
    }

    /// The last event that was applied.
    pub fn last_event(&self) -> i64 {
        self.execution.last_event()
    }

    /// It leaves the cache: local activities are stopped, and nothing else is asked of it.
    pub fn evict(&mut self) {
        self.phase = Phase::Gone;
        self.task = None;
        self.waiting = None;
        let todo = self.attempts.stop_all();
        self.do_locals(todo);
    }

    /// Tasks that have come in the meantime.
    pub fn into_buffered(self) -> Vec<Task> {
        self.buffered.into_tasks()
    }

    /// The code's answer to the activation.
    ///
    /// # Errors
    /// It has none.
    pub fn decide(&mut self, decision: Decision, now: SystemTime) -> Result<()> {
        let Phase::Deciding { .. } = self.phase else {
            return Err(Error::fatal("a decision came and the code had nothing to decide"));
        };
        self.decided(decision, now);
        Ok(())
    }

    /// The code could not answer: a bug, or a decision that cannot be sent. The task fails.
    pub fn code_failed(&mut self, failure: Failure, cause: WorkflowTaskFailedCause) {
        let cause = match cause {
            WorkflowTaskFailedCause::Unspecified => WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure,
            cause => cause,
        };
        self.fail(failure, cause, true);
    }

    /// The page that was asked for. `complete`: none follows.
    pub fn page(
        &mut self,
        events: Vec<temporalio_protos::temporal::api::history::v1::HistoryEvent>,
        complete: bool,
        now: SystemTime,
    ) {
        self.execution.extend_window(events, complete);
        if !self.execution.is_ready() {
            self.steps.push_back(Step::FetchHistory { from_start: false });
            return;
        }
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Fetching(Held::Task) => self.begin(now),
            Phase::Fetching(Held::Completed(decided)) => self.complete(*decided, now),
            other => self.phase = other,
        }
    }

    /// The history could not be read. The task fails; a query is left for another worker.
    pub fn page_failed(&mut self, error: &str) {
        let failure = answer::application(format!("Fetching history failed: {error}"));
        self.fail(failure, WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure, false);
    }

    fn fail_with(&mut self, error: Error, answers_query: bool) {
        let cause = error.cause();
        let answers_query = answers_query && matches!(error, Error::Nondeterminism(_));
        self.fail(answer::application(error.to_string()), cause, answers_query);
    }

    fn fail(&mut self, failure: Failure, cause: WorkflowTaskFailedCause, answers_query: bool) {
        if let Some(task) = self.task.take() {
            let failure = TaskFailure {
                // Later attempts fail alike: the server hears of the first and lets the others time out.
                report: if task.is_legacy_query { answers_query } else { task.attempt <= 1 },
                is_legacy_query: task.is_legacy_query,
                token: task.token,
                attempt: task.attempt,
                cause,
                failure,
            };
            self.steps.push_back(Step::FailTask(Box::new(failure)));
        }
        self.evict();
    }
}

#[cfg(test)]
mod tests;

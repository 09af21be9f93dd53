//! Decisions come, and tasks are completed.

use std::time::SystemTime;

use super::answer::{Completion, QueryAnswer};
use super::{Current, Decided, Held, Phase, Run, Step, Waiting};
use crate::replay::decision::{Decision, Request, Requested};
use crate::replay::error::{Error, Result};
use crate::replay::job::{Job, LEGACY_QUERY};

/// Whether the task must wait, and what its completion must say if not.
enum Locals {
    None,
    Outstanding,
    /// Nor can that be said before the next page of the history is here.
    Unknown,
}

impl Run {
    /// Gives the code what waits for it.
    pub(super) fn activate(&mut self) {
        let activation = self.execution.activation();
        self.phase = Phase::Deciding { jobs: true };
        self.steps.push_back(Step::Activate(activation));
    }

    fn ask_queries(&mut self) {
        let mut activation = self.execution.activation();
        let queries = self.task.as_mut().map(|task| std::mem::take(&mut task.queries)).unwrap_or_default();
        activation.jobs.extend(queries.into_iter().map(|query| Job::Query(Box::new(query))));
        self.phase = Phase::Deciding { jobs: false };
        self.steps.push_back(Step::Activate(activation));
    }

    pub(super) fn complete_by_core(&mut self, now: SystemTime) {
        let queries_wait = self.queries_wait();
        self.go_on_with(
            Decided {
                requests: Vec::new(),
                answers: Vec::new(),
                lang_flags: Vec::new(),
                versioning_behavior: Default::default(),
                queries_wait,
                by_core: true,
                is_carried_out: false,
            },
            now,
        );
    }

    fn queries_wait(&self) -> bool {
        self.task.as_ref().is_some_and(|task| !task.queries.is_empty())
    }

    pub(super) fn decided(&mut self, decision: Decision, now: SystemTime) {
        let (answers, requests): (Vec<_>, Vec<_>) =
            decision.requests.into_iter().partition(|requested| matches!(requested.request, Request::AnswerQuery(..)));
        let mut answers: Vec<QueryAnswer> = answers.into_iter().filter_map(answer).collect();
        let is_legacy = matches!(&answers[..], [only] if only.id == LEGACY_QUERY);
        if is_legacy && let Some(task) = &self.task {
            answers[0].token.clone_from(&task.token);
            self.phase = Phase::Reporting;
            self.steps.extend(answers.pop().map(Step::AnswerLegacyQuery));
            return;
        }
        let requests = self.sorted(requests);
        let (lang_flags, versioning_behavior) = (decision.lang_flags, decision.versioning_behavior);
        let queries_wait = self.queries_wait();
        self.go_on_with(
            Decided {
                requests,
                answers,
                lang_flags,
                versioning_behavior,
                queries_wait,
                by_core: false,
                is_carried_out: false,
            },
            now,
        );
    }

    /// Only the first request that ends the run counts. It goes last, so that all others are sent; runs of older SDKs dropped those behind it.
    fn sorted(&mut self, requests: Vec<Requested>) -> Vec<Requested> {
        let Some(first) = requests.iter().position(|requested| requested.request.is_terminal()) else {
            return requests;
        };
        if !self.execution.moves_terminal_commands() {
            return requests.into_iter().take(first + 1).collect();
        }
        let (mut ends, mut others): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|requested| requested.request.is_terminal());
        others.extend((!ends.is_empty()).then(|| ends.swap_remove(0)));
        others
    }

    fn go_on_with(&mut self, decided: Decided, now: SystemTime) {
        if self.execution.is_ready() {
            self.complete(decided, now);
        } else {
            self.fetch_for(decided);
        }
    }

    fn fetch_for(&mut self, decided: Decided) {
        self.phase = Phase::Fetching(Held::Completed(Box::new(decided)));
        self.steps.push_back(Step::FetchHistory { from_start: false });
    }

    pub(super) fn complete(&mut self, mut decided: Decided, now: SystemTime) {
        let heartbeat_by_core = decided.by_core && self.waiting.is_some();
        let heartbeat = heartbeat_by_core || self.waiting.as_ref().is_some_and(|waiting| waiting.heartbeat_due);
        match self.carry_on(&mut decided, now) {
            Err(error) => self.fail_with(error, true),
            Ok(Locals::Unknown) => {
                decided.is_carried_out = true;
                self.fetch_for(decided);
            }
            Ok(Locals::None) => {
                self.waiting = None;
                self.report(decided, heartbeat_by_core, now);
            }
            // A query's answer takes the task with it: a new one must come for the local activities' ends.
            Ok(Locals::Outstanding) if heartbeat || !decided.answers.is_empty() => {
                self.waiting = Some(Waiting { heartbeat: None, heartbeat_due: heartbeat });
                self.report(decided, true, now);
            }
            Ok(Locals::Outstanding) => {
                self.wait_for_locals(true);
                self.settle(false, None, now);
            }
        }
    }

    /// The decision goes into the run; what follows from the history at once follows.
    fn carry_on(&mut self, decided: &mut Decided, now: SystemTime) -> Result<Locals> {
        if !decided.is_carried_out {
            self.execution.used_by_lang(&decided.lang_flags);
            self.execution.decide(std::mem::take(&mut decided.requests), now)?;
        }
        self.phase = Phase::Idle;
        self.tell_deferred()?;
        if !self.execution.apply_ready()? {
            return Ok(Locals::Unknown);
        }
        self.begin_locals(now)?;
        if !self.execution.outstanding_locals() {
            return Ok(Locals::None);
        }
        if self.execution.task_timeout().is_none() {
            return Err(Error::fatal("the started event of the run has no workflow task timeout"));
        }
        Ok(Locals::Outstanding)
    }

    /// Completes the task, unless the code has more to do before, or the task was only for a replay.
    fn report(&mut self, decided: Decided, heartbeat: bool, now: SystemTime) {
        let Some(task) = &self.task else { return self.settle(false, None, now) };
        let answers_queries = !decided.answers.is_empty();
        let more = self.execution.has_jobs()
            || self.execution.replaying()
            || (decided.queries_wait && !answers_queries)
            || self.execution.saw_end();
        if more && !answers_queries {
            return self.settle(false, None, now);
        }
        let late_local = answers_queries && self.execution.has_local_resolutions();
        let completion = Completion {
            token: task.token.clone(),
            commands: self.execution.take_commands(),
            messages: self.execution.take_messages(),
            queries: decided.answers,
            sdk_metadata: self.execution.take_metadata(),
            versioning_behavior: decided.versioning_behavior,
            force_new_task: heartbeat || late_local,
            nonfirst_local_attempts: self.attempts.retries_of_earlier(),
        };
        self.between_tasks = true;
        self.phase = Phase::Reporting;
        self.steps.push_back(Step::Complete(Box::new(completion)));
    }

    /// The server took the answer. `reset_to`: the task was speculative and leaves no trace (`reset_history_event_id` of the response).
    pub fn reported(&mut self, reset_to: Option<i64>, now: SystemTime) {
        if matches!(self.phase, Phase::Reporting) {
            self.settle(true, reset_to.filter(|id| *id > 0), now);
        }
    }

    /// The server did not take it: the task is another worker's, or timed out, or something new must be seen before. What the run has decided
    /// is void, so it is forgotten.
    pub fn not_reported(&mut self) {
        self.evict();
    }

    /// An answer is done with; looks for what is next.
    fn settle(&mut self, reported: bool, reset_to: Option<i64>, now: SystemTime) {
        let done = (reported || self.execution.saw_end()) && !self.queries_wait();
        if done {
            self.task = None;
            if reported {
                reset_to.into_iter().for_each(|id| self.execution.reset_last_started(id));
                self.attempts.task_over();
            }
        }
        self.phase = Phase::Idle;
        self.look_for_more(now);
        if reported && self.is_resting() && self.execution.ended() {
            self.steps.push_back(Step::Ended);
        }
        self.take_buffered(now);
    }

    fn is_resting(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.steps.is_empty()
    }

    pub(super) fn look_for_more(&mut self, now: SystemTime) {
        if !matches!(self.phase, Phase::Idle) || self.task.is_none() {
            return;
        }
        if self.execution.has_jobs() {
            self.activate();
        } else if self.waiting.is_some() && !self.execution.outstanding_locals() {
            self.waiting = None;
            self.complete_by_core(now);
        } else if self.queries_wait() {
            self.ask_queries();
        } else if self.waiting.as_ref().is_some_and(|waiting| waiting.heartbeat_due) {
            self.complete_by_core(now);
        }
    }
}

fn answer(requested: Requested) -> Option<QueryAnswer> {
    match requested.request {
        Request::AnswerQuery(id, result) => Some(QueryAnswer { token: Vec::new(), id, result }),
        _ => None,
    }
}

impl Current {
    /// When a task that began then must say that it is alive: after four fifths of its time.
    pub(super) fn heartbeat(&self, timeout: std::time::Duration) -> SystemTime {
        self.began.checked_add(timeout.mul_f32(0.8)).unwrap_or(self.began)
    }
}

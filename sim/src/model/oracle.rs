//! The whole: who may start, what follows from one run in others, and time.

use std::collections::BTreeMap;

use ostro_engine::time::{Span, Time};
use temporalio_protos::temporal::api::enums::v1::{
    WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse, WorkflowTaskFailedCause as Cause,
};

use super::activity::{Over, State};
use super::event::{End, Ended};
use super::handlers::Callback;
use super::run::{Now, Run};
use super::schedule::Schedule;
use super::task::{Decision, Given};
use super::times::Cron;

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    AlreadyExists,
    InvalidArgument,
    FailedPrecondition,
    ResourceExhausted,
}

/// What becomes of an update that a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Completed,
    Rejected,
    /// Its run ended first.
    Aborted,
}

/// The answer to a call that waited.
pub type Told = (u64, Verdict);

/// What a start asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Start {
    /// Also what the workflow returns.
    pub input: String,
    /// With a retry policy: its attempts, 0 without limit.
    pub attempts_max: Option<i32>,
    pub run_timeout: Span,
    /// Without a cron schedule only.
    pub delay: Span,
    pub cron: Option<Cron>,
    /// Who is told when its chain of runs has ended.
    pub callbacks: Vec<Callback>,
    /// A run that is there already, and that will do, is left these callbacks.
    pub attaches: bool,
}

/// The answer to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The run that is there now.
    pub run: i64,
    /// Whether this request started it.
    pub started: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Oracle {
    /// In the order of their numbers, from 1.
    pub runs: Vec<Run>,
    pub schedules: BTreeMap<String, Schedule>,
    pub(super) now: Now,
}

pub(super) type Answer<T> = Result<T, Refusal>;

impl Oracle {
    pub fn new(time: Time) -> Self {
        Self { runs: Vec::new(), schedules: BTreeMap::new(), now: Now { time, ..Now::default() } }
    }

    pub fn run(&mut self, number: i64) -> &mut Run {
        &mut self.runs[number as usize - 1]
    }

    /// The newest run of a workflow.
    pub fn newest(&self, workflow: &str) -> Option<i64> {
        self.runs.iter().rev().find(|run| run.workflow == workflow).map(|run| run.number)
    }

    pub(super) fn time(&self) -> Time {
        self.now.time
    }

    pub(super) fn parts(&mut self) -> (&mut Vec<Run>, &mut Now) {
        (&mut self.runs, &mut self.now)
    }

    fn open(&mut self, workflow: &str) -> Answer<i64> {
        let number = self.newest(workflow).ok_or(Refusal::NotFound)?;
        if self.run(number).end.is_none() { Ok(number) } else { Err(Refusal::NotFound) }
    }

    /// Changes one run, and follows up what comes of it.
    pub(super) fn with<T>(&mut self, number: i64, change: impl FnOnce(&mut Run, &mut Now) -> T) -> T {
        let answer = change(&mut self.runs[number as usize - 1], &mut self.now);
        self.follow_up();
        answer
    }

    /// Answers to calls that waited, since this was asked last.
    pub fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.now.told)
    }

    // What clients ask.

    pub fn start(
        &mut self,
        workflow: &str,
        request: &str,
        start: Start,
        (reuse, conflict): (Reuse, Conflict),
    ) -> Answer<Started> {
        let nothing = (String::new(), false);
        let answer = self.start_quietly(workflow, request, start, (reuse, conflict), nothing, None);
        self.follow_up();
        answer
    }

    /// A signal, and a start where no run is there to take it.
    pub fn signal_with_start(&mut self, workflow: &str, request: &str, start: Start, signal: &str) -> Answer<Started> {
        let policies = (Reuse::AllowDuplicate, Conflict::UseExisting);
        let nothing = (String::new(), false);
        let found = self.start_quietly(workflow, request, start, policies, nothing, Some((signal, request)))?;
        self.follow_up();
        if self.run(found.run).end.is_none() {
            // Does nothing where the start brought it.
            self.with(found.run, |run, now| run.signal_with_start(signal, request, now));
        }
        Ok(found)
    }

    /// Starts without following up what comes of it. `carried`: the last result, and whether a failure came after it.
    pub(super) fn start_quietly(
        &mut self,
        workflow: &str,
        request: &str,
        start: Start,
        (reuse, conflict): (Reuse, Conflict),
        carried: (String, bool),
        signal: Option<(&str, &str)>,
    ) -> Answer<Started> {
        if let Some(existing) = self.newest(workflow) {
            let run = self.run(existing);
            if run.request_ids.contains(request) {
                return Ok(Started { run: existing, started: !run.has_attached(request) });
            }
            match (&run.end, conflict) {
                (None, Conflict::UseExisting) => {
                    if start.attaches {
                        let now = &self.now;
                        self.runs[existing as usize - 1].attach(request, &start.callbacks, now);
                    }
                    return Ok(Started { run: existing, started: false });
                }
                (None, Conflict::TerminateExisting) => {
                    self.runs[existing as usize - 1].close(End::Terminated, None, &mut self.now);
                }
                (None, _) => return Err(Refusal::AlreadyExists),
                (Some(end), _) if refuses(reuse, *end) => return Err(Refusal::AlreadyExists),
                _ => {}
            }
        }
        let mut run = Run::new(workflow.to_owned(), start);
        run.request_ids.insert(request.to_owned());
        (run.last, run.after_failure) = carried;
        let now = self.now.time;
        run.wait = run.start.cron.map_or(run.start.delay, |cron| cron.wait(now, now));
        let number = self.begin(run, signal);
        Ok(Started { run: number, started: true })
    }

    pub(super) fn begin(&mut self, mut run: Run, signal: Option<(&str, &str)>) -> i64 {
        run.number = self.runs.len() as i64 + 1;
        run.begin(signal, &mut self.now);
        self.runs.push(run);
        self.runs.len() as i64
    }

    pub fn signal(&mut self, workflow: &str, name: &str, request: &str) -> Answer<()> {
        let number = self.open(workflow)?;
        self.with(number, |run, now| run.signal(name, request, now));
        Ok(())
    }

    /// Cancelling what has ended is what the client wants.
    pub fn cancel(&mut self, workflow: &str) -> Answer<()> {
        let number = self.newest(workflow).ok_or(Refusal::NotFound)?;
        if self.run(number).end.is_none() {
            self.with(number, Run::request_cancel);
        }
        Ok(())
    }

    pub fn terminate(&mut self, workflow: &str) -> Answer<()> {
        let number = self.open(workflow)?;
        self.with(number, |run, now| run.close(End::Terminated, None, now));
        Ok(())
    }

    /// The answer comes with [`told`](Self::told).
    pub fn update(&mut self, workflow: &str, id: &str, call: u64) -> Answer<()> {
        let number = self.newest(workflow).ok_or(Refusal::NotFound)?;
        self.with(number, |run, now| {
            let (open, tasks_fail) = (run.end.is_none(), run.task_attempt >= TASKS_FAIL);
            if run.updates.ask(id, call, open, tasks_fail, now)? {
                run.first_task = Time::UNSET;
                run.schedule_task_for_updates(now);
            }
            Ok(())
        })
    }

    /// Whether a query is taken in. One that finds no workflow task is for any worker at once.
    pub fn query(&mut self, workflow: &str) -> Answer<()> {
        let number = self.newest(workflow).ok_or(Refusal::NotFound)?;
        let run = self.run(number);
        let knows_nothing = run.task.is_none() && !run.has_decided;
        let fails = run.end.is_none() && run.task_attempt >= TASKS_FAIL;
        if knows_nothing || fails { Err(Refusal::FailedPrecondition) } else { Ok(()) }
    }

    // What workers do.

    /// A worker is given the run's task: the updates that come with it, or nothing where there is no such task to give.
    pub fn take_task(&mut self, number: i64) -> Option<Vec<String>> {
        let waits = self.run(number).offers_task();
        waits.then(|| self.with(number, |run, now| run.start_task(now)))
    }

    pub fn complete_task(&mut self, number: i64, given: Given, decisions: &[Decision]) -> Answer<()> {
        self.has_task(number, given)?;
        let taken = self.with(number, |run, now| run.complete_task(decisions, now));
        if taken { Ok(()) } else { Err(Refusal::InvalidArgument) }
    }

    pub fn fail_task(&mut self, number: i64, given: Given) -> Answer<()> {
        self.has_task(number, given)?;
        self.with(number, |run, now| run.fail_task(Cause::WorkflowWorkerUnhandledFailure, now));
        Ok(())
    }

    fn has_task(&mut self, number: i64, given: Given) -> Answer<()> {
        if self.run(number).has_task(given) { Ok(()) } else { Err(Refusal::NotFound) }
    }

    /// A worker is given an attempt: its number, or nothing where none waits.
    pub fn take_activity(&mut self, number: i64, scheduled: i64) -> Option<i32> {
        let time = self.now.time;
        let activity = self.run(number).activities.get_mut(&scheduled).filter(|a| a.state == State::Waiting)?;
        activity.state = State::Running { since: time, heartbeat: Time::UNSET };
        Some(activity.attempt)
    }

    pub fn complete_activity(&mut self, attempt: Attempt, result: &str) -> Answer<()> {
        self.runs_now(attempt)?;
        let how = Ended::Completed(result.to_owned());
        self.with(attempt.run, |run, now| run.end_activity(attempt.scheduled, how, now));
        Ok(())
    }

    pub fn fail_activity(&mut self, attempt: Attempt, for_good: bool) -> Answer<()> {
        self.runs_now(attempt)?;
        self.with(attempt.run, |run, now| run.attempt_over(attempt.scheduled, Over::Failed { for_good }, now));
        Ok(())
    }

    /// Whether the worker is told to stop.
    pub fn heartbeat(&mut self, attempt: Attempt) -> Answer<bool> {
        self.runs_now(attempt)?;
        let time = self.now.time;
        let activity = self.run(attempt.run).activities.get_mut(&attempt.scheduled).ok_or(Refusal::NotFound)?;
        if let State::Running { heartbeat, .. } = &mut activity.state {
            *heartbeat = time;
        }
        Ok(activity.cancel_requested)
    }

    pub fn cancel_activity(&mut self, attempt: Attempt) -> Answer<()> {
        self.runs_now(attempt)?;
        let activity = self.run(attempt.run).activities.get(&attempt.scheduled);
        if !activity.is_some_and(|activity| activity.cancel_requested) {
            return Err(Refusal::InvalidArgument);
        }
        self.with(attempt.run, |run, now| run.end_activity(attempt.scheduled, Ended::Canceled, now));
        Ok(())
    }

    /// A token of an attempt that is over is good for nothing.
    fn runs_now(&mut self, attempt: Attempt) -> Answer<()> {
        let activity = self.run(attempt.run).activities.get(&attempt.scheduled);
        let runs = activity.is_some_and(|activity| {
            activity.attempt == attempt.number
                && matches!(activity.state, State::Running { since, .. } if since == attempt.since)
        });
        if runs { Ok(()) } else { Err(Refusal::NotFound) }
    }

    // Time, and the death of the process.

    /// Everything that falls due until then happens, each at its time.
    pub fn advance(&mut self, until: Time) {
        while let Some(time) = self.next_due().filter(|time| *time <= until) {
            self.now.time = self.now.time.max(time);
            self.happen();
        }
        self.now.time = until;
    }

    /// Time passes and nobody is there.
    pub fn sleep(&mut self, until: Time) {
        self.now.time = until;
        self.schedules.values_mut().for_each(|schedule| schedule.pause(until));
    }

    /// Everything that has fallen due: runs first, each with all that it has to do, then schedules.
    fn happen(&mut self) {
        let now = self.now.time;
        while let Some((_, number)) = self.next_run().filter(|(time, _)| *time <= now) {
            self.with(number, |run, now| {
                while let Some((_, due)) = run.next_due().filter(|(time, _)| *time <= now.time) {
                    run.happens(due, now);
                }
            });
        }
        while let Some((_, id)) = self.next_schedule().filter(|(time, _)| *time <= now) {
            self.look_at_schedule(&id, |_, _| ());
            self.follow_up();
        }
    }

    fn next_due(&self) -> Option<Time> {
        let run = self.next_run().map(|(time, _)| time);
        let schedule = self.next_schedule().map(|(time, _)| time);
        run.into_iter().chain(schedule).min()
    }

    fn next_run(&self) -> Option<(Time, i64)> {
        self.runs.iter().filter_map(|run| run.next_due().map(|(time, _)| (time, run.number))).min()
    }

    /// What was not stored is gone: updates that no event tells of, tasks that only carried them, calls that waited.
    pub fn restart(&mut self) {
        for run in &mut self.runs {
            run.task = run.task.take().filter(|task| !task.speculative);
            run.lose_requests();
            run.updates.forget_unstored(run.task.as_ref().is_some_and(|task| task.started.is_some()));
        }
    }
}

/// From this attempt on a workflow task counts as failing: queries and updates are refused.
const TASKS_FAIL: i32 = 3;
/// What children are started with.
pub const CHILD_INPUT: &str = "child";

/// An attempt of an activity that a worker was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attempt {
    pub run: i64,
    pub scheduled: i64,
    pub number: i32,
    pub since: Time,
}

/// Whether a workflow id may not be used again, given how its last run ended.
fn refuses(reuse: Reuse, end: End) -> bool {
    match reuse {
        Reuse::RejectDuplicate => true,
        Reuse::AllowDuplicateFailedOnly => matches!(end, End::Completed | End::ContinuedAsNew),
        _ => false,
    }
}

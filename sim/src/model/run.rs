//! One run: its history, its parts, its end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ostro_engine::time::{Span, Time};
use temporalio_protos::temporal::api::enums::v1::{ParentClosePolicy, RetryState};

use super::activity::{Activity, ActivityPlan, retry};
use super::event::{End, Event, What};
use super::handlers::Callback;
use super::nexus::Operation;
use super::oracle::Start;
use super::task::Task;
use super::update::Updates;

/// In the place of the started event's number where that event waits itself.
pub(super) const WAITS: i64 = -1;

/// The moment, and what is to follow in other runs.
#[derive(Debug, Default)]
pub struct Now {
    pub time: Time,
    pub effects: VecDeque<Effect>,
    /// Answers to calls that waited: the call, and what became of its update.
    pub told: Vec<(u64, super::Verdict)>,
}

/// What one run does to others.
#[derive(Debug)]
pub enum Effect {
    StartChild {
        parent: i64,
        initiated: i64,
    },
    /// After the run of that number.
    StartRun(Box<Run>, i64),
    /// `goes_on`: its chain has another run, so that its parent waits on.
    Closed {
        run: i64,
        end: End,
        goes_on: bool,
        children: Vec<Child>,
    },
}

#[derive(Debug)]
pub struct Run {
    /// Runs are numbered in the order of their creation, from 1.
    pub number: i64,
    pub workflow: String,
    /// The run that its chain began with.
    pub first: i64,
    pub attempt: i32,
    pub start: Start,
    /// The run that started it as a child, and the event with which it did.
    pub parent: Option<(i64, i64)>,
    pub history: Vec<Event>,
    pub waiting: Vec<Event>,
    pub end: Option<End>,
    pub request_ids: BTreeSet<String>,
    pub signals: BTreeSet<String>,
    /// What other starts have left with it, in their order.
    pub attached: Vec<(String, Callback)>,
    /// Of its callbacks, in their order: whether somebody waited for what they said. None before they were said.
    pub heard: Vec<bool>,
    pub cancel_requested: bool,
    /// How long its first workflow task waits.
    pub wait: Span,
    /// When its first workflow task may come; 0: at once, or it has come.
    pub first_task: Time,
    /// When it began to work, or will.
    pub due: Time,
    /// What the run before it returned, or one before that, and whether one has failed since.
    pub last: String,
    pub after_failure: bool,
    /// When it runs out of time; 0: never.
    pub expires: Time,
    pub task: Option<Task>,
    pub task_attempt: i32,
    /// Whether a workflow task was ever completed.
    pub has_decided: bool,
    pub activities: BTreeMap<i64, Activity>,
    /// The event that started it, and when it fires.
    pub timers: BTreeMap<String, (i64, Time)>,
    pub children: BTreeMap<i64, Child>,
    pub operations: BTreeMap<i64, Operation>,
    pub updates: Updates,
    /// The run that its chain went on with, and the one that a reset put in its place; 0: none.
    pub next: i64,
    pub reset_into: i64,
    /// The request that made it by a reset.
    pub reset_request: String,
    /// What events alone do not tell, for a reset: plans of activities, spans of timers, runs of children, operations as
    /// they were scheduled, by the event that began them.
    pub plans: BTreeMap<i64, ActivityPlan>,
    pub spans: BTreeMap<i64, Span>,
    pub child_runs: BTreeMap<i64, i64>,
    pub calls: BTreeMap<i64, Operation>,
}

#[derive(Debug, Clone)]
pub struct Child {
    pub workflow: String,
    pub policy: ParentClosePolicy,
    /// The started event; 0 before.
    pub started: i64,
    /// Its first run; 0 before.
    pub run: i64,
}

/// What falls due; of two at the same moment the first of this list comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    FirstTask,
    Run,
    Task,
    Activity(i64),
    Timer(String),
    Operation(i64),
}

impl Run {
    /// The next moment at which something happens by itself, and what.
    pub fn next_due(&self) -> Option<(Time, Due)> {
        if self.end.is_some() {
            return None;
        }
        let task = self.task.as_ref().and_then(|task| Some(task.started?.1 + task.timeout)).unwrap_or(Time::UNSET);
        let mut dues = vec![(self.first_task, Due::FirstTask), (self.expires, Due::Run), (task, Due::Task)];
        for (id, activity) in &self.activities {
            dues.extend(activity.dues().map(|(time, _)| (time, Due::Activity(*id))));
        }
        dues.extend(self.timers.iter().map(|(id, (_, time))| (*time, Due::Timer(id.clone()))));
        for (id, operation) in &self.operations {
            dues.extend(operation.dues().map(|time| (time, Due::Operation(*id))));
        }
        dues.into_iter().filter(|(time, _)| *time != Time::UNSET).min()
    }

    pub fn happens(&mut self, due: Due, now: &mut Now) {
        match due {
            Due::FirstTask => {
                self.first_task = Time::UNSET;
                self.schedule_task(now);
            }
            Due::Run => self.run_out_of_time(now),
            Due::Task => self.task_times_out(now),
            Due::Activity(id) => self.activity_due(id, now),
            Due::Operation(id) => self.operation_due(id, now),
            Due::Timer(id) => {
                if let Some((started, _)) = self.timers.remove(&id) {
                    self.record(What::TimerFired { id, started }, now);
                    self.schedule_task(now);
                }
            }
        }
    }

    /// The number that the next event gets.
    pub fn next_event(&self) -> i64 {
        self.history.len() as i64 + 1
    }

    /// Writes an event, or lets it wait for the worker that has the workflow task.
    pub fn record(&mut self, what: What, now: &Now) -> i64 {
        self.record_at(what, now.time)
    }

    pub fn record_at(&mut self, what: What, time: Time) -> i64 {
        self.make_plain();
        if self.task.as_ref().is_some_and(|task| task.started.is_some()) && what.waits_for_task() {
            self.waiting.push(Event { time, what });
            return WAITS;
        }
        self.write(Event { time, what })
    }

    pub fn write(&mut self, mut event: Event) -> i64 {
        let written =
            |what: &dyn Fn(&What) -> bool| self.history.iter().rposition(|e| what(&e.what)).map(|at| at as i64 + 1);
        match &mut event.what {
            What::ActivityEnded { scheduled, started, .. } if *started == WAITS => {
                let of = *scheduled;
                *started = written(&|what| matches!(what, What::ActivityStarted { scheduled, .. } if *scheduled == of))
                    .unwrap_or(0);
            }
            What::ChildEnded { initiated, started, .. } if *started == WAITS => {
                let of = *initiated;
                *started =
                    written(&|what| matches!(what, What::ChildStarted { initiated } if *initiated == of)).unwrap_or(0);
            }
            _ => {}
        }
        let number = self.next_event();
        if let What::ChildStarted { initiated } = event.what
            && let Some(child) = self.children.get_mut(&initiated)
        {
            child.started = number;
        }
        self.history.push(event);
        number
    }

    /// The child runs, as that run.
    pub fn child_started(&mut self, initiated: i64, run: i64, now: &Now) {
        if let Some(child) = self.children.get_mut(&initiated) {
            (child.started, child.run) = (WAITS, run);
            self.child_runs.insert(initiated, run);
            self.record(What::ChildStarted { initiated }, now);
            self.schedule_task(now);
        }
    }

    pub fn child_not_started(&mut self, initiated: i64, now: &Now) {
        if self.children.remove(&initiated).is_some() {
            self.record(What::ChildStartFailed { initiated }, now);
            self.schedule_task(now);
        }
    }

    pub fn child_ended(&mut self, initiated: i64, how: End, now: &Now) {
        if let Some(child) = self.children.remove(&initiated) {
            self.record(What::ChildEnded { initiated, started: child.started, how }, now);
            self.schedule_task(now);
        }
    }

    /// Writes what waited; whether there was any.
    pub fn write_waiting(&mut self) -> bool {
        let (ends, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|event| event.what.ends_a_part());
        let any = !ends.is_empty() || !others.is_empty();
        for event in others.into_iter().chain(ends) {
            self.write(event);
        }
        any
    }

    /// A signal that came with a start: the run waits for its beginning no longer.
    pub fn signal_with_start(&mut self, name: &str, request: &str, now: &mut Now) {
        if !self.signals.contains(request) {
            self.first_task = Time::UNSET;
        }
        self.signal(name, request, now);
    }

    pub fn signal(&mut self, name: &str, request: &str, now: &mut Now) {
        if self.signals.insert(request.to_owned()) {
            self.record(What::Signaled { name: name.to_owned(), request: request.to_owned() }, now);
            self.schedule_task(now);
        }
    }

    pub fn request_cancel(&mut self, now: &mut Now) {
        if !std::mem::replace(&mut self.cancel_requested, true) {
            self.record(What::CancelRequested, now);
            self.first_task = Time::UNSET;
            self.schedule_task(now);
        }
    }

    fn run_out_of_time(&mut self, now: &mut Now) {
        // The chain has no time-out of its own here: the run's is one of an attempt.
        let next = self.next_attempt(now);
        let state = next.as_ref().map_or_else(|state| *state, |_| RetryState::InProgress);
        let next = next.ok().or_else(|| self.next_by_cron(None, now));
        self.close(End::TimedOut(state), next, now);
    }

    /// The run that the retry policy wants after this one, or why it wants none.
    pub fn next_attempt(&self, now: &Now) -> Result<Run, RetryState> {
        let Some(attempts_max) = self.start.attempts_max else { return Err(RetryState::RetryPolicyNotSet) };
        let wait = retry(self.attempt, attempts_max, Time::UNSET, now.time)?;
        let (last, after_failure) = (self.last.clone(), true);
        Ok(Run { wait, attempt: self.attempt + 1, last, after_failure, ..self.next_of_chain() })
    }

    /// The run that a cron schedule wants after this one, whose result it hands on; without one it has failed.
    pub fn next_by_cron(&self, result: Option<String>, now: &Now) -> Option<Run> {
        let wait = self.start.cron?.wait(self.due, now.time);
        let after_failure = result.is_none();
        let last = result.unwrap_or_else(|| self.last.clone());
        Some(Run { wait, last, after_failure, ..self.next_of_chain() })
    }

    /// The run that goes on after this one by the workflow's own will: it has left its cron schedule.
    pub fn continued(&self) -> Run {
        let mut next = self.next_of_chain();
        next.start.cron = None;
        next
    }

    /// The run that goes on after this one.
    fn next_of_chain(&self) -> Run {
        let mut next = Run::new(self.workflow.clone(), self.start.clone());
        next.start.callbacks = self.callbacks();
        (next.first, next.parent) = (self.first, self.parent);
        next
    }

    pub fn new(workflow: String, start: Start) -> Self {
        Self {
            number: 0,
            workflow,
            first: 0,
            attempt: 1,
            request_ids: BTreeSet::new(),
            start,
            parent: None,
            history: Vec::new(),
            waiting: Vec::new(),
            end: None,
            signals: BTreeSet::new(),
            attached: Vec::new(),
            heard: Vec::new(),
            cancel_requested: false,
            wait: Span::ZERO,
            first_task: Time::UNSET,
            due: Time::UNSET,
            last: String::new(),
            after_failure: false,
            expires: Time::UNSET,
            task: None,
            task_attempt: 1,
            has_decided: false,
            activities: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeMap::new(),
            operations: BTreeMap::new(),
            updates: Updates::default(),
            next: 0,
            reset_into: 0,
            reset_request: String::new(),
            plans: BTreeMap::new(),
            spans: BTreeMap::new(),
            child_runs: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }

    /// Its first events.
    pub fn begin(&mut self, signal: Option<(&str, &str)>, now: &mut Now) {
        if self.first == 0 {
            self.first = self.number;
        }
        self.due = now.time + self.wait;
        if self.wait > Span::ZERO {
            self.first_task = self.due;
        }
        if self.start.run_timeout > Span::ZERO {
            self.expires = self.due + self.start.run_timeout;
        }
        let (input, attempt) = (self.start.input.clone(), self.attempt);
        let (last, after_failure) = (self.last.clone(), self.after_failure);
        self.record(What::Started { input, attempt, last, after_failure }, now);
        if let Some((name, request)) = signal {
            self.signal(name, request, now);
        }
        self.schedule_task(now);
    }

    pub fn close(&mut self, end: End, next: Option<Run>, now: &mut Now) {
        self.abandon_task(now);
        self.write_waiting();
        self.write(Event { time: now.time, what: What::Closed(end) });
        self.end = Some(end);
        self.first_task = Time::UNSET;
        self.activities.clear();
        self.timers.clear();
        self.operations.clear();
        // Those that have not started yet stay for the effect that starts the abandoned ones.
        let children = std::mem::take(&mut self.children).into_iter();
        let (started, left): (BTreeMap<_, _>, BTreeMap<_, _>) = children.partition(|(_, child)| child.started != 0);
        self.children = left;
        self.updates.close(now);
        let children = started.into_values().collect();
        let goes_on = next.is_some();
        now.effects.extend(next.map(|next| Effect::StartRun(Box::new(next), self.number)));
        now.effects.push_back(Effect::Closed { run: self.number, end, goes_on, children });
    }
}

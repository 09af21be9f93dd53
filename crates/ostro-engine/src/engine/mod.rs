//! The whole engine: namespaces, executions, task queues and time, moved by one caller at a time.
//!
//! A call runs to its end before the next begins: the command, everything that follows from it in other executions, and
//! the hand-over of tasks to waiting workers are one [`Output`], hence one commit. So nothing is ever between two places.

mod calls;
pub(crate) mod damage;
mod dispatch;
mod effects;
pub(crate) mod memory;
mod nexus;
mod schedules;
mod step;

use std::collections::{HashSet, VecDeque};

use crate::engine::damage::set_aside::SetAside;
use crate::engine::dispatch::lost::Lost;
use crate::engine::memory::busy::Busy;
use crate::engine::memory::cache::Cache;
use crate::engine::memory::tally::Tally;
use crate::engine::memory::timers::Timers;
use crate::engine::memory::unsettled::Unsettled;
use crate::engine::memory::waits::Waits;
use crate::engine::nexus::incoming::Incoming;
use crate::engine::nexus::outbox::Outbox;
use prost::Message;
use schedules::Schedules;

use calls::Outcome;

use crate::base::error::Result;
use crate::base::ids::{Ids, Seed, predictable_seed};
use crate::base::seal::{KEY_BYTES, Seals};
use crate::base::time::Time;
use crate::batch::Batches;
use crate::call::Call;
use crate::call::{Answer, Reply, ReplyId};
use crate::config::Config;
use crate::deployment::{Deployments, ramp_hash};
use crate::execution::{EVENT_IDS_MAX, Effect, QueuePosition};
use crate::namespace::Namespaces;
use crate::nexus::Endpoints;
use crate::queue::{QueueKey, TaskQueues, Work};
use crate::settings::Settings;
use crate::stored::persistence::{Damaged, ExecutionId, Loader, QueueKind, Recovery, WaitingTask, Write};

/// What one call produced: commit all `writes` as one unit, then send the `replies`.
#[derive(Debug, Default)]
pub struct Output {
    /// Grows by one with each output that has writes.
    pub sequence: u64,
    pub writes: Vec<Write>,
    pub replies: Vec<Reply>,
    /// What was found damaged, for the log: what it is, and why it cannot be served.
    pub set_aside: Vec<String>,
}

/// What nobody outside may guess.
#[derive(Clone)]
pub struct Secrets {
    /// Entropy for identifiers, new at each start.
    pub seed: Seed,
    /// What tokens are sealed with; the same at each start, so that workers go on with the tokens that they have.
    pub seals: Seals,
}

impl Secrets {
    /// Identifiers that anyone can predict, and always the same seals: for tests and simulations.
    pub fn predictable(number: u64) -> Self {
        Self { seed: predictable_seed(number), seals: Seals::new(&[0; KEY_BYTES]) }
    }
}

/// See the module.
pub struct Engine<L> {
    config: Config,
    loader: L,
    namespaces: Namespaces,
    batches: Batches,
    endpoints: Endpoints,
    deployments: Deployments,
    settings: Settings,
    ids: Ids,
    seals: Seals,
    queues: TaskQueues,
    outbox: Outbox,
    incoming: Incoming,
    cache: Cache,
    timers: Timers,
    schedules: Schedules,
    waits: Waits,
    busy: Busy,
    lost: Lost,
    tally: Tally,
    /// Executions whose workflow task keeps failing.
    blocked: HashSet<ExecutionId>,
    unsettled: Unsettled,
    set_aside: SetAside,
    effects: VecDeque<Effect>,
    /// Executions that the call in progress has changed and not written yet.
    unwritten: Vec<ExecutionId>,
    next_execution: ExecutionId,
    now: Time,
    out: Output,
    sequence: u64,
}

impl<L: Loader> Engine<L> {
    /// An engine over what the store holds.
    pub fn new(config: Config, loader: L, recovery: Recovery, secrets: Secrets, now: Time) -> Self {
        let (namespaces, damaged_namespaces) = Namespaces::restore(recovery.namespaces);
        let (batches, damaged_batches) = Batches::restore(&recovery.records);
        let (endpoints, damaged_endpoints) = Endpoints::restore(&recovery.records);
        let (deployments, damaged_deployments) = Deployments::restore(&recovery.records);
        let (settings, damaged_settings) = Settings::restore(&recovery.records);
        let mut engine = Self {
            namespaces,
            batches,
            endpoints,
            deployments,
            settings,
            ids: Ids::new(secrets.seed),
            seals: secrets.seals,
            queues: TaskQueues::new(&config),
            outbox: Outbox::default(),
            incoming: Incoming::default(),
            cache: Cache::new(config.cache_bytes_max),
            timers: Timers::default(),
            schedules: Schedules::default(),
            waits: Waits::default(),
            busy: Busy::default(),
            lost: Lost::default(),
            tally: Tally::new(config.quotas.clone(), recovery.usage),
            blocked: HashSet::new(),
            unsettled: Unsettled::default(),
            set_aside: SetAside::default(),
            effects: VecDeque::new(),
            unwritten: Vec::new(),
            next_execution: recovery.next_execution.max(1),
            now,
            out: Output::default(),
            sequence: 0,
            config,
            loader,
        };
        let damaged = [damaged_namespaces, damaged_batches, damaged_endpoints, damaged_deployments, damaged_settings];
        for row in recovery.damaged.into_iter().chain(damaged.into_iter().flatten()) {
            engine.set_aside_row(row);
        }
        for (execution, due) in recovery.due.into_iter().filter(|(execution, _)| !engine.set_aside.has(*execution)) {
            engine.timers.set(execution, Some(due));
        }
        for (queue, rates) in engine.settings.limits() {
            engine.queues.set_rates(&queue, rates);
        }
        engine.restore_schedules(recovery.records);
        engine.restore_tasks(recovery.workflow_tasks, QueueKind::Workflow);
        engine.restore_tasks(recovery.activity_tasks, QueueKind::Activity);
        engine.restore_unsure(recovery.unsure);
        engine
    }

    fn restore_tasks(&mut self, tasks: Vec<WaitingTask>, kind: QueueKind) {
        for task in tasks {
            let work = match kind {
                QueueKind::Activity => Work::Activity(task.event_id),
                _ => Work::WorkflowTask,
            };
            let place = match QueuePosition::decode(&task.waiting.place[..]) {
                Ok(place) if (0..EVENT_IDS_MAX).contains(&task.event_id) => place,
                Ok(_) => {
                    self.set_aside_execution(task.execution, Damaged(format!("a task of event {}", task.event_id)));
                    continue;
                }
                Err(error) => {
                    self.set_aside_execution(task.execution, Damaged(format!("the place of a task: {error}")));
                    continue;
                }
            };
            let key = QueueKey::new(task.namespace, kind, task.waiting.queue);
            let (key, task) = self.placed(key, task.execution, work, &place, ramp_hash(&task.workflow_id));
            self.queues.add_task(&key, task);
        }
    }

    /// Takes what executions wait for from their own rows, where what the store keeps beside them is damaged.
    fn restore_unsure(&mut self, executions: Vec<ExecutionId>) {
        for id in executions {
            if !self.load(id) {
                continue;
            }
            let execution = self.execution(id);
            let due = execution.deadlines.next();
            let task = execution.waiting_workflow_task().map(|_| Effect::OfferWorkflowTask(id));
            let activities = execution.activities.keys().filter(|event| execution.offers_activity(**event));
            let offers = activities.map(|event| Effect::OfferActivity(id, *event)).chain(task).collect::<Vec<_>>();
            self.effects.extend(offers);
            self.timers.set(id, due);
        }
    }

    /// Does what a call asks. The answer to `id` is in this output or, for calls that wait, in a later one.
    pub fn handle(&mut self, now: Time, id: ReplyId, call: Call) -> Output {
        self.advance(now);
        match self.refuse_set_aside(&call).and_then(|()| self.call(id, call)) {
            Ok(Outcome::Now(answer)) => self.reply(id, Ok(answer)),
            Ok(Outcome::Later) => {}
            Err(error) => self.reply(id, Err(error)),
        }
        self.finish()
    }

    /// The client of `id` is gone: whatever waits for it is dropped.
    pub fn abandon(&mut self, now: Time, id: ReplyId) -> Output {
        self.advance(now);
        if let Some((key, poller)) = self.queues.remove_poller(id, self.now) {
            self.leave_sticky_queue(&key, &poller);
        } else if !self.outbox.remove_taker(id) {
            self.drop_wait(id);
        }
        self.finish()
    }

    /// An answer that carried a task could not be delivered: the task is offered again.
    pub fn undelivered(&mut self, now: Time, answer: Answer) -> Output {
        self.advance(now);
        self.take_back(answer);
        self.finish()
    }

    /// Does what is due at `now`. Bounded work: call again while [`next_wake_up`](Self::next_wake_up) is in the past.
    pub fn tick(&mut self, now: Time) -> Output {
        self.advance(now);
        self.expire_pollers();
        self.expire_waits();
        self.run_lost();
        self.run_timers();
        self.run_schedules();
        self.finish()
    }

    /// When [`tick`](Self::tick) must be called next.
    pub fn next_wake_up(&self) -> Option<Time> {
        [
            self.timers.next(),
            self.schedules.next_due(),
            self.waits.next(),
            self.queues.next_wake_up(),
            self.lost_wake_up(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Outputs up to `sequence` are durable: executions touched by them may leave memory.
    pub fn committed(&mut self, sequence: u64) {
        self.cache.committed(sequence);
        self.unsettled.committed(sequence);
    }

    /// How much is in memory, for metrics.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            executions: self.cache.len(),
            execution_bytes: self.cache.bytes(),
            timers: self.timers.len(),
            waiting_calls: self.waits.len(),
            task_queues: self.queues.len(),
            blocked_workflow_tasks: self.blocked.len(),
            set_aside_executions: self.set_aside.executions(),
            set_aside_records: self.set_aside.records(),
        }
    }

    /// Time never runs backwards inside the engine.
    fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
    }

    fn reply(&mut self, id: ReplyId, answer: Result<Answer>) {
        let Some(answer) = self.with_start(id, answer) else { return };
        let answer = self.waits.shape(id, answer);
        self.out.replies.push(Reply { id, answer });
    }

    fn finish(&mut self) -> Output {
        self.settle();
        self.write_changed();
        let mut out = std::mem::take(&mut self.out);
        out.sequence = self.sequence;
        if !out.writes.is_empty() {
            self.sequence += 1;
            out.sequence = self.sequence;
            self.unsettled.note(self.sequence, &out.writes);
        }
        self.cache.shrink();
        out
    }

    /// Follows up every effect and hands out every task that can be, until nothing is left to do.
    fn settle(&mut self) {
        self.settle_but_for(None);
    }

    /// The same, but does not offer the workflow task of `reserved`: the call in progress hands it to its own caller.
    fn settle_but_for(&mut self, reserved: Option<ExecutionId>) {
        loop {
            if let Some(effect) = self.effects.pop_front() {
                if matches!(effect, Effect::OfferWorkflowTask(id) if reserved == Some(id)) {
                    continue;
                }
                self.follow_up(effect);
            } else if let Some(found) = self.queues.next_match(self.now) {
                self.dispatch(found);
            } else if let Some((request, taker)) = self.outbox.next_match() {
                self.hand_out(request, taker);
            } else {
                return;
            }
        }
    }
}

/// What the engine holds in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gauges {
    pub executions: usize,
    pub execution_bytes: usize,
    pub timers: usize,
    pub waiting_calls: usize,
    pub task_queues: usize,
    /// Executions whose workflow task has failed again and again, as far as it was tried since the start.
    pub blocked_workflow_tasks: usize,
    /// Executions whose rows are damaged, as far as they were looked at.
    pub set_aside_executions: usize,
    /// Schedules, deployments, settings, endpoints, batches and namespaces whose rows are damaged.
    pub set_aside_records: usize,
}

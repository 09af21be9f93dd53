//! One task queue: its backlog, its waiting pollers, its limit, and what is known of its traffic.

use std::collections::BTreeMap;

use super::backlog::Backlog;
use super::key_limits::{KeyGrant, KeyLimits};
use super::meter::Meter;
use super::poller_history::PollerHistory;
use super::rate_limit::{Grant, RateLimit};
use super::{Description, Flow, Poller, QueueKey, Rates, Task, Work};
use crate::base::time::{Span, Time};

/// Place among the waiting pollers; grows at the back, shrinks at the front.
pub(super) type PollerSequence = i64;

/// What the newest match has changed, until it is undone or the next one comes.
#[derive(Debug)]
struct Dispatched {
    grant: Grant,
    key_grant: Option<KeyGrant>,
    at: Time,
    priority: i32,
}

#[derive(Debug, Default)]
struct Traffic {
    added: Meter,
    dispatched: Meter,
}

#[derive(Debug)]
pub(super) struct TaskQueue {
    pub key: QueueKey,
    tasks: Backlog,
    queries: Backlog,
    pollers: BTreeMap<PollerSequence, Poller>,
    back: PollerSequence,
    front: PollerSequence,
    limit: RateLimit,
    last_dispatch: Option<Dispatched>,
    /// The fairness key whose limit the newest match, or its undoing, has moved.
    moved_key: Option<Box<str>>,
    traffic: BTreeMap<i32, Traffic>,
    history: PollerHistory,
    /// When a poll last waited here; `None` before the first, and after the worker of a sticky queue shut down.
    polled: Option<Time>,
    /// When the first task began to wait here.
    first_task: Option<Time>,
    /// When anything last happened here.
    active: Time,
    /// Where [`super::TaskQueues`] keeps this queue among those that may match, and among those to forget.
    pub matchable_at: Option<Time>,
    pub forget_at: Option<Time>,
}

impl TaskQueue {
    pub(crate) fn new(key: QueueKey) -> Self {
        Self {
            key,
            tasks: Backlog::default(),
            queries: Backlog::default(),
            pollers: BTreeMap::new(),
            back: 0,
            front: 0,
            limit: RateLimit::default(),
            last_dispatch: None,
            moved_key: None,
            traffic: BTreeMap::new(),
            history: PollerHistory::default(),
            polled: None,
            first_task: None,
            active: Time::UNSET,
            matchable_at: None,
            forget_at: None,
        }
    }

    pub(crate) fn add_task(&mut self, task: Task) {
        self.active = self.active.max(task.added);
        if let Work::Query(_) = task.work {
            self.queries.push(task);
            return;
        }
        let (priority, added) = (task.priority, task.added);
        if self.tasks.push(task) {
            self.first_task = Some(self.first_task.map_or(added, |first| first.min(added)));
            self.traffic.entry(priority).or_default().added.count(added);
        }
    }

    /// Takes out everything that waits.
    pub(crate) fn drain(&mut self) -> Vec<Task> {
        let mut tasks = self.queries.drain();
        tasks.extend(self.tasks.drain());
        self.first_task = None;
        tasks
    }

    /// Takes out the tasks that follow the queue's routing: it has changed.
    pub(crate) fn take_followers(&mut self) -> Vec<Task> {
        let mut tasks = self.queries.take_followers();
        tasks.extend(self.tasks.take_followers());
        tasks
    }

    pub(crate) fn withdraw(&mut self, execution: i64, work: Work) -> bool {
        match work {
            Work::Query(_) => self.queries.remove(execution, work),
            _ => self.tasks.remove(execution, work),
        }
    }

    pub(crate) fn add_poller(&mut self, poller: Poller, now: Time) -> PollerSequence {
        self.history.note(&poller, now);
        self.seen(now);
        if let (Some(rate), true) = (poller.max_tasks_per_second, poller.sticky_of.is_empty()) {
            self.limit.ask(rate);
        }
        self.back += 1;
        self.pollers.insert(self.back, poller);
        self.back
    }

    pub(crate) fn return_poller(&mut self, poller: Poller) -> PollerSequence {
        self.undo_dispatch();
        self.front -= 1;
        self.pollers.insert(self.front, poller);
        self.front
    }

    /// Sets the limits that an operator wants.
    pub(crate) fn set_rates(&mut self, rates: Rates) {
        self.limit.set(rates.queue);
        self.tasks.set_key_rate(rates.key);
    }

    /// The limit, which all queues of one name share; nothing while there is none.
    pub(crate) fn limit(&self) -> Option<RateLimit> {
        self.limit.rate().map(|_| self.limit.clone())
    }

    /// Takes over what another queue of the same name has used of the limit that they share.
    pub(crate) fn share(&mut self, limit: &RateLimit) {
        self.limit = limit.clone();
    }

    pub(crate) fn own_limit(&self) -> &RateLimit {
        &self.limit
    }

    /// The fairness key whose limit the newest match has moved, and what is used of that.
    pub(crate) fn moved_key(&self) -> Option<(Box<str>, RateLimit)> {
        let key = self.moved_key.clone()?;
        let used = self.tasks.key_limits().used(&key)?.clone();
        Some((key, used))
    }

    /// Takes over what another queue of the same name has used of the limit of a key.
    pub(crate) fn share_key(&mut self, key: &str, used: &RateLimit) {
        self.tasks.share_key(key, used);
    }

    pub(crate) fn key_limits(&self) -> &KeyLimits {
        self.tasks.key_limits()
    }

    pub(crate) fn share_keys(&mut self, used: &KeyLimits) {
        self.tasks.share_keys(used);
    }

    /// Takes a poller out before it got a task. `waited_until` is known when the poll was there until then.
    pub(crate) fn remove_poller(&mut self, sequence: PollerSequence, waited_until: Option<Time>) -> Option<Poller> {
        let poller = self.pollers.remove(&sequence)?;
        if let Some(time) = waited_until {
            self.history.touch(&poller.identity, time);
            self.seen(time);
        }
        Some(poller)
    }

    /// Takes out a poller whose worker went away at `now`. A worker's own queue counts as dead then, unless another of its
    /// polls waits.
    pub(crate) fn lose_poller(&mut self, sequence: PollerSequence, now: Time) -> Option<Poller> {
        let poller = self.remove_poller(sequence, Some(now))?;
        if !self.pollers.values().any(|other| other.identity == poller.identity) {
            self.history.leave(&poller.identity);
        }
        if self.pollers.is_empty() && !poller.sticky_of.is_empty() {
            self.polled = None;
        }
        Some(poller)
    }

    /// A worker of that identity has said goodbye.
    pub(crate) fn leave(&mut self, identity: &str) {
        if !self.pollers.values().any(|poller| poller.identity == identity) {
            self.history.leave(identity);
        }
    }

    /// Takes the next task and the oldest poller; only when [`Self::next_match`] is not after `now`.
    pub(crate) fn take_match(&mut self, now: Time) -> Option<(Task, Poller)> {
        let (_, poller) = self.pollers.pop_first()?;
        (self.last_dispatch, self.moved_key) = (None, None);
        let task = match self.queries.pop() {
            Some(query) => query,
            None => self.dispatch(now).expect("a queue is matched only while it has tasks"),
        };
        self.history.touch(&poller.identity, now);
        self.seen(now);
        Some((task, poller))
    }

    /// The earliest moment at which a task may go to a poller, as far as is known now.
    pub(crate) fn next_match(&self) -> Option<Time> {
        if self.pollers.is_empty() {
            None
        } else if !self.queries.is_empty() {
            Some(Time::MIN)
        } else {
            let open = self.tasks.next()?;
            Some(open.max(self.limit.next())).filter(|next| *next != Time::MAX)
        }
    }

    /// From when on nothing here is worth keeping, if the queue stays as it is.
    pub(crate) fn forgettable_from(&self, poller_history: Span) -> Option<Time> {
        let empty = self.tasks.is_empty() && self.queries.is_empty() && self.pollers.is_empty();
        empty.then(|| self.active + poller_history)
    }

    pub(crate) fn polled_within(&self, now: Time, span: Span) -> bool {
        !self.pollers.is_empty() || self.polled.is_some_and(|polled| now - polled <= span)
    }

    /// Forgets that anyone polls here, until someone does.
    pub(crate) fn mark_dead(&mut self) {
        self.polled = None;
        self.history = PollerHistory::default();
    }

    /// Moves the polls, and when they were last seen, by `span`.
    pub(crate) fn skip(&mut self, span: Span) {
        for poller in self.pollers.values_mut() {
            poller.since += span;
            poller.deadline += span;
        }
        self.active += span;
        self.polled = self.polled.map(|polled| polled + span);
        self.history.skip(span);
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Poller> {
        self.pollers.values()
    }

    pub(crate) fn describe(&self, now: Time, poller_history: Span) -> Description {
        let mut by_priority = self.tasks.flows();
        let since = self.first_task.unwrap_or(now);
        for (priority, traffic) in &self.traffic {
            let (add_rate, dispatch_rate) = (traffic.added.rate(since, now), traffic.dispatched.rate(since, now));
            if add_rate > 0.0 || dispatch_rate > 0.0 || by_priority.contains_key(priority) {
                let flow = by_priority.entry(*priority).or_default();
                (flow.add_rate, flow.dispatch_rate) = (add_rate, dispatch_rate);
            }
        }
        Description {
            pollers: self.history.list(now, poller_history),
            total: by_priority.values().fold(Flow::default(), |total, flow| total.plus(flow)),
            by_priority,
            rate_limit: self.limit.rate(),
            rate_limit_is_set: self.limit.is_set(),
            rate_limited_now: !self.pollers.is_empty()
                && self.tasks.next().is_some_and(|open| open.max(self.limit.next()) > now),
        }
    }

    fn dispatch(&mut self, now: Time) -> Option<Task> {
        self.tasks.open(now);
        let task = self.tasks.pop()?;
        let grant = self.limit.grant(now);
        let key_grant = self.tasks.grant(&task, now);
        self.moved_key = key_grant.as_ref().map(|grant| grant.key.clone());
        self.traffic.entry(task.priority).or_default().dispatched.count(now);
        self.last_dispatch = Some(Dispatched { grant, key_grant, at: now, priority: task.priority });
        Some(task)
    }

    fn undo_dispatch(&mut self) {
        let Some(dispatched) = self.last_dispatch.take() else { return };
        self.limit.undo(dispatched.grant);
        if let Some(grant) = &dispatched.key_grant {
            self.tasks.undo(grant);
        }
        if let Some(traffic) = self.traffic.get_mut(&dispatched.priority) {
            traffic.dispatched.discount(dispatched.at);
        }
    }

    fn seen(&mut self, now: Time) {
        self.active = self.active.max(now);
        self.polled = Some(self.polled.map_or(now, |polled| polled.max(now)));
    }
}

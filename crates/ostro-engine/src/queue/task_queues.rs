//! All task queues, and which of them has something to do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::task_queue::{PollerSequence, TaskQueue};
use super::{Description, Match, Poller, QueueKey, Rates, Task, Work};
use crate::base::time::{MINUTE, Span, Time};
use crate::call::ReplyId;
use crate::config::Config;
use crate::stored::persistence::{ExecutionId, NamespaceId, QueueKind};

/// A queue's number: growing, never given twice.
type QueueId = u64;

/// For how long the polls of a worker that shut down are answered at once: its last polls may still be under way.
const SHUT_DOWN_REMEMBERED: Span = MINUTE.times(5);

/// Shut-down workers remembered; beyond it the oldest is forgotten.
const SHUT_DOWN_MAX: usize = 10_000;

/// Every task queue of every namespace.
///
/// The caller, after anything changed: takes [`Self::next_match`] until it is `None`, answers
/// [`Self::expired_pollers`], and comes back at [`Self::next_wake_up`] at the latest.
#[derive(Debug)]
pub(crate) struct TaskQueues {
    poller_history: Span,
    names: BTreeMap<QueueKey, QueueId>,
    queues: BTreeMap<QueueId, TaskQueue>,
    /// Limits that operators have set, by queue without version.
    rates: BTreeMap<QueueKey, Rates>,
    next_queue: QueueId,
    /// Queues with both a task and a poller, by the moment from which the rate limit lets one go.
    matchable: BTreeSet<(Time, QueueId)>,
    /// Queues with neither, by the moment from which they are forgotten.
    forgettable: BTreeSet<(Time, QueueId)>,
    places: BTreeMap<ReplyId, (QueueId, PollerSequence, Time)>,
    deadlines: BTreeSet<(Time, ReplyId)>,
    /// Pollers that get no task any more and have not been handed out by `expired_pollers` yet.
    dismissed: BTreeMap<ReplyId, (QueueKey, Poller)>,
    shut_down: BTreeMap<(NamespaceId, String), Time>,
    shut_down_order: VecDeque<(Time, (NamespaceId, String))>,
}

impl TaskQueues {
    /// Of `config`, `poller_history` counts.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            poller_history: config.poller_history,
            names: BTreeMap::new(),
            queues: BTreeMap::new(),
            rates: BTreeMap::new(),
            next_queue: 0,
            matchable: BTreeSet::new(),
            forgettable: BTreeSet::new(),
            places: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            dismissed: BTreeMap::new(),
            shut_down: BTreeMap::new(),
            shut_down_order: VecDeque::new(),
        }
    }

    /// Adds a task at the back of its order. One that is there already keeps its place.
    pub(crate) fn add_task(&mut self, key: &QueueKey, task: Task) {
        self.change(key, |queue| queue.add_task(task));
    }

    /// Adds a poll that waits, notes its worker, and takes over its rate limit where it states one.
    ///
    /// A poll of a worker that was shut down waits for nothing: the next [`Self::expired_pollers`] hands it out.
    pub(crate) fn add_poller(&mut self, key: &QueueKey, poller: Poller, now: Time) {
        if self.is_shut_down(key.namespace, &poller.worker_instance_key, now) {
            self.dismissed.insert(poller.reply, (key.clone(), poller));
            return;
        }
        let (reply, deadline) = (poller.reply, poller.deadline);
        let asks = poller.max_tasks_per_second.is_some() && poller.sticky_of.is_empty();
        let (id, sequence) = self.change(key, |queue| queue.add_poller(poller, now));
        self.place(reply, id, sequence, deadline);
        if asks {
            self.share_limit(id);
        }
    }

    /// Takes a waiting task back, whatever version it waits for; `false` when it is not in the queue.
    pub(crate) fn withdraw(&mut self, key: &QueueKey, execution: ExecutionId, work: Work) -> bool {
        let ids: Vec<QueueId> = self.versions(key).map(|(_, id)| id).collect();
        ids.into_iter().any(|id| self.change_by_id(id, |queue| queue.withdraw(execution, work)).unwrap_or(false))
    }

    /// Takes out the tasks of that name that follow the queue's routing: it has changed.
    pub(crate) fn take_followers(&mut self, key: &QueueKey) -> Vec<Task> {
        let ids: Vec<QueueId> = self.versions(key).map(|(_, id)| id).collect();
        ids.into_iter().flat_map(|id| self.change_by_id(id, TaskQueue::take_followers).unwrap_or_default()).collect()
    }

    /// Sets the limits of the queues of that name; what is `None` is left to the workers.
    pub(crate) fn set_rates(&mut self, key: &QueueKey, rates: Rates) {
        if rates == Rates::default() {
            self.rates.remove(&key.of_version(None));
        } else {
            self.rates.insert(key.of_version(None), rates);
        }
        let ids: Vec<QueueId> = self.versions(key).map(|(_, id)| id).collect();
        for id in ids {
            self.change_by_id(id, |queue| queue.set_rates(rates));
        }
    }

    /// Queues of one name have one limit, whatever versions they are for: what one has used, all have.
    fn share_limit(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(&id) else { return };
        let limit = queue.own_limit().clone();
        for other in self.others(id) {
            self.change_by_id(other, |queue| queue.share(&limit));
        }
    }

    /// What the newest match of a queue, or its undoing, has moved, in all queues of its name.
    fn share_limits(&mut self, id: QueueId) {
        if self.queues.get(&id).is_some_and(|queue| queue.limit().is_some()) {
            self.share_limit(id);
        }
        let Some(queue) = self.queues.get(&id) else { return };
        let Some((fairness_key, used)) = queue.moved_key() else { return };
        for other in self.others(id) {
            self.change_by_id(other, |queue| queue.share_key(&fairness_key, &used));
        }
    }

    /// The other queues of the same name.
    fn others(&self, id: QueueId) -> Vec<QueueId> {
        let Some(queue) = self.queues.get(&id) else { return Vec::new() };
        self.versions(&queue.key).map(|(_, id)| id).filter(|other| *other != id).collect()
    }

    /// The queues of one name, for whatever version.
    fn versions(&self, key: &QueueKey) -> impl Iterator<Item = (&QueueKey, QueueId)> {
        let first = key.of_version(None);
        self.names.range(first.clone()..).take_while(move |(key, _)| key.is_named(&first)).map(|(key, id)| (key, *id))
    }

    /// Takes out everything that waits on a queue: its workers are gone for good.
    pub(crate) fn drain(&mut self, key: &QueueKey) -> Vec<Task> {
        let Some(&id) = self.names.get(key) else { return Vec::new() };
        self.change_by_id(id, TaskQueue::drain).unwrap_or_default()
    }

    /// Takes out a task and a poller that belong together, if any may go at `now`. O(log n).
    pub(crate) fn next_match(&mut self, now: Time) -> Option<Match> {
        self.dismiss_expired(now);
        self.forget_idle(now);
        let &(at, id) = self.matchable.first()?;
        if at > now {
            return None;
        }
        let (task, poller) = self.change_by_id(id, |queue| queue.take_match(now)).flatten()?;
        self.unplace(poller.reply);
        self.share_limits(id);
        let key = self.queues.get(&id)?.key.clone();
        Some(Match { key, task, poller })
    }

    /// Puts a matched poller back to the front, since its task turned out to be stale, and gives the rate's slot back.
    pub(crate) fn return_poller(&mut self, key: &QueueKey, poller: Poller) {
        let (reply, deadline) = (poller.reply, poller.deadline);
        let (id, sequence) = self.change(key, |queue| queue.return_poller(poller));
        self.place(reply, id, sequence, deadline);
        self.share_limits(id);
    }

    /// Takes out a poll whose client went away at `now`.
    pub(crate) fn remove_poller(&mut self, reply: ReplyId, now: Time) -> Option<(QueueKey, Poller)> {
        self.dismissed.remove(&reply).or_else(|| self.lose_poller(reply, now))
    }

    /// Takes out the polls that are to be answered with nothing: deadline not after `now`, or worker shut down.
    pub(crate) fn expired_pollers(&mut self, now: Time) -> Vec<(QueueKey, Poller)> {
        self.dismiss_expired(now);
        std::mem::take(&mut self.dismissed).into_values().collect()
    }

    /// When to call again if nothing else happens: a poll's deadline, or the next slot of a rate limit. It may lie in
    /// the past; it is unknown (`None`) before `next_match` has been exhausted.
    pub(crate) fn next_wake_up(&self) -> Option<Time> {
        let slot = self.matchable.first().map(|(at, _)| *at);
        let deadline = self.deadlines.first().map(|(at, _)| *at).filter(|at| *at != Time::MAX);
        let dismissed = self.dismissed.values().map(|(_, poller)| poller.since).min();
        [slot, deadline, dismissed].into_iter().flatten().min()
    }

    /// Whether a worker is there: waits now, or waited within `ttl` before `now` and was not shut down since.
    pub(crate) fn has_recent_poller(&self, key: &QueueKey, now: Time, ttl: Span) -> bool {
        self.queue(key).is_some_and(|queue| queue.polled_within(now, ttl))
    }

    /// Says goodbye to a worker. Its waiting polls are handed back, to be answered at once; later ones with the same
    /// `worker_instance_key` are dismissed for five minutes; its sticky queue counts as dead until someone polls it again.
    /// Looks at every waiting poll of the namespace.
    pub(crate) fn shut_down_worker(
        &mut self,
        namespace: NamespaceId,
        worker: &Leaving<'_>,
        now: Time,
    ) -> Vec<(QueueKey, Poller)> {
        let Leaving { identity, worker_instance_key, sticky_queue } = *worker;
        let sticky = QueueKey::new(namespace, QueueKind::Workflow, sticky_queue.to_owned());
        let mut replies = Vec::new();
        for queue in self.queues.values().filter(|queue| queue.key.namespace == namespace) {
            let is_sticky = !sticky_queue.is_empty() && queue.key == sticky;
            let leaves = |poller: &&Poller| is_sticky || is_of(poller, worker_instance_key);
            replies.extend(queue.waiting().filter(leaves).map(|poller| poller.reply));
        }
        let answered: Vec<_> = replies.into_iter().filter_map(|reply| self.lose_poller(reply, now)).collect();
        if !identity.is_empty() {
            let of_namespace = self.queues.values_mut().filter(|queue| queue.key.namespace == namespace);
            of_namespace.for_each(|queue| queue.leave(identity));
        }
        if let Some(&id) = self.names.get(&sticky) {
            self.change_by_id(id, TaskQueue::mark_dead);
        }
        self.remember_shut_down(namespace, worker_instance_key, now);
        answered
    }

    /// Time jumps by `span`, which nobody has waited: polls and what is known of workers move along.
    pub(crate) fn skip(&mut self, span: Span) {
        for place in self.places.values_mut() {
            place.2 += span;
        }
        self.deadlines = self.places.iter().map(|(reply, place)| (place.2, *reply)).collect();
        for since in self.shut_down.values_mut().chain(self.shut_down_order.iter_mut().map(|(since, _)| since)) {
            *since += span;
        }
        let ids: Vec<QueueId> = self.queues.keys().copied().collect();
        for id in ids {
            self.change_by_id(id, |queue| queue.skip(span));
        }
    }

    /// The queue as it is now; empty for one that nobody has used.
    pub(crate) fn describe(&self, key: &QueueKey, now: Time) -> Description {
        self.queue(key).map_or_else(Description::default, |queue| queue.describe(now, self.poller_history))
    }

    /// Whether tasks wait on the queues of that name, or came within half a minute.
    pub(crate) fn has_work(&self, key: &QueueKey, now: Time) -> bool {
        let total = self.describe_all(key, now).total;
        total.backlog > 0 || total.add_rate > 0.0
    }

    /// All queues of that name as one.
    pub(crate) fn describe_all(&self, key: &QueueKey, now: Time) -> Description {
        let all = self.versions(key).map(|(key, _)| self.describe(key, now));
        all.reduce(Description::merge).unwrap_or_default()
    }

    /// Queues in memory.
    pub(crate) fn len(&self) -> usize {
        self.queues.len()
    }

    fn queue(&self, key: &QueueKey) -> Option<&TaskQueue> {
        self.names.get(key).and_then(|id| self.queues.get(id))
    }

    /// Changes a queue, made where there is none, and ranks it again.
    fn change<R>(&mut self, key: &QueueKey, change: impl FnOnce(&mut TaskQueue) -> R) -> (QueueId, R) {
        let id = match self.names.get(key) {
            Some(id) => *id,
            None => self.make(key),
        };
        let result = self.change_by_id(id, change).expect("the queue was just found or made");
        (id, result)
    }

    fn make(&mut self, key: &QueueKey) -> QueueId {
        let sibling = self.versions(key).next().and_then(|(_, id)| self.queues.get(&id));
        let shared = sibling.and_then(TaskQueue::limit);
        let mut queue = TaskQueue::new(key.clone());
        shared.into_iter().for_each(|limit| queue.share(&limit));
        queue.set_rates(self.rates.get(&key.of_version(None)).copied().unwrap_or_default());
        sibling.into_iter().for_each(|sibling| queue.share_keys(sibling.key_limits()));
        self.next_queue += 1;
        self.names.insert(key.clone(), self.next_queue);
        self.queues.insert(self.next_queue, queue);
        self.next_queue
    }

    fn change_by_id<R>(&mut self, id: QueueId, change: impl FnOnce(&mut TaskQueue) -> R) -> Option<R> {
        let queue = self.queues.get_mut(&id)?;
        let result = change(queue);
        let (matchable_at, forget_at) = (queue.next_match(), queue.forgettable_from(self.poller_history));
        rank(&mut self.matchable, &mut queue.matchable_at, matchable_at, id);
        rank(&mut self.forgettable, &mut queue.forget_at, forget_at, id);
        Some(result)
    }

    fn place(&mut self, reply: ReplyId, queue: QueueId, sequence: PollerSequence, deadline: Time) {
        let before = self.places.insert(reply, (queue, sequence, deadline));
        assert!(before.is_none(), "poll {reply} waits twice");
        self.deadlines.insert((deadline, reply));
    }

    fn unplace(&mut self, reply: ReplyId) -> Option<(QueueId, PollerSequence, Time)> {
        let place = self.places.remove(&reply)?;
        self.deadlines.remove(&(place.2, reply));
        Some(place)
    }

    fn take_poller(&mut self, reply: ReplyId, waited_until: Option<Time>) -> Option<(QueueKey, Poller)> {
        let (id, sequence, _) = self.unplace(reply)?;
        let poller = self.change_by_id(id, |queue| queue.remove_poller(sequence, waited_until)).flatten()?;
        let key = self.queues.get(&id)?.key.clone();
        Some((key, poller))
    }

    fn lose_poller(&mut self, reply: ReplyId, now: Time) -> Option<(QueueKey, Poller)> {
        let (id, sequence, _) = self.unplace(reply)?;
        let poller = self.change_by_id(id, |queue| queue.lose_poller(sequence, now)).flatten()?;
        let key = self.queues.get(&id)?.key.clone();
        Some((key, poller))
    }

    fn dismiss_expired(&mut self, now: Time) {
        while let Some(&(deadline, reply)) = self.deadlines.first() {
            if deadline > now {
                break;
            }
            if let Some(taken) = self.take_poller(reply, Some(deadline)) {
                self.dismissed.insert(reply, taken);
            }
        }
    }

    fn forget_idle(&mut self, now: Time) {
        while let Some(&(at, id)) = self.forgettable.first() {
            if at > now {
                break;
            }
            self.forgettable.pop_first();
            if let Some(queue) = self.queues.remove(&id) {
                self.names.remove(&queue.key);
            }
        }
    }

    fn is_shut_down(&self, namespace: NamespaceId, worker_instance_key: &str, now: Time) -> bool {
        if worker_instance_key.is_empty() || self.shut_down.is_empty() {
            return false;
        }
        let since = self.shut_down.get(&(namespace, worker_instance_key.to_owned()));
        since.is_some_and(|since| now - *since <= SHUT_DOWN_REMEMBERED)
    }

    fn remember_shut_down(&mut self, namespace: NamespaceId, worker_instance_key: &str, now: Time) {
        if !worker_instance_key.is_empty() {
            let worker = (namespace, worker_instance_key.to_owned());
            self.shut_down.insert(worker.clone(), now);
            self.shut_down_order.push_back((now, worker));
        }
        while let Some((since, _)) = self.shut_down_order.front() {
            let fresh = now - *since <= SHUT_DOWN_REMEMBERED;
            if fresh && self.shut_down_order.len() <= SHUT_DOWN_MAX {
                break;
            }
            if let Some((since, worker)) = self.shut_down_order.pop_front()
                && self.shut_down.get(&worker) == Some(&since)
            {
                self.shut_down.remove(&worker);
            }
        }
    }
}

/// A worker that says goodbye; any of the names may be empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaving<'a> {
    pub identity: &'a str,
    pub worker_instance_key: &'a str,
    pub sticky_queue: &'a str,
}

fn is_of(poller: &Poller, worker_instance_key: &str) -> bool {
    !worker_instance_key.is_empty() && poller.worker_instance_key == worker_instance_key
}

/// Moves a queue within an order from the moment where it was to the one where it belongs.
fn rank(order: &mut BTreeSet<(Time, QueueId)>, was: &mut Option<Time>, belongs: Option<Time>, id: QueueId) {
    if *was == belongs {
        return;
    }
    if let Some(was) = *was {
        order.remove(&(was, id));
    }
    if let Some(belongs) = belongs {
        order.insert((belongs, id));
    }
    *was = belongs;
}

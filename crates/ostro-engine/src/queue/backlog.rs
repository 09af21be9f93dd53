//! Tasks in their order: priority, then fairness between keys, then first in, first out.
//!
//! Fairness is stride scheduling (start-time fair queueing): each key of a priority has a lane with a virtual time, its
//! *pass*; the lane with the smallest pass goes next and its pass grows by one stride, which is inverse to its weight. So
//! equal weights take turns, and a key that was away gets no arrears.
//!
//! Where keys have a limit, the lane of a key that has used its slot is *closed* until the next: it keeps its pass, others
//! go meanwhile.
//!
//! A task of default priority and fairness costs two small B-tree entries, about 130 bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::key_limits::{KeyGrant, KeyLimits};
use super::rate_limit::RateLimit;
use super::{Flow, Task, Work};
use crate::base::time::Time;
use crate::stored::persistence::ExecutionId;

/// The stride of weight 1; those of weights 0.001 to 1000 are a thousand times larger to smaller.
const STRIDE: f32 = (1 << 20) as f32;

/// Lanes of a priority that are kept while empty, so that a key cannot jump its turn by coming back.
const IDLE_LANES_MAX: usize = 10_000;

type LaneId = u32;
type Pass = u64;
/// Place within a lane; grows at the back.
type Sequence = i64;

/// [`Work`] in eight bytes: its kind in the low three bits, its number above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PackedWork(u64);

const KIND_BITS: u32 = 3;

impl PackedWork {
    fn new(work: Work) -> Self {
        let (kind, number) = match work {
            Work::WorkflowTask => (0, 0),
            Work::Activity(id) => (1, id as u64),
            Work::Query(id) => (2, id),
            Work::NexusStart(id) => (3, id as u64),
            Work::NexusCancel(id) => (4, id as u64),
            Work::NexusIncoming(call) => (5, call),
        };
        assert!(number < 1 << (64 - KIND_BITS), "numbers of events, queries and calls are below 2^61");
        Self((number << KIND_BITS) | kind)
    }

    fn unpack(self) -> Work {
        let number = self.0 >> KIND_BITS;
        match self.0 & ((1 << KIND_BITS) - 1) {
            0 => Work::WorkflowTask,
            1 => Work::Activity(number as i64),
            2 => Work::Query(number),
            3 => Work::NexusStart(number as i64),
            4 => Work::NexusCancel(number as i64),
            _ => Work::NexusIncoming(number),
        }
    }
}

#[derive(Debug)]
struct Entry {
    execution: ExecutionId,
    work: PackedWork,
    added: Time,
    follows: Option<u32>,
}

/// The tasks of one fairness key of one priority.
#[derive(Debug)]
struct Lane {
    priority: i32,
    key: Box<str>,
    weight: f32,
    pass: Pass,
    tasks: BTreeMap<Sequence, Entry>,
    /// While the lane is closed: until when.
    closed: Option<Time>,
}

impl Lane {
    fn stride(&self) -> Pass {
        (STRIDE / self.weight) as Pass
    }

    fn head(&self) -> Option<Sequence> {
        self.tasks.first_key_value().map(|(sequence, _)| *sequence)
    }
}

/// The lanes of one priority.
#[derive(Debug, Default)]
struct Level {
    /// The pass of the lane that went last.
    now: Pass,
    keys: BTreeMap<Box<str>, LaneId>,
    /// Lanes with tasks, next first; among equals the one whose head came first.
    active: BTreeSet<(Pass, Sequence, LaneId)>,
    /// Empty lanes that went lately: their pass is ahead of `now`.
    idle: BTreeSet<(Pass, LaneId)>,
    /// Lanes with tasks that are closed.
    closed: usize,
}

#[derive(Debug)]
struct Place {
    sequence: Sequence,
    lane: LaneId,
}

/// The waiting tasks of one queue.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    levels: BTreeMap<i32, Level>,
    lanes: BTreeMap<LaneId, Lane>,
    index: BTreeMap<(ExecutionId, PackedWork), Place>,
    /// Closed lanes by the moment at which they open.
    closed: BTreeSet<(Time, LaneId)>,
    limits: KeyLimits,
    next_lane: LaneId,
    back: Sequence,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Adds `task` at the back of its key; `false` when it is there already, which changes nothing.
    pub(crate) fn push(&mut self, task: Task) -> bool {
        self.back += 1;
        let sequence = self.back;
        self.insert(task, sequence)
    }

    /// From when on a task may go; nothing while there is none.
    pub(crate) fn next(&self) -> Option<Time> {
        if self.levels.values().any(|level| !level.active.is_empty()) {
            return Some(Time::MIN);
        }
        self.closed.first().map(|(at, _)| *at)
    }

    /// Limits each key to `rate` tasks per second, times its weight.
    pub(crate) fn set_key_rate(&mut self, rate: Option<f64>) {
        if self.limits.set(rate) {
            self.rank_all();
        }
    }

    pub(crate) fn key_limits(&self) -> &KeyLimits {
        &self.limits
    }

    /// Takes over what another queue of the same name has used of the limit of a key.
    pub(crate) fn share_key(&mut self, key: &str, used: &RateLimit) {
        self.limits.share(key, used);
        self.rank_key(key);
    }

    /// The same of all keys.
    pub(crate) fn share_keys(&mut self, used: &KeyLimits) {
        self.limits.share_all(used);
        self.rank_all();
    }

    /// Opens the lanes that may go at `now`.
    pub(crate) fn open(&mut self, now: Time) {
        while let Some(&(at, id)) = self.closed.first() {
            if at > now {
                return;
            }
            self.unrank(id);
            self.rank(id, Time::MIN);
        }
    }

    /// Takes the slot of the key of a task that was just taken out.
    pub(crate) fn grant(&mut self, task: &Task, now: Time) -> Option<KeyGrant> {
        let grant = self.limits.grant(&task.fairness_key, task.fairness_weight, now)?;
        self.rank_key(&grant.key);
        Some(grant)
    }

    /// Gives a slot back.
    pub(crate) fn undo(&mut self, grant: &KeyGrant) {
        self.limits.undo(grant);
        self.rank_key(&grant.key);
    }

    /// Takes the task that goes next, of those whose lanes are open.
    pub(crate) fn pop(&mut self) -> Option<Task> {
        let &(pass, sequence, id) = self.levels.values().find_map(|level| level.active.first())?;
        let (entry, stride) = self.take(id, sequence);
        let lane = self.lanes.get_mut(&id).expect("an active lane exists");
        lane.pass = pass.saturating_add(stride);
        let task = Task {
            execution: entry.execution,
            work: entry.work.unpack(),
            added: entry.added,
            priority: lane.priority,
            fairness_key: lane.key.to_string(),
            fairness_weight: lane.weight,
            follows: entry.follows,
        };
        if let Some(level) = self.levels.get_mut(&task.priority) {
            level.now = level.now.max(pass);
        }
        self.settle(id);
        Some(task)
    }

    /// Takes out the tasks that follow their queue's routing, in their order.
    pub(crate) fn take_followers(&mut self) -> Vec<Task> {
        let all = self.drain();
        let (followers, staying): (Vec<_>, Vec<_>) = all.into_iter().partition(|task| task.follows.is_some());
        for task in staying {
            self.push(task);
        }
        followers
    }

    /// Takes out everything, in its order, closed lanes too.
    pub(crate) fn drain(&mut self) -> Vec<Task> {
        let all = std::iter::from_fn(|| {
            self.open(Time::MAX);
            self.pop()
        });
        all.collect()
    }

    /// Takes a task out wherever it is; `false` when it is not here.
    pub(crate) fn remove(&mut self, execution: ExecutionId, work: Work) -> bool {
        let Some(place) = self.index.get(&(execution, PackedWork::new(work))) else { return false };
        let (lane, sequence) = (place.lane, place.sequence);
        self.take(lane, sequence);
        self.settle(lane);
        true
    }

    /// Backlog and oldest task by priority; the rates are left 0.
    pub(crate) fn flows(&self) -> BTreeMap<i32, Flow> {
        let mut flows: BTreeMap<i32, Flow> = BTreeMap::new();
        for lane in self.lanes.values() {
            let Some((_, head)) = lane.tasks.first_key_value() else { continue };
            let flow = flows.entry(lane.priority).or_default();
            flow.backlog += lane.tasks.len() as i64;
            flow.oldest = Some(flow.oldest.map_or(head.added, |oldest| oldest.min(head.added)));
        }
        flows
    }

    fn insert(&mut self, task: Task, sequence: Sequence) -> bool {
        let work = PackedWork::new(task.work);
        if self.index.contains_key(&(task.execution, work)) {
            return false;
        }
        let id = self.lane(&task);
        self.index.insert((task.execution, work), Place { sequence, lane: id });
        self.unrank(id);
        let lane = self.lanes.get_mut(&id).expect("the lane was just found");
        lane.weight = weight(task.fairness_weight);
        lane.tasks
            .insert(sequence, Entry { execution: task.execution, work, added: task.added, follows: task.follows });
        self.settle(id);
        true
    }

    /// The lane of `task`, made where there is none.
    fn lane(&mut self, task: &Task) -> LaneId {
        if let Some(id) = self.levels.get(&task.priority).and_then(|l| l.keys.get(task.fairness_key.as_str())) {
            return *id;
        }
        let id = self.free_lane();
        let level = self.levels.entry(task.priority).or_default();
        let key: Box<str> = task.fairness_key.as_str().into();
        level.keys.insert(key.clone(), id);
        let pass = level.now;
        let lane = Lane { priority: task.priority, key, weight: 1.0, pass, tasks: BTreeMap::new(), closed: None };
        self.lanes.insert(id, lane);
        id
    }

    fn free_lane(&mut self) -> LaneId {
        loop {
            self.next_lane = self.next_lane.wrapping_add(1);
            if !self.lanes.contains_key(&self.next_lane) {
                return self.next_lane;
            }
        }
    }

    /// Takes an entry out of its lane, which is left unranked, and tells the lane's stride.
    fn take(&mut self, id: LaneId, sequence: Sequence) -> (Entry, Pass) {
        self.unrank(id);
        let lane = self.lanes.get_mut(&id).expect("the index names lanes that exist");
        let entry = lane.tasks.remove(&sequence).expect("the index names tasks that exist");
        let stride = lane.stride();
        self.index.remove(&(entry.execution, entry.work));
        (entry, stride)
    }

    fn unrank(&mut self, id: LaneId) {
        let lane = self.lanes.get_mut(&id).expect("a lane that is ranked exists");
        let Some(level) = self.levels.get_mut(&lane.priority) else { return };
        match (lane.closed.take(), lane.head()) {
            (Some(until), _) => {
                level.closed -= 1;
                self.closed.remove(&(until, id));
            }
            (None, Some(head)) => {
                level.active.remove(&(lane.pass, head, id));
            }
            (None, None) => {
                level.idle.remove(&(lane.pass, id));
            }
        }
    }

    /// Ranks an unranked lane: among the idle, the closed or the active ones.
    fn rank(&mut self, id: LaneId, open_from: Time) {
        let lane = self.lanes.get_mut(&id).expect("a lane that is ranked exists");
        let Some(level) = self.levels.get_mut(&lane.priority) else { return };
        match lane.head() {
            None => {
                level.idle.insert((lane.pass, id));
            }
            Some(head) if open_from == Time::MIN => {
                level.active.insert((lane.pass, head, id));
            }
            Some(_) => {
                lane.closed = Some(open_from);
                level.closed += 1;
                self.closed.insert((open_from, id));
            }
        }
    }

    /// Ranks the lanes of a key again: its limit has moved.
    fn rank_key(&mut self, key: &str) {
        let ids: Vec<LaneId> = self.levels.values().filter_map(|level| level.keys.get(key).copied()).collect();
        ids.into_iter().for_each(|id| self.rank_again(id));
    }

    fn rank_all(&mut self) {
        let ids: Vec<LaneId> = self.lanes.keys().copied().collect();
        ids.into_iter().for_each(|id| self.rank_again(id));
    }

    fn rank_again(&mut self, id: LaneId) {
        self.unrank(id);
        self.rank(id, self.limits.open_from(&self.lanes[&id].key));
    }

    /// Ranks an unranked lane again, and lets go of lanes and levels that carry nothing any more.
    fn settle(&mut self, id: LaneId) {
        let lane = &self.lanes[&id];
        let priority = lane.priority;
        self.rank(id, self.limits.open_from(&lane.key));
        let Some(level) = self.levels.get(&priority) else { return };
        if level.active.is_empty() && level.closed == 0 {
            self.drop_level(priority);
        } else {
            self.drop_idle_lanes(priority);
        }
    }

    fn drop_level(&mut self, priority: i32) {
        let Some(level) = self.levels.remove(&priority) else { return };
        for (_, id) in level.idle {
            self.lanes.remove(&id);
        }
    }

    fn drop_idle_lanes(&mut self, priority: i32) {
        let Some(level) = self.levels.get_mut(&priority) else { return };
        while let Some(&(pass, id)) = level.idle.first() {
            if pass > level.now && level.idle.len() <= IDLE_LANES_MAX {
                break;
            }
            level.idle.pop_first();
            if let Some(lane) = self.lanes.remove(&id) {
                level.keys.remove(&lane.key);
            }
        }
    }
}

fn weight(asked: f32) -> f32 {
    if asked > 0.0 { asked.clamp(0.001, 1000.0) } else { 1.0 }
}

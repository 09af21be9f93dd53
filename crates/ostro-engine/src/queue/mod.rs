//! Task queues, in memory: which task goes to which poller, and when.
//!
//! One place decides order, rate, priority, fairness and liveness, so there is nothing to agree about between partitions.
//! Nothing here is stored: the engine adds every waiting task again after a restart.
//!
//! ```text
//! add_task ──> backlog ──┐                     ┌──> Match (task + poller)
//!                        ├── rate limit ──────>│
//! add_poller ──> waiting ┘                     └──> expired_pollers (deadline over, or worker shut down)
//! ```
//!
//! Order of tasks: queries first (a client waits on the line), then by priority, within a priority fair between fairness
//! keys by weight, within a key first in, first out. Pollers are served oldest first.

mod backlog;
mod key_limits;
mod meter;
mod poller_history;
mod rate_limit;
mod task_queue;
mod task_queues;

#[cfg(test)]
mod model_test;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentOptions;

use crate::base::time::Time;
use crate::base::version::Version;
use crate::call::ReplyId;
use crate::stored::persistence::{ExecutionId, NamespaceId, QueueKind};

pub(crate) use task_queues::{Leaving, TaskQueues};

/// The priority of tasks that ask for none, as on the reference server: the middle of 1 (first) to 5 (last).
pub(crate) const DEFAULT_PRIORITY: i32 = 3;

/// What a task queue is known by: queues of one name are apart for each version of the workers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QueueKey {
    pub namespace: NamespaceId,
    pub kind: QueueKind,
    pub name: String,
    /// `None` for workers without a version, and for sticky queues.
    pub version: Option<Box<Version>>,
}

impl QueueKey {
    /// The queue of workers without a version.
    pub(crate) fn new(namespace: NamespaceId, kind: QueueKind, name: String) -> Self {
        Self { namespace, kind, name, version: None }
    }

    /// The same queue for another version.
    pub(crate) fn of_version(&self, version: Option<Version>) -> Self {
        Self { version: version.map(Box::new), ..self.clone() }
    }

    fn is_named(&self, other: &Self) -> bool {
        (self.namespace, self.kind, &self.name) == (other.namespace, other.kind, &other.name)
    }
}

/// Limits that an operator has set on the queues of one name, in tasks per second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Rates {
    /// Of all tasks together, whatever version they are for.
    pub queue: Option<f64>,
    /// Of each fairness key of weight 1, whatever version its tasks are for.
    pub key: Option<f64>,
}

/// What a worker is to do for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Work {
    WorkflowTask,
    /// The activity's scheduled event id.
    Activity(i64),
    /// A request to start, or to cancel, the Nexus operation of this scheduled event id.
    NexusStart(i64),
    NexusCancel(i64),
    /// A Nexus request that came in by HTTP, by the call that waits for its answer; below 2^61. It is no execution's.
    NexusIncoming(ReplyId),
    /// The engine's number of the query; below 2^61, as event ids.
    Query(u64),
}

/// Work that waits for a worker. An execution has the same work in a queue at most once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Task {
    pub execution: ExecutionId,
    pub work: Work,
    /// When it began to wait; for age and rates, not for order.
    pub added: Time,
    /// Lower goes first; 1 to 5, see [`DEFAULT_PRIORITY`].
    pub priority: i32,
    /// Keys share a priority in proportion to their weights; empty for none, which is a key like any other.
    pub fairness_key: String,
    /// 0.001 to 1000, values beyond are cut to it; 0 means 1. The newest task of a key decides.
    pub fairness_weight: f32,
    /// Follows its queue's routing, which wants to know the workflow id's [`ramp_hash`](crate::deployment::ramp_hash);
    /// `None`: belongs to the version that it waits for.
    pub follows: Option<u32>,
}

impl Task {
    /// A task of default priority and fairness.
    pub(crate) fn new(execution: ExecutionId, work: Work, added: Time) -> Self {
        Self {
            execution,
            work,
            added,
            priority: DEFAULT_PRIORITY,
            fairness_key: String::new(),
            fairness_weight: 1.0,
            follows: None,
        }
    }
}

/// A poll that waits for a task.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Poller {
    pub reply: ReplyId,
    pub identity: String,
    /// When the poll came in.
    pub since: Time,
    /// When it is to be answered with nothing.
    pub deadline: Time,
    /// Names the worker for its shutdown; empty where the SDK sends none.
    pub worker_instance_key: String,
    /// The queue's rate limit as this worker wants it; `None` says nothing.
    pub max_tasks_per_second: Option<f64>,
    pub deployment: Option<WorkerDeploymentOptions>,
    /// The normal queue's name when this is a sticky queue; else empty.
    pub sticky_of: String,
}

/// A task and the poller that gets it. Both have left the queue.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub key: QueueKey,
    pub task: Task,
    pub poller: Poller,
}

/// A worker that polls a queue, or did so lately.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PollerSeen {
    pub identity: String,
    pub last_access: Time,
    /// The limit that it asked for; 0 for none.
    pub rate_per_second: f64,
    pub deployment: Option<WorkerDeploymentOptions>,
    /// It has gone at `last_access`: said goodbye, or lost its connection.
    pub left: bool,
}

/// How many tasks wait and flow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Flow {
    pub backlog: i64,
    /// When the longest waiting task at the head of a fairness key began to wait.
    pub oldest: Option<Time>,
    /// Tasks per second over the last 30 s.
    pub add_rate: f64,
    /// Tasks per second over the last 30 s.
    pub dispatch_rate: f64,
}

/// A queue as DescribeTaskQueue shows it. Queries are not counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Description {
    /// The most recent first.
    pub pollers: Vec<PollerSeen>,
    pub total: Flow,
    /// Priorities that have tasks now, or had some within 30 s.
    pub by_priority: BTreeMap<i32, Flow>,
    /// Tasks per second, where a worker asked for a limit.
    pub rate_limit: Option<f64>,
    /// Whether an operator has set it.
    pub rate_limit_is_set: bool,
    /// Whether tasks and pollers wait for the rate limit now.
    pub rate_limited_now: bool,
}

impl Flow {
    fn plus(self, other: &Self) -> Self {
        Self {
            backlog: self.backlog + other.backlog,
            oldest: match (self.oldest, other.oldest) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
            add_rate: self.add_rate + other.add_rate,
            dispatch_rate: self.dispatch_rate + other.dispatch_rate,
        }
    }
}

impl Description {
    /// Two queues of one name as one.
    fn merge(mut self, other: Self) -> Self {
        self.pollers.extend(other.pollers);
        self.pollers.sort_by_key(|seen| std::cmp::Reverse(seen.last_access));
        self.total = self.total.plus(&other.total);
        for (priority, flow) in other.by_priority {
            let sum = self.by_priority.entry(priority).or_default();
            *sum = sum.plus(&flow);
        }
        self.rate_limit = self.rate_limit.or(other.rate_limit);
        self.rate_limit_is_set |= other.rate_limit_is_set;
        self.rate_limited_now |= other.rate_limited_now;
        self
    }
}

//! What the tasks of a queue wait for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentVersion;
use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::taskqueue::v1::PollerInfo;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeTaskQueueResponse;

use crate::{duration, moment, version};

/// A queue with what `DescribeTaskQueue` says of it; `report_stats` must have been set.
#[derive(Debug, Clone)]
pub struct QueueView {
    pub name: String,
    pub kind: TaskQueueType,
    /// Without the pollers that have gone.
    pub described: DescribeTaskQueueResponse,
    /// Pollers that said goodbye or lost their connection, where the server tells of them. They went at their last access.
    gone: Vec<PollerInfo>,
}

impl QueueView {
    /// `left`: the identities that have gone, of all that the server lists as pollers.
    pub fn new(name: &str, kind: TaskQueueType, mut described: DescribeTaskQueueResponse, left: &[String]) -> Self {
        let pollers = std::mem::take(&mut described.pollers);
        let (gone, pollers) = pollers.into_iter().partition(|poller| left.contains(&poller.identity));
        described.pollers = pollers;
        Self { name: name.to_owned(), kind, described, gone }
    }

    /// Whether its workers have gone, and none has come in their place.
    pub(crate) fn is_left(&self) -> bool {
        !self.has_pollers() && !self.gone.is_empty()
    }

    /// Whether the worker of that identity has gone.
    pub(crate) fn has_lost(&self, identity: &str) -> bool {
        self.gone.iter().any(|poller| poller.identity == identity)
    }

    /// ` (the last was `7@host`, which left 3m ago)`; nothing where none is known.
    pub(crate) fn last(&self, now: SystemTime) -> String {
        let went = |poller: &&PollerInfo| moment::of(poller.last_access_time.as_ref());
        let Some(last) = self.gone.iter().max_by_key(went) else { return String::new() };
        let went = went(&last).map(|went| format!(", which left {}", moment::ago(went, now))).unwrap_or_default();
        format!(" (the last was `{}`{went})", last.identity)
    }

    pub(crate) fn has_pollers(&self) -> bool {
        !self.described.pollers.is_empty()
    }

    fn backlog(&self) -> i64 {
        self.described.stats.as_ref().map_or(0, |stats| stats.approximate_backlog_count)
    }

    /// Tasks per second, where somebody limits them.
    fn rate_limit(&self) -> Option<f64> {
        let effective = self.described.effective_rate_limit.as_ref();
        let limit = effective.map(|limit| f64::from(limit.requests_per_second));
        limit.filter(|limit| (0.0..UNLIMITED).contains(limit))
    }

    /// What a task in it waits for, to follow "waits"; whether it waits for good. `pinned`: the version that it must have.
    pub(crate) fn why(&self, pinned: Option<&WorkerDeploymentVersion>, now: SystemTime) -> (String, bool) {
        let word = kind_word(self.kind);
        if !self.has_pollers() {
            let last = self.last(now);
            return (format!("for a worker: none polls the {word} tasks of task queue `{}`{last}", self.name), true);
        }
        if let Some(lacking) = version::lacking(&self.name, &self.described, pinned) {
            return (lacking, true);
        }
        if self.rate_limit() == Some(0.0) {
            return (format!("for task queue `{}`, whose rate limit is 0, to be let go on", self.name), true);
        }
        let waiting = match self.backlog() {
            0 | 1 => String::new(),
            tasks => format!(", where {tasks} tasks wait"),
        };
        let limit = self.rate_limit().map(|limit| format!(", limited to {limit} per second")).unwrap_or_default();
        let seen =
            self.described.pollers.iter().filter_map(|poller| moment::of(poller.last_access_time.as_ref())).max();
        let seen = seen.map(|seen| format!(" (last poll {})", moment::ago(seen, now))).unwrap_or_default();
        (format!("for a free worker of task queue `{}`{waiting}{limit}{seen}", self.name), false)
    }
}

/// A rate from which on there is no limit, as servers report it.
const UNLIMITED: f64 = 100_000.0;

/// One sentence on a task queue: what its tasks wait for, or that none does.
pub fn task_queue(view: &QueueView, now: SystemTime) -> String {
    let last = view.last(now);
    let word = kind_word(view.kind);
    let tasks = match view.backlog() {
        0 if view.has_pollers() => return format!("No {word} task waits: {} free.", workers(view)),
        0 => return format!("No {word} task waits, and no worker polls{last}: the first task will wait for one."),
        1 => format!("1 {word} task waits"),
        tasks => format!("{tasks} {word} tasks wait"),
    };
    let age = view.described.stats.as_ref().and_then(|stats| stats.approximate_backlog_age.as_ref());
    let age = age.map(duration::from_proto).filter(|age| !age.is_zero());
    let age = age.map(|age| format!(", the oldest for {}", duration::text(age))).unwrap_or_default();
    let why = match (view.has_pollers(), version::lacking(&view.name, &view.described, None), view.rate_limit()) {
        (false, ..) => format!("no worker polls{last}; start one"),
        (true, Some(lacking), _) => format!("they wait {lacking}"),
        (true, None, Some(0.0)) => "the queue's rate limit is 0: nothing leaves it".to_owned(),
        (true, None, Some(limit)) => format!("the queue is limited to {limit} per second"),
        (true, None, None) => format!("{} busy", workers(view)),
    };
    format!("{tasks}{age}: {why}.")
}

fn workers(view: &QueueView) -> String {
    match view.described.pollers.len() {
        1 => "its worker is".to_owned(),
        count => format!("its {count} workers are"),
    }
}

fn kind_word(kind: TaskQueueType) -> &'static str {
    match kind {
        TaskQueueType::Activity => "activity",
        TaskQueueType::Nexus => "Nexus",
        TaskQueueType::Workflow | TaskQueueType::Unspecified => "workflow",
    }
}

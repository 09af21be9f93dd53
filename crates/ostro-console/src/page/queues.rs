//! *Queues*: what waits in each task queue, how fast it comes and goes, and who polls.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use ostro_explain::{QueueView, duration, gather, task_queue};
use ostro_wire::Caller;
use temporalio_protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_protos::temporal::api::taskqueue::v1::PollerInfo;
use temporalio_protos::temporal::api::workflowservice::v1::{ListWorkersRequest, ListWorkflowExecutionsRequest};

use crate::answer::{Answer, page};
use crate::door::{Console, Visitor};
use crate::layout::Layout;
use crate::{moment, shown};

/// Executions, and workers, whose queues are looked at.
const LOOKED_AT: i32 = 500;
/// Queues of a page.
const QUEUES_MAX: usize = 60;
/// Kinds of tasks.
const KINDS: [(TaskQueueType, &str); 3] =
    [(TaskQueueType::Workflow, "workflow"), (TaskQueueType::Activity, "activity"), (TaskQueueType::Nexus, "Nexus")];

#[derive(Template)]
#[template(path = "queues.html")]
struct Page {
    layout: Layout,
    queues: Vec<Queue>,
}

struct Queue {
    name: String,
    kinds: Vec<Tasks>,
}

/// The tasks of one kind.
struct Tasks {
    kind: &'static str,
    sentence: String,
    blocked: bool,
    backlog: String,
    oldest: String,
    arriving: String,
    leaving: String,
    limit: String,
    pollers: Vec<Poller>,
}

struct Poller {
    identity: String,
    seen: moment::Shown,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
) -> Answer {
    let layout = Layout::of(&visitor, &console, &namespace, "Queues", "Queues").await.live("poll".to_owned());
    let mut queues = Vec::new();
    for name in names(&visitor.caller, &namespace).await?.into_iter().take(QUEUES_MAX) {
        let mut kinds = Vec::new();
        for (kind, word) in KINDS {
            let view = gather::queue(&visitor.caller, &namespace, &name, kind).await?;
            // Kinds of tasks that nobody has to do with are left out.
            if kind == TaskQueueType::Workflow || is_used(&view) {
                kinds.push(tasks(&visitor, &view, word));
            }
        }
        queues.push(Queue { name: shown::line(&name), kinds });
    }
    queues.sort_by_key(|queue| !queue.kinds.iter().any(|tasks| tasks.blocked));
    page(&Page { layout, queues })
}

/// The queues of open executions and of workers: a server does not list queues.
async fn names(caller: &Caller, namespace: &str) -> Result<BTreeSet<String>, tonic::Status> {
    let request = ListWorkflowExecutionsRequest {
        namespace: namespace.to_owned(),
        query: "ExecutionStatus IN ('Running', 'Paused')".to_owned(),
        page_size: LOOKED_AT,
        ..Default::default()
    };
    let list = caller.ask(&request).await?;
    let workers = ListWorkersRequest { namespace: namespace.to_owned(), page_size: LOOKED_AT, ..Default::default() };
    // Servers that know of no workers say so.
    let workers = caller.ask(&workers).await.map(|answer| answer.workers).unwrap_or_default();
    let of_executions = list.executions.into_iter().map(|info| info.task_queue);
    let names = of_executions.chain(workers.into_iter().map(|worker| worker.task_queue));
    Ok(names.filter(|name| !name.is_empty()).collect())
}

fn is_used(view: &QueueView) -> bool {
    let stats = view.described.stats.unwrap_or_default();
    !view.described.pollers.is_empty() || stats.approximate_backlog_count > 0
}

fn tasks(visitor: &Visitor, view: &QueueView, kind: &'static str) -> Tasks {
    let stats = view.described.stats.unwrap_or_default();
    let clock = visitor.clock();
    let oldest = stats.approximate_backlog_age.as_ref().map(duration::from_proto);
    let limit = view.described.effective_rate_limit.as_ref().map(|limit| limit.requests_per_second);
    let poller = |poller: &PollerInfo| Poller {
        identity: shown::line(&poller.identity),
        seen: clock.shown(poller.last_access_time.as_ref()),
    };
    Tasks {
        kind,
        sentence: shown::text(&task_queue(view, clock.now)),
        blocked: view.described.pollers.is_empty() && stats.approximate_backlog_count > 0,
        backlog: shown::count(stats.approximate_backlog_count),
        oldest: oldest.filter(|age| !age.is_zero()).map(moment::whole).unwrap_or_default(),
        arriving: rate(stats.tasks_add_rate),
        leaving: rate(stats.tasks_dispatch_rate),
        // So many are no limit.
        limit: limit.filter(|limit| *limit < 100_000.0).map(rate).unwrap_or_default(),
        pollers: view.described.pollers.iter().map(poller).collect(),
    }
}

fn rate(rate: f32) -> String {
    format!("{rate:.1}/s")
}

//! *Workers*: the processes that poll, and the deployments that they are of.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentVersion;
use temporalio_protos::temporal::api::enums::v1::WorkerStatus;
use temporalio_protos::temporal::api::worker::v1::WorkerListInfo;
use temporalio_protos::temporal::api::workflowservice::v1::list_worker_deployments_response::WorkerDeploymentSummary;
use temporalio_protos::temporal::api::workflowservice::v1::{ListWorkerDeploymentsRequest, ListWorkersRequest};

use crate::answer::{Answer, page};
use crate::door::{Console, Visitor};
use crate::layout::Layout;
use crate::page::status::Badge;
use crate::{moment, shown};

/// Workers, and deployments, of a page.
const PAGE: i32 = 200;

#[derive(Template)]
#[template(path = "workers.html")]
struct Page {
    layout: Layout,
    workers: Vec<Worker>,
    deployments: Vec<Deployment>,
}

struct Worker {
    identity: String,
    status: Badge,
    queue: String,
    process: String,
    version: String,
    sdk: String,
    started: moment::Shown,
}

struct Deployment {
    name: String,
    current: String,
    ramping: String,
    latest: String,
    made: moment::Shown,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    visitor: Visitor,
    Path(namespace): Path<String>,
) -> Answer {
    let request = ListWorkersRequest { namespace: namespace.clone(), page_size: PAGE, ..Default::default() };
    let workers = visitor.caller.ask(&request).await?.workers;
    let request = ListWorkerDeploymentsRequest { namespace: namespace.clone(), page_size: PAGE, ..Default::default() };
    let deployments = visitor.caller.ask(&request).await?.worker_deployments;
    let layout = Layout::of(&visitor, &console, &namespace, "Workers", "Workers").await.live("poll".to_owned());
    let workers = workers.into_iter().map(|info| worker(&visitor, info)).collect();
    let deployments = deployments.into_iter().map(|summary| deployment(&visitor, summary)).collect();
    page(&Page { layout, workers, deployments })
}

fn worker(visitor: &Visitor, info: WorkerListInfo) -> Worker {
    let process = match (info.host_name.as_str(), info.process_id.as_str()) {
        ("", pid) => pid.to_owned(),
        (host, "") => host.to_owned(),
        (host, pid) => format!("{host}, process {pid}"),
    };
    Worker {
        status: status(info.status()),
        started: visitor.clock().shown(info.start_time.as_ref()),
        version: shown::line(&version(info.deployment_version.as_ref())),
        identity: shown::line(&info.worker_identity),
        queue: shown::line(&info.task_queue),
        process: shown::line(&process),
        sdk: shown::line(&format!("{} {}", info.sdk_name, info.sdk_version)),
    }
}

fn status(status: WorkerStatus) -> Badge {
    match status {
        WorkerStatus::Running => Badge { name: "Running", class: "running" },
        WorkerStatus::ShuttingDown => Badge { name: "Shutting down", class: "paused" },
        WorkerStatus::Shutdown => Badge { name: "Shut down", class: "" },
        WorkerStatus::Unspecified => Badge { name: "Unknown", class: "" },
    }
}

fn version(version: Option<&WorkerDeploymentVersion>) -> String {
    version.map(|version| format!("{}:{}", version.deployment_name, version.build_id)).unwrap_or_default()
}

fn deployment(visitor: &Visitor, summary: WorkerDeploymentSummary) -> Deployment {
    let routing = summary.routing_config.unwrap_or_default();
    let build = |version: Option<&WorkerDeploymentVersion>| {
        version.map(|version| shown::line(&version.build_id)).unwrap_or_else(|| "unversioned workers".to_owned())
    };
    let ramping = routing.ramping_deployment_version.as_ref();
    let ramping =
        ramping.map(|version| format!("{} ({}%)", shown::line(&version.build_id), routing.ramping_version_percentage));
    let latest = summary.latest_version_summary.and_then(|latest| latest.deployment_version);
    Deployment {
        name: shown::line(&summary.name),
        current: build(routing.current_deployment_version.as_ref()),
        ramping: ramping.unwrap_or_default(),
        latest: latest.map(|version| shown::line(&version.build_id)).unwrap_or_default(),
        made: visitor.clock().shown(summary.create_time.as_ref()),
    }
}

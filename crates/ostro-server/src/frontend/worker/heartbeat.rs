//! Workers' own words about themselves: RecordWorkerHeartbeat, ListWorkers, DescribeWorker.

use ostro_engine::error::Error;
use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::worker::v1::{WorkerHeartbeat, WorkerInfo, WorkerListInfo};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::frontend::Frontend;
use crate::frontend::status::status;
use crate::frontend::validate::{Check, namespace};
use crate::workers::Filter;

/// Workers in one page, at most and where the client says nothing.
const PAGE_WORKERS_MAX: usize = 1000;

/// `RecordWorkerHeartbeat`.
pub(crate) async fn heartbeat(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::RecordWorkerHeartbeatRequest,
) -> Answer<service::RecordWorkerHeartbeatResponse> {
    namespace(&request.namespace).map_err(status)?;
    let id = frontend.namespace(&request.namespace).await?.id;
    frontend.workers.note(id, request.worker_heartbeat, frontend.clock.now());
    Ok(service::RecordWorkerHeartbeatResponse::default().into())
}

/// `ShutdownWorker`, with the worker's last word.
pub(crate) async fn shut_down(
    frontend: &Frontend,
    _context: &CallContext,
    mut request: service::ShutdownWorkerRequest,
) -> Answer<service::ShutdownWorkerResponse> {
    request.check(&frontend.limits).map_err(status)?;
    if let Some(heartbeat) = request.worker_heartbeat.take() {
        let id = frontend.namespace(&request.namespace).await?.id;
        frontend.workers.note(id, vec![heartbeat], frontend.clock.now());
    }
    Ok(frontend.ask(request).await?.into())
}

/// `ListWorkers`, by key.
pub(crate) async fn list(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListWorkersRequest,
) -> Answer<service::ListWorkersResponse> {
    namespace(&request.namespace).map_err(status)?;
    let id = frontend.namespace(&request.namespace).await?.id;
    let filter = Filter::parse(&request.query).map_err(status)?;
    let after =
        String::from_utf8(request.next_page_token).map_err(|_| status(Error::invalid("Invalid NextPageToken.")))?;
    let asked = usize::try_from(request.page_size).ok().filter(|size| (1..=PAGE_WORKERS_MAX).contains(size));
    let most = asked.unwrap_or(PAGE_WORKERS_MAX);
    let (workers, more) = frontend.workers.list(id, &filter, &after, most, frontend.clock.now());
    let last = workers.last().filter(|_| more).map(|worker| worker.worker_instance_key.clone());
    #[allow(deprecated)]
    let answer = service::ListWorkersResponse {
        next_page_token: last.unwrap_or_default().into_bytes(),
        workers: workers.iter().map(list_info).collect(),
        workers_info: workers.into_iter().map(|heartbeat| WorkerInfo { worker_heartbeat: Some(heartbeat) }).collect(),
    };
    Ok(answer.into())
}

/// `DescribeWorker`.
pub(crate) async fn describe(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::DescribeWorkerRequest,
) -> Answer<service::DescribeWorkerResponse> {
    namespace(&request.namespace).map_err(status)?;
    let id = frontend.namespace(&request.namespace).await?.id;
    let found = frontend.workers.get(id, &request.worker_instance_key, frontend.clock.now()).map_err(status)?;
    Ok(service::DescribeWorkerResponse { worker_info: Some(WorkerInfo { worker_heartbeat: Some(found) }) }.into())
}

fn list_info(worker: &WorkerHeartbeat) -> WorkerListInfo {
    let host = worker.host_info.clone().unwrap_or_default();
    WorkerListInfo {
        worker_instance_key: worker.worker_instance_key.clone(),
        worker_identity: worker.worker_identity.clone(),
        task_queue: worker.task_queue.clone(),
        deployment_version: worker.deployment_version.clone(),
        sdk_name: worker.sdk_name.clone(),
        sdk_version: worker.sdk_version.clone(),
        status: worker.status,
        start_time: worker.start_time,
        host_name: host.host_name,
        worker_grouping_key: host.worker_grouping_key,
        process_id: host.process_id,
        plugins: worker.plugins.clone(),
        drivers: worker.drivers.clone(),
    }
}

/// `CountWorkers`.
pub(crate) async fn count(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::CountWorkersRequest,
) -> Answer<service::CountWorkersResponse> {
    namespace(&request.namespace).map_err(status)?;
    let id = frontend.namespace(&request.namespace).await?.id;
    let filter = Filter::parse(&request.query).map_err(status)?;
    let (workers, _) = frontend.workers.list(id, &filter, "", usize::MAX, frontend.clock.now());
    Ok(service::CountWorkersResponse { count: workers.len() as i64 }.into())
}

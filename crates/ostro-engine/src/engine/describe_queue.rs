//! DescribeTaskQueue.

use temporalio_protos::temporal::api::{
    enums::v1::{DescribeTaskQueueMode, TaskQueueType},
    taskqueue::v1::{PollerInfo, TaskQueueStats, TaskQueueStatus, TaskQueueTypeInfo, TaskQueueVersionInfo},
    workflowservice::v1::{
        DescribeTaskQueueRequest, DescribeTaskQueueResponse, describe_task_queue_response::EffectiveRateLimit,
    },
};

use super::Engine;
use crate::error::Result;
use crate::persistence::{Loader, QueueKind};
use crate::queue::{Description, Flow, PollerSeen, QueueKey};
use crate::time::{Time, duration, timestamp};

impl<L: Loader> Engine<L> {
    pub(super) fn describe_task_queue(
        &mut self,
        request: DescribeTaskQueueRequest,
    ) -> Result<DescribeTaskQueueResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let name = request.task_queue.clone().unwrap_or_default().name;
        let describe = |kind| self.queues.describe(&QueueKey { namespace, kind, name: name.clone() }, self.now);
        if request.api_mode() == DescribeTaskQueueMode::Enhanced {
            return Ok(by_version(&request, describe, self.now));
        }
        Ok(response(&request, describe(queue_kind(request.task_queue_type())), self.now))
    }
}

fn queue_kind(kind: TaskQueueType) -> QueueKind {
    match kind {
        TaskQueueType::Activity => QueueKind::Activity,
        TaskQueueType::Nexus => QueueKind::Nexus,
        _ => QueueKind::Workflow,
    }
}

/// The older form, with every asked type under the one version that there is: the unversioned one.
fn by_version(
    request: &DescribeTaskQueueRequest,
    describe: impl Fn(QueueKind) -> Description,
    now: Time,
) -> DescribeTaskQueueResponse {
    let all = [TaskQueueType::Workflow, TaskQueueType::Activity, TaskQueueType::Nexus];
    let asked: Vec<TaskQueueType> = match request.task_queue_types.is_empty() {
        true => all.to_vec(),
        false => request.task_queue_types().collect(),
    };
    let type_info = |kind: TaskQueueType| {
        let description = describe(queue_kind(kind));
        let stats = request.report_stats.then(|| stats(&description.total, description.rate_limited_now, now));
        let pollers = if request.report_pollers { description.pollers } else { Vec::new() };
        (kind as i32, TaskQueueTypeInfo { pollers: pollers.into_iter().map(poller).collect(), stats })
    };
    let types_info = asked.into_iter().map(type_info).collect();
    let version = TaskQueueVersionInfo { types_info, ..Default::default() };
    DescribeTaskQueueResponse { versions_info: [(String::new(), version)].into(), ..Default::default() }
}

fn response(request: &DescribeTaskQueueRequest, description: Description, now: Time) -> DescribeTaskQueueResponse {
    let with_status = request.include_task_queue_status;
    let rate = description.rate_limit;
    DescribeTaskQueueResponse {
        pollers: description.pollers.into_iter().map(poller).collect(),
        stats: request.report_stats.then(|| stats(&description.total, description.rate_limited_now, now)),
        stats_by_priority_key: match request.report_stats {
            true => description.by_priority.iter().map(|(key, flow)| (*key, stats(flow, false, now))).collect(),
            false => Default::default(),
        },
        effective_rate_limit: rate
            .map(|rate| EffectiveRateLimit { requests_per_second: rate as f32, ..Default::default() }),
        task_queue_status: with_status.then(|| TaskQueueStatus {
            backlog_count_hint: description.total.backlog,
            rate_per_second: rate.unwrap_or(100_000.0),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn stats(flow: &Flow, rate_limiting_active: bool, now: Time) -> TaskQueueStats {
    TaskQueueStats {
        approximate_backlog_count: flow.backlog,
        approximate_backlog_age: duration(flow.oldest.map_or(0, |oldest| now - oldest)),
        tasks_add_rate: flow.add_rate as f32,
        tasks_dispatch_rate: flow.dispatch_rate as f32,
        rate_limiting_active,
    }
}

fn poller(seen: PollerSeen) -> PollerInfo {
    PollerInfo {
        last_access_time: timestamp(seen.last_access),
        identity: seen.identity,
        rate_per_second: seen.rate_per_second,
        deployment_options: seen.deployment,
        ..Default::default()
    }
}

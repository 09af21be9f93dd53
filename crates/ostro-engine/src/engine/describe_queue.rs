//! DescribeTaskQueue.

use temporalio_protos::temporal::api::{
    enums::v1::TaskQueueType,
    taskqueue::v1::{PollerInfo, TaskQueueStats, TaskQueueStatus},
    workflowservice::v1::{DescribeTaskQueueRequest, DescribeTaskQueueResponse, describe_task_queue_response::EffectiveRateLimit},
};

use super::Engine;
use crate::error::Result;
use crate::persistence::{Loader, QueueKind};
use crate::queue::{Description, Flow, PollerSeen, QueueKey};
use crate::time::{Time, duration, timestamp};

impl<L: Loader> Engine<L> {
    pub(super) fn describe_task_queue(&mut self, request: DescribeTaskQueueRequest) -> Result<DescribeTaskQueueResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let kind = match request.task_queue_type() {
            TaskQueueType::Activity => QueueKind::Activity,
            TaskQueueType::Nexus => QueueKind::Nexus,
            _ => QueueKind::Workflow,
        };
        let name = request.task_queue.clone().unwrap_or_default().name;
        let description = self.queues.describe(&QueueKey { namespace, kind, name }, self.now);
        Ok(response(&request, description, self.now))
    }
}

fn response(request: &DescribeTaskQueueRequest, description: Description, now: Time) -> DescribeTaskQueueResponse {
    #[allow(deprecated)]
    let with_status = request.include_task_queue_status;
    let rate = description.rate_limit;
    #[allow(deprecated)]
    DescribeTaskQueueResponse {
        pollers: description.pollers.into_iter().map(poller).collect(),
        stats: request.report_stats.then(|| stats(&description.total, description.rate_limited_now, now)),
        stats_by_priority_key: match request.report_stats {
            true => description.by_priority.iter().map(|(key, flow)| (*key, stats(flow, false, now))).collect(),
            false => Default::default(),
        },
        effective_rate_limit: rate.map(|rate| EffectiveRateLimit { requests_per_second: rate as f32, ..Default::default() }),
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

//! DescribeTaskQueue.

use std::collections::HashMap;

use temporalio_protos::temporal::api::{
    enums::v1::{DescribeTaskQueueMode, RateLimitSource, TaskQueueKind, TaskQueueType},
    taskqueue::v1::{PollerInfo, TaskQueueStats, TaskQueueStatus, TaskQueueTypeInfo, TaskQueueVersionInfo},
    workflowservice::v1::{
        DescribeTaskQueueRequest, DescribeTaskQueueResponse, describe_task_queue_response::EffectiveRateLimit,
    },
};

use crate::base::error::Result;
use crate::base::time::{Span, Time, duration, timestamp};
use crate::base::version::Version;
use crate::call::DescribedQueue;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::queue::{Description, Flow, PollerSeen, QueueKey};
use crate::stored::persistence::{Loader, QueueKind};

answers! {
    DescribeTaskQueueRequest: |engine, request| engine.describe_task_queue(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn describe_task_queue(&mut self, request: DescribeTaskQueueRequest) -> Result<DescribedQueue> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let name = request.task_queue.clone().unwrap_or_default().name;
        if request.api_mode() == DescribeTaskQueueMode::Enhanced {
            let describe = |kind, version: Option<Version>| {
                self.queues.describe(&QueueKey::new(namespace, kind, name.clone()).of_version(version), self.now)
            };
            let response = by_version(&request, describe, self.now);
            return Ok(DescribedQueue { response, left: Vec::new() });
        }
        let key = QueueKey::new(namespace, queue_kind(request.task_queue_type()), name.clone());
        let description = self.queues.describe_all(&key, self.now);
        let left = description.pollers.iter().filter(|seen| seen.left).map(|seen| seen.identity.clone()).collect();
        let mut response = response(&request, description, self.now);
        let sticky = request.task_queue.as_ref().is_some_and(|queue| queue.kind() == TaskQueueKind::Sticky);
        response.versioning_info = (!sticky).then(|| self.deployments.queue_info(&key));
        if request.report_config {
            response.config = Some(self.settings.config(&key).cloned().unwrap_or_default());
        }
        Ok(DescribedQueue { response, left })
    }
}

pub(crate) fn queue_kind(kind: TaskQueueType) -> QueueKind {
    match kind {
        TaskQueueType::Activity => QueueKind::Activity,
        TaskQueueType::Nexus => QueueKind::Nexus,
        _ => QueueKind::Workflow,
    }
}

/// The older form, with every asked type under each of the asked versions, or under the unversioned one.
fn by_version(
    request: &DescribeTaskQueueRequest,
    describe: impl Fn(QueueKind, Option<Version>) -> Description,
    now: Time,
) -> DescribeTaskQueueResponse {
    let all = [TaskQueueType::Workflow, TaskQueueType::Activity, TaskQueueType::Nexus];
    let asked: Vec<TaskQueueType> = match request.task_queue_types.is_empty() {
        true => all.to_vec(),
        false => request.task_queue_types().collect(),
    };
    let type_info = |kind: TaskQueueType, version: Option<Version>| {
        let description = describe(queue_kind(kind), version);
        let stats = request.report_stats.then(|| stats(&description.total, description.rate_limited_now, now));
        let pollers = if request.report_pollers { description.pollers } else { Vec::new() };
        (kind as i32, TaskQueueTypeInfo { pollers: pollers.into_iter().map(poller).collect(), stats })
    };
    let builds = request.versions.as_ref().map(|versions| versions.build_ids.clone()).unwrap_or_default();
    let builds = if builds.is_empty() { vec![String::new()] } else { builds };
    let info = |build: String| {
        // A build id of the form `deployment:build` is a version; no other build has queues of its own.
        let version = Version::parse(&build).ok().flatten();
        let types_info = asked.iter().map(|kind| type_info(*kind, version.clone())).collect();
        (build, TaskQueueVersionInfo { types_info, ..Default::default() })
    };
    DescribeTaskQueueResponse { versions_info: builds.into_iter().map(info).collect(), ..Default::default() }
}

fn response(request: &DescribeTaskQueueRequest, description: Description, now: Time) -> DescribeTaskQueueResponse {
    let with_status = request.include_task_queue_status;
    let rate = description.rate_limit;
    let source = if description.rate_limit_is_set { RateLimitSource::Api } else { RateLimitSource::Worker };
    DescribeTaskQueueResponse {
        pollers: description.pollers.into_iter().map(poller).collect(),
        stats: request.report_stats.then(|| stats(&description.total, description.rate_limited_now, now)),
        stats_by_priority_key: match request.report_stats {
            true => description.by_priority.iter().map(|(key, flow)| (*key, stats(flow, false, now))).collect(),
            false => Default::default(),
        },
        effective_rate_limit: rate
            .map(|rate| EffectiveRateLimit { requests_per_second: rate as f32, rate_limit_source: source as i32 }),
        task_queue_status: with_status.then(|| TaskQueueStatus {
            backlog_count_hint: description.total.backlog,
            rate_per_second: rate.unwrap_or(100_000.0),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A queue's counts, as a whole and by priority.
pub(crate) fn all_stats(description: &Description, now: Time) -> (TaskQueueStats, HashMap<i32, TaskQueueStats>) {
    let total = stats(&description.total, description.rate_limited_now, now);
    (total, description.by_priority.iter().map(|(key, flow)| (*key, stats(flow, false, now))).collect())
}

fn stats(flow: &Flow, rate_limiting_active: bool, now: Time) -> TaskQueueStats {
    TaskQueueStats {
        approximate_backlog_count: flow.backlog,
        approximate_backlog_age: duration(flow.oldest.map_or(Span::ZERO, |oldest| now - oldest)),
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

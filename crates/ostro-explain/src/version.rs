//! Which version of a worker deployment a task is for, and whether a worker of that version is there.

use temporalio_protos::temporal::api::deployment::v1::WorkerDeploymentVersion;
use temporalio_protos::temporal::api::enums::v1::{VersioningBehavior, WorkerVersioningMode};
use temporalio_protos::temporal::api::taskqueue::v1::PollerInfo;
use temporalio_protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_protos::temporal::api::workflow::v1::versioning_override::Override;
use temporalio_protos::temporal::api::workflowservice::v1::DescribeTaskQueueResponse;

/// The version that the run stays with, if it is pinned to one.
pub(crate) fn pinned(info: &WorkflowExecutionInfo) -> Option<&WorkerDeploymentVersion> {
    let versioning = info.versioning_info.as_ref()?;
    match versioning.versioning_override.as_ref().and_then(|set| set.r#override.as_ref()) {
        Some(Override::Pinned(pinned)) => pinned.version.as_ref(),
        Some(Override::OneTime(once)) => once.target_deployment_version.as_ref(),
        Some(_) => None,
        None if versioning.behavior() == VersioningBehavior::Pinned => versioning.deployment_version.as_ref(),
        None => None,
    }
}

/// What a task lacks where workers poll its queue and none of them is of a version that may take it: to follow "waits".
pub(crate) fn lacking(
    name: &str,
    queue: &DescribeTaskQueueResponse,
    pinned: Option<&WorkerDeploymentVersion>,
) -> Option<String> {
    let routing = queue.versioning_info.as_ref();
    let current = routing.and_then(|routing| routing.current_deployment_version.as_ref());
    let ramping = routing.and_then(|routing| routing.ramping_deployment_version.as_ref());
    let may_take = |poller: &PollerInfo| match pinned {
        Some(version) => is_of(poller, Some(version)),
        None => is_of(poller, current) || (ramping.is_some() && is_of(poller, ramping)),
    };
    if queue.pollers.is_empty() || queue.pollers.iter().any(may_take) {
        return None;
    }
    Some(match (pinned, current) {
        (Some(version), _) => format!(
            "for a worker of version `{}`, to which it is pinned: the workers of task queue `{name}` are of others",
            text(version)
        ),
        (None, Some(version)) => format!(
            "for a worker of version `{}`, the current one: the workers of task queue `{name}` are of others",
            text(version)
        ),
        (None, None) => {
            format!("for a version to be made the current one: no worker of task queue `{name}` is without a version")
        }
    })
}

/// Whether a worker is of the version; without one: unversioned.
fn is_of(poller: &PollerInfo, version: Option<&WorkerDeploymentVersion>) -> bool {
    let options = poller.deployment_options.as_ref();
    let options = options.filter(|options| options.worker_versioning_mode() == WorkerVersioningMode::Versioned);
    match (options, version) {
        (None, None) => true,
        (Some(options), Some(version)) => {
            (&options.deployment_name, &options.build_id) == (&version.deployment_name, &version.build_id)
        }
        _ => false,
    }
}

fn text(version: &WorkerDeploymentVersion) -> String {
    format!("{}:{}", version.deployment_name, version.build_id)
}

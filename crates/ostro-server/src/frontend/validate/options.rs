//! Options that starting requests share: retry policies, policies for ids, priorities, links.

use ostro_engine::config::Config;
use ostro_engine::error::{Error, ErrorKind, Result};
use ostro_engine::execution::versioning::newest_form;
use prost_wkt_types::Duration;
use temporalio_protos::temporal::api::common::v1::{Link, Priority, RetryPolicy};
use temporalio_protos::temporal::api::enums::v1::{
    TimeoutType, VersioningBehavior, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};
use temporalio_protos::temporal::api::workflow::v1::{VersioningOverride, versioning_override};

use super::common::{duration_fault, invalid};
use super::deployment;

const LINKS_MAX: usize = 10;
const FAIRNESS_KEY_BYTES_MAX: usize = 64;
/// Names a time-out among the non-retryable types of errors.
const TIMEOUT_PREFIX: &str = "TemporalTimeout:";

/// A retry policy; zeroes stand for the defaults.
pub(super) fn retry_policy(policy: &Option<RetryPolicy>) -> Result<()> {
    let Some(policy) = policy else { return Ok(()) };
    if policy.maximum_attempts == 1 {
        return Ok(());
    }
    interval(&policy.initial_interval, "InitialInterval")?;
    if policy.backoff_coefficient != 0.0 && (policy.backoff_coefficient.is_nan() || policy.backoff_coefficient < 1.0) {
        return invalid("BackoffCoefficient cannot be less than 1 on retry policy.");
    }
    interval(&policy.maximum_interval, "MaximumInterval")?;
    if !is_zero(&policy.maximum_interval) && order(&policy.maximum_interval) < order(&policy.initial_interval) {
        return invalid("MaximumInterval cannot be less than InitialInterval on retry policy.");
    }
    if policy.maximum_attempts < 0 {
        return invalid("MaximumAttempts cannot be negative on retry policy.");
    }
    policy.non_retryable_error_types.iter().try_for_each(|name| non_retryable(name))
}

fn interval(span: &Option<Duration>, field: &str) -> Result<()> {
    match duration_fault(span) {
        Some(fault) => invalid(format!("invalid {field} set on retry policy: {fault}")),
        None => Ok(()),
    }
}

fn is_zero(span: &Option<Duration>) -> bool {
    order(span) == (0, 0)
}

fn order(span: &Option<Duration>) -> (i64, i32) {
    span.as_ref().map_or((0, 0), |span| (span.seconds, span.nanos))
}

fn non_retryable(name: &str) -> Result<()> {
    let Some(timeout) = name.strip_prefix(TIMEOUT_PREFIX) else { return Ok(()) };
    let known = ["StartToClose", "ScheduleToStart", "ScheduleToClose", "Heartbeat"].contains(&timeout)
        || TimeoutType::from_str_name(timeout).is_some();
    if known { Ok(()) } else { invalid(format!("Invalid timeout type value: {timeout}.")) }
}

/// Which policies for an id in use and for one used before go together.
pub(super) fn id_policies(reuse: i32, conflict: i32) -> Result<()> {
    let (reuse, conflict) = (WorkflowIdReusePolicy::try_from(reuse), WorkflowIdConflictPolicy::try_from(conflict));
    let (Ok(reuse), Ok(conflict)) = (reuse, conflict) else { return Ok(()) };
    #[allow(deprecated)]
    let terminate_if_running = WorkflowIdReusePolicy::TerminateIfRunning;
    if reuse == terminate_if_running && conflict != WorkflowIdConflictPolicy::Unspecified {
        return invalid(
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING cannot be used together with a \
             WorkflowIDConflictPolicy",
        );
    }
    if reuse == WorkflowIdReusePolicy::RejectDuplicate && conflict == WorkflowIdConflictPolicy::TerminateExisting {
        return invalid(
            "Invalid WorkflowIDReusePolicy: WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE cannot be used together with \
             WorkflowIdConflictPolicy WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING",
        );
    }
    Ok(())
}

/// Links of a request.
pub(super) fn links(links: &[Link]) -> Result<()> {
    if links.len() > LINKS_MAX {
        return invalid(format!("cannot attach more than {LINKS_MAX} links per request, got {}", links.len()));
    }
    if links.iter().any(|link| link.variant.is_none()) {
        return invalid("unsupported link variant");
    }
    Ok(())
}

/// A task's priority.
pub(super) fn priority(priority: &Option<Priority>) -> Result<()> {
    let Some(priority) = priority else { return Ok(()) };
    if priority.priority_key < 0 {
        return invalid("priority key can't be negative");
    }
    if priority.fairness_key.len() > FAIRNESS_KEY_BYTES_MAX {
        return invalid(format!("fairness key length exceeds limit: {FAIRNESS_KEY_BYTES_MAX} bytes are allowed"));
    }
    Ok(())
}

/// An override of the version: checked, then brought into the newest of its forms.
#[allow(deprecated)]
pub(super) fn versioning_override(versioning: &mut Option<VersioningOverride>) -> Result<()> {
    use versioning_override::Override;
    let Some(given) = versioning.as_mut() else { return Ok(()) };
    match &given.r#override {
        Some(Override::AutoUpgrade(false)) => return invalid("auto-upgrade override must be true"),
        Some(Override::AutoUpgrade(true)) => {}
        Some(Override::Pinned(pinned)) => {
            let Some(version) = &pinned.version else {
                return invalid("must provide version if override is pinned.");
            };
            if pinned.behavior == 0 {
                return invalid("must specify pinned override behavior if override is pinned.");
            }
            deployment::version(version)?;
        }
        Some(Override::OneTime(one_time)) => match &one_time.target_deployment_version {
            None => return invalid("must provide target deployment version if override is one-time."),
            Some(version) => deployment::version(version)?,
        },
        None => older_override(given)?,
    }
    *given = newest_form(given)?;
    Ok(())
}

#[allow(deprecated)]
fn older_override(given: &VersioningOverride) -> Result<()> {
    match VersioningBehavior::try_from(given.behavior) {
        Ok(VersioningBehavior::Pinned) if given.deployment.is_none() && given.pinned_version.is_empty() => {
            invalid("must provide deployment (deprecated) or pinned version if behavior is 'PINNED'")
        }
        Ok(VersioningBehavior::AutoUpgrade) if given.deployment.is_some() => {
            invalid("only provide deployment if behavior is 'PINNED'")
        }
        Ok(VersioningBehavior::AutoUpgrade) if !given.pinned_version.is_empty() => {
            invalid("only provide pinned version if behavior is 'PINNED'")
        }
        Ok(VersioningBehavior::Pinned | VersioningBehavior::AutoUpgrade) => Ok(()),
        _ => invalid("override behavior is required"),
    }
}

/// UNIMPLEMENTED for an option that must not be ignored.
pub(super) fn unimplemented<T>(what: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Unimplemented, format!("not implemented: {what}")))
}

/// The size of a memo.
pub(super) fn memo(size: usize, limits: &Config) -> Result<()> {
    let limit = limits.memo_bytes_max;
    if size <= limit {
        return Ok(());
    }
    invalid(format!("Memo size exceeds limit. It has {size} bytes, {limit} are allowed."))
}

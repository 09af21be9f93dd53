//! What a standalone activity looks like to those who ask.

use temporalio_protos::temporal::api::{
    activity::v1::{ActivityExecutionInfo, CallbackInfo, callback_info as of_callback},
    deployment::v1::WorkerDeploymentVersion,
    enums::v1::{ActivityExecutionStatus, PendingActivityState, WorkflowExecutionStatus},
    workflowservice::v1::{DescribeActivityExecutionRequest, DescribeActivityExecutionResponse},
};

use crate::base::time::{Span, Time, duration, timestamp};
use crate::execution::Execution;
use crate::execution::standalone::activity::{activity_id, without_division};
use crate::stored::execution::{Activity, CallbackState};

/// The status of an activity, which is kept as that of an execution.
pub fn activity_status(status: i32) -> ActivityExecutionStatus {
    match WorkflowExecutionStatus::try_from(status) {
        Ok(WorkflowExecutionStatus::Running) => ActivityExecutionStatus::Running,
        Ok(WorkflowExecutionStatus::Completed) => ActivityExecutionStatus::Completed,
        Ok(WorkflowExecutionStatus::Failed) => ActivityExecutionStatus::Failed,
        Ok(WorkflowExecutionStatus::Canceled) => ActivityExecutionStatus::Canceled,
        Ok(WorkflowExecutionStatus::Terminated) => ActivityExecutionStatus::Terminated,
        Ok(WorkflowExecutionStatus::TimedOut) => ActivityExecutionStatus::TimedOut,
        _ => ActivityExecutionStatus::Unspecified,
    }
}

impl Execution {
    /// The description with the parts that the request wants.
    pub(crate) fn describe_standalone_activity(
        &self,
        request: &DescribeActivityExecutionRequest,
    ) -> DescribeActivityExecutionResponse {
        let activity = self.standalone_activity().cloned().unwrap_or_default();
        let mut info = self.standalone_info(&activity);
        if request.include_heartbeat_details {
            info.heartbeat_details = activity.heartbeat_details.clone();
        }
        if request.include_last_failure {
            info.last_failure = activity.last_failure.clone();
        }
        DescribeActivityExecutionResponse {
            run_id: self.core.run_id.clone(),
            info: Some(info),
            input: activity.attributes().input.clone().filter(|_| request.include_input),
            outcome: self.outcome().filter(|_| request.include_outcome),
            long_poll_token: self.core.transitions.to_be_bytes().to_vec(),
            callbacks: self.callbacks.values().map(callback_info).collect(),
        }
    }

    fn standalone_info(&self, activity: &Activity) -> ActivityExecutionInfo {
        let (core, a) = (&self.core, activity.attributes());
        let standalone = core.standalone.clone().unwrap_or_default();
        let closed = core.close_time() != Time::UNSET;
        let paused = activity.paused && !activity.is_started();
        let status = if !closed && paused { ActivityExecutionStatus::Paused } else { activity_status(core.status) };
        let attributes = self.properties.search_attributes.clone().unwrap_or_default();
        let worker = activity.worker.as_ref().filter(|worker| crate::base::version::is_versioned(worker));
        ActivityExecutionInfo {
            activity_id: activity_id(&core.workflow_id).to_owned(),
            run_id: core.run_id.clone(),
            activity_type: a.activity_type.clone(),
            status: status as i32,
            run_state: if closed { PendingActivityState::Unspecified as i32 } else { activity.run_state() as i32 },
            task_queue: activity.queue().to_owned(),
            schedule_to_close_timeout: a.schedule_to_close_timeout,
            schedule_to_start_timeout: a.schedule_to_start_timeout,
            start_to_close_timeout: a.start_to_close_timeout,
            heartbeat_timeout: a.heartbeat_timeout,
            retry_policy: a.retry_policy.clone(),
            last_heartbeat_time: timestamp(activity.last_heartbeat_time()),
            last_started_time: timestamp(activity.last_started_time()),
            attempt: activity.attempt,
            execution_duration: if closed { duration(core.close_time() - core.start_time()) } else { None },
            schedule_time: timestamp(core.start_time()),
            expiration_time: timestamp(activity.expiration()),
            close_time: timestamp(core.close_time()),
            last_worker_identity: activity.last_worker_identity.clone(),
            current_retry_interval: match activity.backoff_due() {
                Time::UNSET => None,
                _ if activity.attempt == 1 => None,
                _ => duration(activity.current_retry_interval()),
            },
            last_attempt_complete_time: timestamp(activity.last_attempt_complete_time()),
            next_attempt_schedule_time: timestamp(if closed { Time::UNSET } else { activity.backoff_due() }),
            last_deployment_version: worker.map(|worker| WorkerDeploymentVersion {
                deployment_name: worker.deployment_name.clone(),
                build_id: worker.build_id.clone(),
            }),
            priority: a.priority.clone(),
            state_transition_count: core.transitions,
            search_attributes: Some(without_division(attributes)),
            header: a.header.clone(),
            user_metadata: core.user_metadata.clone(),
            canceled_reason: standalone.cancel_reason,
            links: self.start.links.clone(),
            start_delay: Some(Span::from_nanos(standalone.start_delay))
                .filter(|delay| delay.is_positive())
                .and_then(duration),
            execution_time: timestamp(core.execution_time()),
            ..Default::default()
        }
    }
}

fn callback_info(state: &CallbackState) -> CallbackInfo {
    let closed = of_callback::trigger::Variant::ActivityClosed(of_callback::ActivityClosed {});
    CallbackInfo { trigger: Some(of_callback::Trigger { variant: Some(closed) }), info: Some(state.common_info()) }
}

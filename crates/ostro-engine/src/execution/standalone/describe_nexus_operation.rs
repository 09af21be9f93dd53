//! What a Nexus operation without a workflow looks like to those who ask.

use temporalio_protos::temporal::api::{
    common::v1::{Payload, SearchAttributes},
    enums::v1::{
        NexusOperationExecutionStatus, NexusOperationWaitStage as Stage, PendingNexusOperationState,
        WorkflowExecutionStatus,
    },
    failure::v1::Failure,
    nexus::v1::{NexusOperationExecutionCancellationInfo, NexusOperationExecutionInfo},
    nexusoperation::v1::{CallbackInfo, callback_info as of_callback},
    workflowservice::v1::{
        DescribeNexusOperationExecutionRequest, DescribeNexusOperationExecutionResponse,
        PollNexusOperationExecutionResponse, describe_nexus_operation_execution_response as described,
        poll_nexus_operation_execution_response as polled,
    },
};

use crate::base::time::{Span, Time, duration, from_duration, timestamp};
use crate::execution::Execution;
use crate::execution::standalone::activity::without_division;
use crate::execution::standalone::nexus_operation::{
    ENDPOINT_ATTRIBUTE, REQUEST_ID_ATTRIBUTE, SERVICE_ATTRIBUTE, operation_id,
};
use crate::stored::execution::{CallbackState, NexusOperation};

/// The status of an operation, which is kept as that of an execution.
pub fn operation_status(status: i32) -> NexusOperationExecutionStatus {
    match WorkflowExecutionStatus::try_from(status) {
        Ok(WorkflowExecutionStatus::Running) => NexusOperationExecutionStatus::Running,
        Ok(WorkflowExecutionStatus::Completed) => NexusOperationExecutionStatus::Completed,
        Ok(WorkflowExecutionStatus::Failed) => NexusOperationExecutionStatus::Failed,
        Ok(WorkflowExecutionStatus::Canceled) => NexusOperationExecutionStatus::Canceled,
        Ok(WorkflowExecutionStatus::Terminated) => NexusOperationExecutionStatus::Terminated,
        Ok(WorkflowExecutionStatus::TimedOut) => NexusOperationExecutionStatus::TimedOut,
        _ => NexusOperationExecutionStatus::Unspecified,
    }
}

/// Without what is kept among the attributes only to find it by.
pub fn without_own(attributes: SearchAttributes) -> SearchAttributes {
    let mut attributes = without_division(attributes);
    for name in [ENDPOINT_ATTRIBUTE, SERVICE_ATTRIBUTE, REQUEST_ID_ATTRIBUTE] {
        attributes.indexed_fields.remove(name);
    }
    attributes
}

/// How it ended.
enum Outcome {
    Result(Payload),
    Failure(Box<Failure>),
}

impl Execution {
    /// The description with the parts that the request wants; `now` counts for how long it has run.
    pub(crate) fn describe_standalone_nexus_operation(
        &self,
        request: &DescribeNexusOperationExecutionRequest,
        now: Time,
    ) -> DescribeNexusOperationExecutionResponse {
        let operation = self.standalone_nexus_operation().cloned().unwrap_or_default();
        let outcome = self.operation_outcome().filter(|_| request.include_outcome).map(|outcome| match outcome {
            Outcome::Result(payload) => described::Outcome::Result(payload),
            Outcome::Failure(failure) => described::Outcome::Failure(*failure),
        });
        DescribeNexusOperationExecutionResponse {
            run_id: self.core.run_id.clone(),
            info: Some(self.operation_info(&operation, now)),
            input: operation.attributes().input.clone().filter(|_| request.include_input),
            outcome,
            long_poll_token: self.core.transitions.to_be_bytes().to_vec(),
            completion_callbacks: self.callbacks.values().map(callback_info).collect(),
        }
    }

    /// How far it has come, for those who wait for that.
    pub(crate) fn operation_progress(&self) -> PollNexusOperationExecutionResponse {
        let operation = self.standalone_nexus_operation().cloned().unwrap_or_default();
        let stage = match self.is_open() {
            false => Stage::Closed,
            true if operation.is_started() => Stage::Started,
            true => Stage::Unspecified,
        };
        PollNexusOperationExecutionResponse {
            run_id: self.core.run_id.clone(),
            wait_stage: stage as i32,
            operation_token: operation.operation_token,
            outcome: self.operation_outcome().map(|outcome| match outcome {
                Outcome::Result(payload) => polled::Outcome::Result(payload),
                Outcome::Failure(failure) => polled::Outcome::Failure(*failure),
            }),
        }
    }

    fn operation_outcome(&self) -> Option<Outcome> {
        let standalone = self.core.standalone.as_ref().filter(|_| !self.is_open())?;
        let result = || standalone.result.as_ref().and_then(|payloads| payloads.payloads.first().cloned());
        Some(match &standalone.failure {
            Some(failure) => Outcome::Failure(Box::new(failure.clone())),
            None => Outcome::Result(result().unwrap_or_default()),
        })
    }

    fn operation_info(&self, operation: &NexusOperation, now: Time) -> NexusOperationExecutionInfo {
        let (core, pending, a) = (&self.core, operation.describe(), operation.attributes());
        let closed = core.close_time() != Time::UNSET;
        let attributes = self.properties.search_attributes.clone().unwrap_or_default();
        let unspecified = PendingNexusOperationState::Unspecified as i32;
        let limit = from_duration(&a.schedule_to_close_timeout);
        NexusOperationExecutionInfo {
            operation_id: operation_id(&core.workflow_id).to_owned(),
            run_id: core.run_id.clone(),
            endpoint: pending.endpoint,
            service: pending.service,
            operation: pending.operation,
            status: operation_status(core.status) as i32,
            state: if closed { unspecified } else { pending.state },
            schedule_to_close_timeout: pending.schedule_to_close_timeout,
            schedule_to_start_timeout: pending.schedule_to_start_timeout,
            start_to_close_timeout: pending.start_to_close_timeout,
            attempt: pending.attempt,
            schedule_time: timestamp(core.start_time()),
            expiration_time: timestamp(if limit > Span::ZERO { core.start_time() + limit } else { Time::UNSET }),
            close_time: timestamp(core.close_time()),
            last_attempt_complete_time: pending.last_attempt_complete_time,
            last_attempt_failure: pending.last_attempt_failure,
            next_attempt_schedule_time: pending.next_attempt_schedule_time.filter(|_| !closed),
            execution_duration: duration(if closed { core.close_time() } else { now } - core.start_time()),
            cancellation_info: self.cancellation(operation),
            request_id: a.request_id.clone(),
            operation_token: pending.operation_token,
            state_transition_count: core.transitions,
            search_attributes: Some(without_own(attributes)),
            nexus_header: a.nexus_header.clone(),
            user_metadata: core.user_metadata.clone(),
            links: self.links_of_standalone_nexus_operation(),
            identity: self.started().identity.clone(),
            ..Default::default()
        }
    }

    fn cancellation(&self, operation: &NexusOperation) -> Option<NexusOperationExecutionCancellationInfo> {
        let cancel = operation.describe().cancellation_info?;
        Some(NexusOperationExecutionCancellationInfo {
            requested_time: cancel.requested_time,
            state: cancel.state,
            attempt: cancel.attempt,
            last_attempt_complete_time: cancel.last_attempt_complete_time,
            last_attempt_failure: cancel.last_attempt_failure,
            next_attempt_schedule_time: cancel.next_attempt_schedule_time,
            reason: self.core.standalone.as_ref().map(|s| s.cancel_reason.clone()).unwrap_or_default(),
            ..Default::default()
        })
    }
}

fn callback_info(state: &CallbackState) -> CallbackInfo {
    let completed = of_callback::trigger::Variant::OperationCompleted(of_callback::OperationCompleted {});
    CallbackInfo { trigger: Some(of_callback::Trigger { variant: Some(completed) }), info: Some(state.common_info()) }
}

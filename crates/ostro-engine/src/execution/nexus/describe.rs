//! Operations as those see them who ask.

use temporalio_protos::temporal::api::{
    enums::v1::{NexusOperationCancellationState as Cancellation, PendingNexusOperationState as Pending},
    workflow::v1::{NexusOperationCancellationInfo, PendingNexusOperationInfo},
};

use crate::base::time::{Time, timestamp};
use crate::stored::execution::RequestState;
use crate::stored::execution::{NexusCancel, NexusOperation, NexusRequest};

impl NexusOperation {
    pub(crate) fn describe(&self) -> PendingNexusOperationInfo {
        let (a, request) = (self.attributes(), self.start_request());
        let state = match request.state() {
            _ if self.is_started() => Pending::Started,
            RequestState::BackingOff => Pending::BackingOff,
            _ => Pending::Scheduled,
        };
        PendingNexusOperationInfo {
            endpoint: a.endpoint.clone(),
            service: a.service.clone(),
            operation: a.operation.clone(),
            operation_id: self.operation_token.clone(),
            operation_token: self.operation_token.clone(),
            schedule_to_close_timeout: a.schedule_to_close_timeout,
            schedule_to_start_timeout: a.schedule_to_start_timeout,
            start_to_close_timeout: a.start_to_close_timeout,
            scheduled_time: timestamp(self.scheduled_time()),
            state: state as i32,
            attempt: request.attempt,
            last_attempt_complete_time: timestamp(request.last_attempt_complete_time()),
            next_attempt_schedule_time: timestamp(request.back_off_due()),
            last_attempt_failure: request.last_attempt_failure,
            cancellation_info: self.cancel.as_ref().map(describe_cancel),
            scheduled_event_id: self.scheduled_event_id,
            ..Default::default()
        }
    }
}

impl NexusRequest {
    fn back_off_due(&self) -> Time {
        if self.state() == RequestState::BackingOff { self.due() } else { Time::UNSET }
    }
}

fn describe_cancel(cancel: &NexusCancel) -> NexusOperationCancellationInfo {
    let request = cancel.request.clone().unwrap_or_default();
    let state = match request.state() {
        RequestState::Idle => Cancellation::Unspecified,
        RequestState::Offered | RequestState::WithWorker => Cancellation::Scheduled,
        RequestState::BackingOff => Cancellation::BackingOff,
        RequestState::Succeeded => Cancellation::Succeeded,
        RequestState::Failed => Cancellation::Failed,
    };
    NexusOperationCancellationInfo {
        requested_time: timestamp(cancel.requested_time()),
        state: state as i32,
        attempt: request.attempt,
        last_attempt_complete_time: timestamp(request.last_attempt_complete_time()),
        next_attempt_schedule_time: timestamp(request.back_off_due()),
        last_attempt_failure: request.last_attempt_failure,
        ..Default::default()
    }
}

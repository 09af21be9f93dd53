//! The events of an operation after it was scheduled.

use temporalio_protos::temporal::api::{
    common::v1::{Link, Payload},
    enums::v1::TimeoutType,
    failure::v1::{Failure, TimeoutFailureInfo, failure::FailureInfo},
    history::v1::{
        HistoryEvent, NexusOperationCancelRequestCompletedEventAttributes,
        NexusOperationCancelRequestFailedEventAttributes, NexusOperationCanceledEventAttributes,
        NexusOperationCompletedEventAttributes, NexusOperationFailedEventAttributes,
        NexusOperationStartedEventAttributes, NexusOperationTimedOutEventAttributes, history_event::Attributes,
    },
};

use super::What;
use crate::base::time::{Time, timestamp};
use crate::execution::Transition;
use crate::execution::history::Extras;
use crate::stored::execution::Completion;
use crate::stored::execution::NexusOperation;
use crate::stored::execution::RequestState;

impl NexusOperation {
    /// The time-out that struck first, by `now`: nobody may have been there for a while.
    pub(super) fn struck(&self, now: Time) -> Option<TimeoutType> {
        let struck = self.time_outs().into_iter().filter(|(time, _)| *time != Time::UNSET && *time <= now);
        struck.min_by_key(|(time, _)| *time).map(|(_, kind)| kind)
    }

    fn started_event(&self, token: &str, time: Time, links: Vec<Link>) -> HistoryEvent {
        let attributes = Attributes::from(NexusOperationStartedEventAttributes {
            scheduled_event_id: self.scheduled_event_id,
            operation_id: token.to_owned(),
            request_id: self.attributes().request_id.clone(),
            operation_token: token.to_owned(),
        });
        HistoryEvent {
            event_time: timestamp(time),
            event_type: attributes.event_type() as i32,
            links,
            attributes: Some(attributes),
            ..Default::default()
        }
    }

    /// Notes that the handler works on it since `time`.
    pub(in crate::execution) fn set_started(&mut self, token: String, time: Time) {
        self.operation_token = token;
        self.started_time = time.nanos();
        let request = self.request_mut(What::Start);
        request.set_state(RequestState::Succeeded);
        request.last_attempt_complete_time = time.nanos();
        request.last_attempt_failure = None;
    }
}

impl Transition<'_> {
    /// The handler works on it.
    pub(super) fn nexus_operation_started(&mut self, event: i64, token: String, time: Time, links: Vec<Link>) {
        if self.exec.nexus.contains_key(&event) {
            self.note_nexus_started(event, token, time, links);
            self.schedule_workflow_task();
        }
    }

    fn note_nexus_started(&mut self, event: i64, token: String, time: Time, links: Vec<Link>) {
        let Some(operation) = self.exec.nexus.get(&event) else { return };
        let started = operation.started_event(&token, time, links);
        self.materialise_speculative();
        self.record_at(started);
        let Some(operation) = self.exec.nexus_operation_mut(event) else { return };
        operation.set_started(token, time);
        if operation.cancel.is_some() {
            self.send_nexus_request(event, What::Cancel);
        }
    }

    pub(crate) fn nexus_operation_completed(&mut self, event: i64, result: Option<Payload>, links: Vec<Link>) {
        let Some(operation) = self.end_nexus_operation(event) else { return };
        let request_id = operation.attributes().request_id.clone();
        let extras = Extras { links, ..Default::default() };
        self.record_with(
            NexusOperationCompletedEventAttributes { scheduled_event_id: event, result, request_id },
            extras,
        );
        self.schedule_workflow_task();
    }

    /// It ended without success: cancelled where the failure says so.
    pub(super) fn nexus_operation_ended(&mut self, event: i64, cause: Failure) {
        if !matches!(cause.failure_info, Some(FailureInfo::CanceledFailureInfo(_))) {
            return self.nexus_operation_failed(event, cause);
        }
        let Some(operation) = self.end_nexus_operation(event) else { return };
        let (failure, request_id) = (Some(operation.failure(cause)), operation.attributes().request_id.clone());
        self.record(NexusOperationCanceledEventAttributes { scheduled_event_id: event, failure, request_id });
        self.schedule_workflow_task();
    }

    pub(crate) fn nexus_operation_failed(&mut self, event: i64, cause: Failure) {
        let Some(operation) = self.end_nexus_operation(event) else { return };
        let (failure, request_id) = (Some(operation.failure(cause)), operation.attributes().request_id.clone());
        self.record(NexusOperationFailedEventAttributes { scheduled_event_id: event, failure, request_id });
        self.schedule_workflow_task();
    }

    pub(super) fn time_out_nexus_operation(&mut self, event: i64, kind: TimeoutType) {
        let Some(operation) = self.end_nexus_operation(event) else { return };
        let cause = Failure {
            message: "operation timed out".to_owned(),
            failure_info: Some(FailureInfo::TimeoutFailureInfo(TimeoutFailureInfo {
                timeout_type: kind as i32,
                ..Default::default()
            })),
            ..Default::default()
        };
        let (failure, request_id) = (Some(operation.failure(cause)), operation.attributes().request_id.clone());
        self.record(NexusOperationTimedOutEventAttributes { scheduled_event_id: event, failure, request_id });
        self.schedule_workflow_task();
    }

    /// What ran behind the operation has ended. The caller may not have heard of its start yet.
    pub(crate) fn nexus_called_back(&mut self, event: i64, token: String, completion: Completion) {
        let Some(operation) = self.exec.nexus.get(&event) else { return };
        if !operation.is_started() {
            self.withdraw_nexus_request(event, What::Start);
            let time = if completion.start_time > 0 { completion.start_time() } else { self.now };
            // The workflow is told of both at once.
            self.note_nexus_started(event, token, time, completion.links);
        }
        match completion.failure {
            None => self.nexus_operation_completed(event, completion.result, Vec::new()),
            Some(failure) => self.nexus_operation_ended(event, failure),
        }
    }

    pub(super) fn record_nexus_cancel_completed(&mut self, event: i64) {
        let requested_event_id = self.nexus_cancel_requested(event);
        self.record_with(
            NexusOperationCancelRequestCompletedEventAttributes {
                requested_event_id,
                scheduled_event_id: event,
                ..Default::default()
            },
            ignorable(),
        );
        self.schedule_workflow_task();
    }

    pub(super) fn nexus_cancel_failed(&mut self, event: i64, failure: Failure) {
        let requested_event_id = self.nexus_cancel_requested(event);
        self.record_with(
            NexusOperationCancelRequestFailedEventAttributes {
                requested_event_id,
                scheduled_event_id: event,
                failure: Some(failure),
                ..Default::default()
            },
            ignorable(),
        );
        self.schedule_workflow_task();
    }

    fn nexus_cancel_requested(&self, event: i64) -> i64 {
        let cancel = self.exec.nexus.get(&event).and_then(|operation| operation.cancel.as_ref());
        cancel.map_or(0, |cancel| cancel.requested_event_id)
    }

    pub(in crate::execution) fn end_nexus_operation(&mut self, event: i64) -> Option<NexusOperation> {
        self.withdraw_nexus_request(event, What::Start);
        self.withdraw_nexus_request(event, What::Cancel);
        let operation = self.exec.remove_nexus_operation(event)?;
        self.keep_ended_operation(&operation);
        Some(operation)
    }
}

/// SDKs that are older than an event may pass over it.
fn ignorable() -> Extras {
    Extras { worker_may_ignore: true, ..Default::default() }
}

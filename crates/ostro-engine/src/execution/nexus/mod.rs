//! Operations that the workflow called through Nexus.
//!
//! ```text
//! the request to start:  Offered --a worker takes it--> WithWorker --answered--> Started | completed | failed | canceled
//!                        Offered | WithWorker --request time-out, retryable error--> BackingOff --due--> Offered(attempt + 1)
//! the operation:         Scheduled --Started by its handler--> Started --callback--> completed | failed | canceled
//!                        Scheduled | Started --schedule-to-start, start-to-close, schedule-to-close--> timed out
//! the request to cancel: Idle (until the operation has started) -> Offered -> WithWorker -> Succeeded | Failed | BackingOff
//! ```
//!
//! A request waits on the Nexus queue of the endpoint's target. Its time-out covers the wait and the work: so one that a
//! restart or a dead worker has lost is made again.

mod complete;
mod describe;
mod reapply;
mod request;
mod respond;

pub(in crate::execution) use request::back_off;
pub(crate) use request::{OPERATION_TIMEOUT, What, set_operation_timeout, set_request_timeout};
pub(crate) use respond::{Response, token_fault};

use temporalio_protos::temporal::api::{
    enums::v1::TimeoutType, failure::v1::Failure, failure::v1::NexusOperationFailureInfo,
    failure::v1::failure::FailureInfo, history::v1::NexusOperationScheduledEventAttributes,
};

use crate::base::time::{SECOND, Span, Time, from_duration};
use crate::stored::execution::{NexusCancel, NexusOperation, NexusRequest, RequestState};

/// The first back-off between attempts; it doubles with each.
const RETRY_INTERVAL: Span = SECOND;
/// The most that the back-off grows to.
const RETRY_INTERVAL_MAX: Span = SECOND.times(3600);

impl NexusRequest {
    fn is_open(&self) -> bool {
        matches!(self.state(), RequestState::Offered | RequestState::WithWorker | RequestState::BackingOff)
    }

    /// With a worker, or on its way to one.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.state(), RequestState::Offered | RequestState::WithWorker)
    }

    fn next_due(&self) -> Time {
        if self.is_open() { self.due() } else { Time::UNSET }
    }
}

impl NexusOperation {
    pub fn attributes(&self) -> &NexusOperationScheduledEventAttributes {
        self.scheduled.as_ref().expect("an operation is stored with its event")
    }

    pub fn is_started(&self) -> bool {
        self.started_time != 0
    }

    pub fn start_request(&self) -> NexusRequest {
        self.start.clone().unwrap_or_default()
    }

    pub fn cancel_request(&self) -> NexusRequest {
        self.cancel.as_ref().and_then(|cancel| cancel.request.clone()).unwrap_or_default()
    }

    pub(super) fn request_mut(&mut self, what: What) -> &mut NexusRequest {
        match what {
            What::Start => self.start.get_or_insert_default(),
            What::Cancel => self.cancel.get_or_insert_default().request.get_or_insert_default(),
        }
    }

    pub fn request(&self, what: What) -> NexusRequest {
        match what {
            What::Start => self.start_request(),
            What::Cancel => self.cancel_request(),
        }
    }

    /// When each of its time-outs strikes; 0: never.
    fn time_outs(&self) -> [(Time, TimeoutType); 3] {
        let a = self.attributes();
        let after =
            |from: Time, span: Span| if span > Span::ZERO && from > Time::UNSET { from + span } else { Time::UNSET };
        let to_start = if self.is_started() { Span::ZERO } else { from_duration(&a.schedule_to_start_timeout) };
        [
            (after(self.scheduled_time(), to_start), TimeoutType::ScheduleToStart),
            (after(self.started_time(), from_duration(&a.start_to_close_timeout)), TimeoutType::StartToClose),
            (after(self.scheduled_time(), from_duration(&a.schedule_to_close_timeout)), TimeoutType::ScheduleToClose),
        ]
    }

    /// The next moment at which the engine must look at it.
    pub fn next_due(&self) -> Option<Time> {
        let time_outs = self.time_outs().map(|(time, _)| time);
        let requests = [self.start_request().next_due(), self.cancel_request().next_due()];
        time_outs.into_iter().chain(requests).filter(|time| *time != Time::UNSET).min()
    }

    /// What the event of an unsuccessful end says.
    fn failure(&self, cause: Failure) -> Failure {
        let a = self.attributes();
        Failure {
            message: "nexus operation completed unsuccessfully".to_owned(),
            failure_info: Some(FailureInfo::NexusOperationExecutionFailureInfo(NexusOperationFailureInfo {
                scheduled_event_id: self.scheduled_event_id,
                endpoint: a.endpoint.clone(),
                service: a.service.clone(),
                operation: a.operation.clone(),
                operation_id: self.operation_token.clone(),
                operation_token: self.operation_token.clone(),
            })),
            cause: Some(Box::new(cause)),
            ..Default::default()
        }
    }

    /// An operation that event `id` scheduled at `time`.
    pub(super) fn new(id: i64, scheduled: NexusOperationScheduledEventAttributes, time: Time) -> Self {
        Self { scheduled_event_id: id, scheduled: Some(scheduled), scheduled_time: time.nanos(), ..Default::default() }
    }

    pub(super) fn request_cancel(&mut self, requested_event_id: i64, time: Time) {
        self.cancel = Some(NexusCancel {
            requested_event_id,
            requested_time: time.nanos(),
            request: Some(NexusRequest::default()),
        });
    }
}

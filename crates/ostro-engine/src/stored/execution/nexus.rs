//! Nexus operations and their requests, as they are stored.

use ostro_nesting::shapes::FAILURE_V1_FAILURE;
use prost::Message;
use temporalio_protos::temporal::api::{failure::v1 as failure, history::v1 as history};

use crate::base::nesting::nested;
use crate::base::time::typed_times;

/// An operation called through Nexus that has not ended.
#[derive(Clone, PartialEq, Message)]
pub struct NexusOperation {
    #[prost(int64, tag = "1")]
    pub scheduled_event_id: i64,
    #[prost(message, optional, tag = "2")]
    pub scheduled: Option<history::NexusOperationScheduledEventAttributes>,
    #[prost(int64, tag = "3")]
    pub scheduled_time: i64,
    /// The request to start it.
    #[prost(message, optional, tag = "4")]
    pub start: Option<NexusRequest>,
    /// 0 until its handler works on it.
    #[prost(int64, tag = "5")]
    pub started_time: i64,
    #[prost(string, tag = "6")]
    pub operation_token: String,
    #[prost(message, optional, tag = "7")]
    pub cancel: Option<NexusCancel>,
}

/// The cancellation of an operation.
#[derive(Clone, PartialEq, Message)]
pub struct NexusCancel {
    #[prost(int64, tag = "1")]
    pub requested_event_id: i64,
    #[prost(int64, tag = "2")]
    pub requested_time: i64,
    #[prost(message, optional, tag = "3")]
    pub request: Option<NexusRequest>,
}

/// A request to the handler of an operation.
#[derive(Clone, PartialEq, Message)]
pub struct NexusRequest {
    #[prost(enumeration = "RequestState", tag = "1")]
    pub state: i32,
    #[prost(int32, tag = "2")]
    pub attempt: i32,
    /// The end of the attempt, or of the back-off.
    #[prost(int64, tag = "3")]
    pub due: i64,
    /// When a worker took it; 0 until then.
    #[prost(int64, tag = "4")]
    pub started_time: i64,
    #[prost(int64, tag = "5")]
    pub last_attempt_complete_time: i64,
    #[prost(message, optional, tag = "6")]
    pub last_attempt_failure: Option<failure::Failure>,
    /// The queue that it waits on.
    #[prost(int64, tag = "7")]
    pub namespace: i64,
    #[prost(string, tag = "8")]
    pub queue: String,
}

/// How far a request to a handler has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum RequestState {
    /// Not made yet.
    Idle = 0,
    /// Waits for a worker.
    Offered = 1,
    WithWorker = 2,
    BackingOff = 3,
    Succeeded = 4,
    Failed = 5,
}

typed_times!(NexusOperation: Time scheduled_time, Time started_time);
typed_times!(NexusCancel: Time requested_time);
typed_times!(NexusRequest: Time due, Time started_time, Time last_attempt_complete_time);

nested! {
    NexusOperation { 4: NexusRequest::SHAPE, 7: NexusCancel::SHAPE }
    NexusCancel { 3: NexusRequest::SHAPE }
    NexusRequest { 6: &FAILURE_V1_FAILURE }
}

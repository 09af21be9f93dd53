//! Timers, children, and signals and cancellations of other executions, as they are stored.

use prost::Message;
use temporalio_protos::temporal::api::{history::v1 as history, sdk::v1 as sdk};

use crate::base::time::typed_times;

/// A timer that runs.
#[derive(Clone, PartialEq, Message)]
pub struct Timer {
    #[prost(string, tag = "1")]
    pub timer_id: String,
    #[prost(int64, tag = "2")]
    pub started_event_id: i64,
    #[prost(int64, tag = "3")]
    pub due: i64,
}

/// A child workflow that has not ended.
#[derive(Clone, PartialEq, Message)]
pub struct Child {
    #[prost(int64, tag = "1")]
    pub initiated_event_id: i64,
    #[prost(message, optional, tag = "2")]
    pub initiated: Option<history::StartChildWorkflowExecutionInitiatedEventAttributes>,
    /// 0 until the child started; -1 while that event is buffered.
    #[prost(int64, tag = "3")]
    pub started_event_id: i64,
    #[prost(string, tag = "4")]
    pub run_id: String,
    #[prost(string, tag = "5")]
    pub request_id: String,
    #[prost(message, optional, tag = "6")]
    pub user_metadata: Option<sdk::UserMetadata>,
}

/// A signal to another execution, not yet confirmed.
#[derive(Clone, PartialEq, Message)]
pub struct SignalExternal {
    #[prost(int64, tag = "1")]
    pub initiated_event_id: i64,
    #[prost(message, optional, tag = "2")]
    pub initiated: Option<history::SignalExternalWorkflowExecutionInitiatedEventAttributes>,
    #[prost(string, tag = "3")]
    pub request_id: String,
}

/// A signal that was taken.
#[derive(Clone, PartialEq, Message)]
pub struct SignalRequest {
    /// 0 while the event is in the buffer, and for signals of before this was kept.
    #[prost(int64, tag = "1")]
    pub event_id: i64,
}

/// A cancellation of another execution, not yet confirmed.
#[derive(Clone, PartialEq, Message)]
pub struct CancelExternal {
    #[prost(int64, tag = "1")]
    pub initiated_event_id: i64,
    #[prost(message, optional, tag = "2")]
    pub initiated: Option<history::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes>,
    #[prost(string, tag = "3")]
    pub request_id: String,
}

typed_times!(Timer: Time due);

//! An activity, as it is stored.

use ostro_nesting::shapes::FAILURE_V1_FAILURE;
use prost::Message;
use temporalio_protos::temporal::api::{
    activity::v1 as activity, common::v1 as common, deployment::v1 as deployment, failure::v1 as failure,
    history::v1 as history, workflow::v1 as workflow,
};

use crate::base::nesting::nested;
use crate::base::time::typed_times;

/// An activity that has not ended.
#[derive(Clone, PartialEq, Message)]
pub struct Activity {
    #[prost(int64, tag = "1")]
    pub scheduled_event_id: i64,
    #[prost(message, optional, tag = "2")]
    pub scheduled: Option<history::ActivityTaskScheduledEventAttributes>,
    #[prost(int64, tag = "3")]
    pub scheduled_time: i64,
    #[prost(int32, tag = "4")]
    pub attempt: i32,
    /// When this attempt was put on its queue; in the future while it backs off.
    #[prost(int64, tag = "5")]
    pub attempt_scheduled_time: i64,
    /// 0 unless an attempt runs.
    #[prost(int64, tag = "6")]
    pub started_time: i64,
    #[prost(string, tag = "7")]
    pub request_id: String,
    #[prost(string, tag = "8")]
    pub identity: String,
    #[prost(int64, tag = "9")]
    pub last_heartbeat_time: i64,
    #[prost(message, optional, tag = "10")]
    pub heartbeat_details: Option<common::Payloads>,
    #[prost(bool, tag = "11")]
    pub cancel_requested: bool,
    #[prost(int64, tag = "12")]
    pub cancel_requested_event_id: i64,
    #[prost(message, optional, tag = "13")]
    pub last_failure: Option<failure::Failure>,
    /// When the last attempt ended.
    #[prost(int64, tag = "14")]
    pub last_attempt_complete_time: i64,
    #[prost(int64, tag = "15")]
    pub current_retry_interval: i64,
    /// Waits for its back-off to end.
    #[prost(bool, tag = "16")]
    pub backing_off: bool,
    #[prost(bool, tag = "17")]
    pub paused: bool,
    #[prost(message, optional, tag = "18")]
    pub pause_info: Option<workflow::pending_activity_info::PauseInfo>,
    /// Tell the worker in its next heartbeat that the attempt was reset.
    #[prost(bool, tag = "19")]
    pub reset: bool,
    #[prost(bool, tag = "20")]
    pub reset_heartbeats: bool,
    /// The options that it was scheduled with, where they were changed since.
    #[prost(message, optional, tag = "21")]
    pub options: Option<activity::ActivityOptions>,
    #[prost(int64, tag = "22")]
    pub started_event_id: i64,
    #[prost(int64, tag = "23")]
    pub first_scheduled_time: i64,
    #[prost(string, tag = "24")]
    pub last_worker_identity: String,
    #[prost(int64, tag = "25")]
    pub last_started_time: i64,
    /// The worker that has the attempt, or had the last one.
    #[prost(message, optional, tag = "26")]
    pub worker: Option<deployment::WorkerDeploymentOptions>,
    /// The request that paused it.
    #[prost(string, tag = "27")]
    pub pause_request_id: String,
    /// The attempt goes on outside of the process that took it: it is not lost with that.
    #[prost(bool, tag = "28")]
    pub detached: bool,
}

typed_times!(Activity: Time scheduled_time, Time attempt_scheduled_time, Time started_time, Time last_heartbeat_time, Time last_attempt_complete_time, Span current_retry_interval, Time first_scheduled_time, Time last_started_time);

nested! {
    Activity { 13: &FAILURE_V1_FAILURE }
}

//! Callbacks, and what they say, as they are stored.

use ostro_nesting::shapes::{FAILURE_V1_FAILURE, WORKFLOW_V1_CALLBACKINFO};
use prost::Message;
use temporalio_protos::temporal::api::{common::v1 as common, failure::v1 as failure, workflow::v1 as workflow};

use crate::base::nesting::nested;
use crate::base::time::typed_times;

/// A callback to deliver when the execution closes.
#[derive(Clone, PartialEq, Message)]
pub struct CallbackState {
    #[prost(message, optional, tag = "1")]
    pub info: Option<workflow::CallbackInfo>,
    /// The request that brought it.
    #[prost(string, tag = "2")]
    pub request_id: String,
    /// What it says, while it is on its way to a URL outside.
    #[prost(message, optional, tag = "3")]
    pub completion: Option<Completion>,
    /// The end of the attempt, or of the back-off.
    #[prost(int64, tag = "4")]
    pub due: i64,
    /// Whether the attempt has left the engine.
    #[prost(bool, tag = "5")]
    pub sent: bool,
    /// Registered since tokens are sealed: one that goes to this server names its operation by a sealed one.
    #[prost(bool, tag = "6")]
    pub sealed: bool,
}

/// How an operation that ran by itself ended.
#[derive(Clone, PartialEq, Message)]
pub struct Completion {
    #[prost(message, optional, tag = "1")]
    pub result: Option<common::Payload>,
    /// It ended without success: cancelled where the failure says so.
    #[prost(message, optional, tag = "2")]
    pub failure: Option<failure::Failure>,
    /// When what is behind it started, and links to that, in case the caller has not heard of its start yet.
    #[prost(int64, tag = "3")]
    pub start_time: i64,
    /// 0 where nobody said it.
    #[prost(int64, tag = "4")]
    pub close_time: i64,
    #[prost(message, repeated, tag = "5")]
    pub links: Vec<common::Link>,
}

typed_times!(CallbackState: Time due);
typed_times!(Completion: Time start_time, Time close_time);

nested! {
    CallbackState { 1: &WORKFLOW_V1_CALLBACKINFO, 3: Completion::SHAPE }
    Completion { 2: &FAILURE_V1_FAILURE }
}

//! What an execution without a workflow has beside its activity or operation, as it is stored.

use ostro_nesting::shapes::FAILURE_V1_FAILURE;
use prost::Message;
use temporalio_protos::temporal::api::{common::v1 as common, failure::v1 as failure};

use super::{Activity, NexusOperation};
use crate::base::nesting::nested;
use crate::base::time::typed_times;

/// What ids of executions that are no workflows begin with; no client can send it in an id of a workflow.
pub const STANDALONE_MARK: char = '\u{1}';

/// What an activity or a Nexus operation without a workflow has beside itself.
#[derive(Clone, PartialEq, Message)]
pub struct Standalone {
    #[prost(message, optional, tag = "1")]
    pub result: Option<common::Payloads>,
    #[prost(message, optional, tag = "2")]
    pub failure: Option<failure::Failure>,
    /// `RetryState` of the failure.
    #[prost(int32, tag = "3")]
    pub retry_state: i32,
    #[prost(string, tag = "4")]
    pub cancel_request_id: String,
    #[prost(string, tag = "5")]
    pub cancel_reason: String,
    #[prost(string, tag = "6")]
    pub terminate_request_id: String,
    #[prost(int64, tag = "7")]
    pub start_delay: i64,
    /// The activity as it was when it ended.
    #[prost(message, optional, tag = "8")]
    pub ended: Option<Activity>,
    /// Set where it is a Nexus operation.
    #[prost(message, optional, tag = "9")]
    pub operation: Option<StandaloneNexusOperation>,
}

/// What a Nexus operation without a workflow has beside the operation.
#[derive(Clone, PartialEq, Message)]
pub struct StandaloneNexusOperation {
    /// The operation as it was when it ended.
    #[prost(message, optional, tag = "1")]
    pub ended: Option<NexusOperation>,
    /// What its handler linked it to.
    #[prost(message, repeated, tag = "2")]
    pub links: Vec<common::Link>,
}

typed_times!(Standalone: Span start_delay);

nested! {
    Standalone { 2: &FAILURE_V1_FAILURE, 8: Activity::SHAPE, 9: StandaloneNexusOperation::SHAPE }
    StandaloneNexusOperation { 1: NexusOperation::SHAPE }
}

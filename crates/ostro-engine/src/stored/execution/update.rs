//! Updates, as they are stored.

use ostro_nesting::shapes::UPDATE_V1_OUTCOME;
use prost::Message;
use temporalio_protos::temporal::api::update::v1 as update;

use crate::base::nesting::nested;

/// An update that was accepted; with its outcome once it has one.
#[derive(Clone, PartialEq, Message)]
pub struct AcceptedUpdate {
    #[prost(string, tag = "1")]
    pub update_id: String,
    #[prost(int64, tag = "2")]
    pub accepted_event_id: i64,
    #[prost(int64, tag = "3")]
    pub completed_event_id: i64,
    #[prost(message, optional, tag = "4")]
    pub outcome: Option<update::Outcome>,
    #[prost(message, optional, tag = "5")]
    pub request: Option<update::Request>,
    #[prost(string, tag = "6")]
    pub request_id: String,
}

/// An update that an event of history brought: made by a reset, from an update of the run before.
#[derive(Clone, PartialEq, Message)]
pub struct AdmittedUpdate {
    #[prost(string, tag = "1")]
    pub update_id: String,
    #[prost(int64, tag = "2")]
    pub admitted_event_id: i64,
    #[prost(message, optional, tag = "3")]
    pub request: Option<update::Request>,
}

nested! {
    AcceptedUpdate { 4: &UPDATE_V1_OUTCOME }
}

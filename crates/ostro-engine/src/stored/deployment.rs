//! How a deployment is stored. Times are nanoseconds since the epoch; 0 means "not set".

use std::collections::BTreeMap;

use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payload;

use crate::base::time::typed_times;

/// A deployment, as it stands and as it is stored.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeploymentState {
    #[prost(int64, tag = "1")]
    pub namespace: i64,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(int64, tag = "3")]
    pub create_time: i64,
    /// Empty: unversioned workers are the current ones.
    #[prost(string, tag = "4")]
    pub current: String,
    #[prost(message, optional, tag = "5")]
    pub ramp: Option<Ramp>,
    #[prost(int64, tag = "6")]
    pub current_changed: i64,
    /// When the ramping version last changed, and when it or its share did.
    #[prost(int64, tag = "7")]
    pub ramping_changed: i64,
    #[prost(int64, tag = "8")]
    pub ramp_changed: i64,
    /// Grows with each change of the routing.
    #[prost(int64, tag = "9")]
    pub revision: i64,
    /// What the next change must know, where its caller wants to be sure; grows.
    #[prost(int64, tag = "10")]
    pub conflict: i64,
    #[prost(string, tag = "11")]
    pub last_modifier: String,
    #[prost(string, tag = "12")]
    pub manager: String,
    /// By build id.
    #[prost(btree_map = "string, message", tag = "13")]
    pub versions: BTreeMap<String, VersionState>,
    /// The request that created it; empty where a poll did.
    #[prost(string, tag = "14")]
    pub create_request_id: String,
}

/// The version that gets a share of the workflow ids.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ramp {
    /// Empty: unversioned workers.
    #[prost(string, tag = "1")]
    pub build_id: String,
    /// 0 to 100.
    #[prost(float, tag = "2")]
    pub percentage: f32,
}

/// A version of a deployment.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VersionState {
    #[prost(int64, tag = "1")]
    pub create_time: i64,
    /// `WorkerDeploymentVersionStatus`.
    #[prost(int32, tag = "2")]
    pub status: i32,
    #[prost(message, repeated, tag = "3")]
    pub queues: Vec<PolledQueue>,
    #[prost(int64, tag = "4")]
    pub routing_changed: i64,
    #[prost(int64, tag = "5")]
    pub current_since: i64,
    #[prost(int64, tag = "6")]
    pub ramping_since: i64,
    #[prost(int64, tag = "7")]
    pub first_activation: i64,
    #[prost(int64, tag = "8")]
    pub last_current: i64,
    #[prost(int64, tag = "9")]
    pub last_deactivation: i64,
    /// When the drainage began, and when the last pinned run was seen gone.
    #[prost(int64, tag = "10")]
    pub drainage_changed: i64,
    #[prost(btree_map = "string, message", tag = "11")]
    pub metadata: BTreeMap<String, Payload>,
    #[prost(string, tag = "12")]
    pub last_modifier: String,
    #[prost(string, tag = "13")]
    pub create_request_id: String,
}

/// A queue that workers of a version poll.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PolledQueue {
    #[prost(string, tag = "1")]
    pub name: String,
    /// `TaskQueueType`, which counts as [`QueueKind`](crate::stored::persistence::QueueKind) does.
    #[prost(int32, tag = "2")]
    pub kind: i32,
}

typed_times!(DeploymentState: Time create_time, Time current_changed, Time ramping_changed, Time ramp_changed);
typed_times!(VersionState: Time create_time, Time routing_changed, Time current_since, Time ramping_since, Time first_activation, Time last_current, Time last_deactivation, Time drainage_changed);

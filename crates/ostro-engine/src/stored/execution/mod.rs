//! The stored form of an execution: a core row and one row per part.
//!
//! All are protobuf messages of our own, so that a field can be added without a migration. Times are nanoseconds since
//! the epoch, spans nanoseconds; `0` means "not set".

mod activity;
mod callback;
mod nexus;
mod pending;
mod standalone;
mod update;

use ostro_nesting::shapes::{FAILURE_V1_FAILURE, HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES};
use prost::Message;
use temporalio_protos::temporal::api::{
    common::v1 as common, deployment::v1 as deployment, failure::v1 as failure, history::v1 as history, sdk::v1 as sdk,
    taskqueue::v1 as taskqueue, workflow::v1 as workflow,
};

pub use activity::Activity;
pub use callback::{CallbackState, Completion};
pub use nexus::{NexusCancel, NexusOperation, NexusRequest, RequestState};
pub use pending::{CancelExternal, Child, SignalExternal, SignalRequest, Timer};
pub use standalone::{STANDALONE_MARK, Standalone, StandaloneNexusOperation};
pub use update::{AcceptedUpdate, AdmittedUpdate};

use crate::base::nesting::nested;
use crate::base::time::typed_times;

/// What every transition may touch; rewritten by each.
#[derive(Clone, PartialEq, Message)]
pub struct Core {
    #[prost(int64, tag = "1")]
    pub namespace: i64,
    #[prost(string, tag = "2")]
    pub workflow_id: String,
    #[prost(string, tag = "3")]
    pub run_id: String,
    #[prost(string, tag = "4")]
    pub first_run_id: String,
    #[prost(string, tag = "5")]
    pub workflow_type: String,
    #[prost(string, tag = "6")]
    pub task_queue: String,
    /// `WorkflowExecutionStatus`.
    #[prost(int32, tag = "7")]
    pub status: i32,
    #[prost(int64, tag = "8")]
    pub next_event_id: i64,
    #[prost(int64, tag = "9")]
    pub history_bytes: i64,
    #[prost(int64, tag = "10")]
    pub transitions: i64,
    #[prost(int64, tag = "11")]
    pub start_time: i64,
    /// When the first workflow task may be scheduled.
    #[prost(int64, tag = "12")]
    pub execution_time: i64,
    #[prost(int64, tag = "13")]
    pub close_time: i64,
    /// When this run times out.
    #[prost(int64, tag = "14")]
    pub run_expiration: i64,
    /// When the chain of runs times out.
    #[prost(int64, tag = "15")]
    pub execution_expiration: i64,
    #[prost(int64, tag = "16")]
    pub workflow_task_timeout: i64,
    #[prost(message, optional, tag = "17")]
    pub workflow_task: Option<WorkflowTask>,
    /// The started event of the last completed workflow task.
    #[prost(int64, tag = "18")]
    pub previous_started_event_id: i64,
    #[prost(message, optional, tag = "19")]
    pub sticky: Option<Sticky>,
    #[prost(bool, tag = "20")]
    pub cancel_requested: bool,
    #[prost(string, tag = "21")]
    pub cancel_request_id: String,
    /// Request ids that started or attached to this run, with the event that each made.
    #[prost(btree_map = "string, message", tag = "24")]
    pub request_ids: std::collections::BTreeMap<String, workflow::RequestIdInfo>,
    /// The request id of the start.
    #[prost(string, tag = "25")]
    pub start_request_id: String,
    #[prost(int64, tag = "26")]
    pub signal_count: i64,
    #[prost(int64, tag = "27")]
    pub close_event_id: i64,
    #[prost(string, tag = "28")]
    pub next_run_id: String,
    /// Set while the first workflow task waits for its back-off: when it is due.
    #[prost(int64, tag = "29")]
    pub first_task_due: i64,
    #[prost(message, optional, tag = "30")]
    pub user_metadata: Option<sdk::UserMetadata>,
    /// The failure of the last failed workflow task while they fail in a row; why the execution is blocked.
    #[prost(message, optional, tag = "31")]
    pub workflow_task_failure: Option<failure::Failure>,
    #[prost(int32, tag = "32")]
    pub workflow_task_failed_cause: i32,
    /// Attempt number that the next workflow task gets.
    #[prost(int32, tag = "33")]
    pub workflow_task_attempt: i32,
    #[prost(int64, tag = "34")]
    pub next_buffered: i64,
    #[prost(message, optional, tag = "35")]
    pub versioning: Option<workflow::WorkflowExecutionVersioningInfo>,
    #[prost(string, tag = "36")]
    pub deployment_name: String,
    #[prost(message, optional, tag = "37")]
    pub priority: Option<common::Priority>,
    #[prost(int64, tag = "38")]
    pub update_count: i64,
    #[prost(message, optional, tag = "39")]
    pub pause: Option<workflow::WorkflowExecutionPauseInfo>,
    #[prost(string, tag = "40")]
    pub reset_run_id: String,
    #[prost(int64, tag = "41")]
    pub last_reset_time: i64,
    #[prost(int64, tag = "42")]
    pub original_start_time: i64,
    #[prost(message, repeated, tag = "43")]
    pub reset_points: Vec<workflow::ResetPointInfo>,
    /// The execution id of the parent's run, 0 without one.
    #[prost(int64, tag = "44")]
    pub parent_execution: i64,
    /// Whether the parent still waits for this chain of runs.
    #[prost(bool, tag = "45")]
    pub parent_waits: bool,
    #[prost(int64, tag = "46")]
    pub external_payload_bytes: i64,
    #[prost(int64, tag = "47")]
    pub external_payload_count: i64,
    /// The request of the reset that made this run.
    #[prost(string, tag = "48")]
    pub reset_request_id: String,
    /// The upgrade that the run before was told of and did not take.
    #[prost(message, optional, tag = "49")]
    pub declined: Option<history::DeclinedTargetVersionUpgrade>,
    /// The upgrade that this run was told of last.
    #[prost(message, optional, tag = "50")]
    pub notified: Option<history::DeclinedTargetVersionUpgrade>,
    /// The request that paused the run.
    #[prost(string, tag = "52")]
    pub pause_request_id: String,
    /// When the run was taken over from another server; 0 for those that began here.
    #[prost(int64, tag = "51")]
    pub imported_time: i64,
    /// Set where the execution is one activity, or one Nexus operation, without a workflow.
    /// When what could not be told to an execution that was set aside is tried again.
    #[prost(int64, tag = "53")]
    pub held_due: i64,
    #[prost(message, optional, boxed, tag = "60")]
    pub standalone: Option<Box<Standalone>>,
}

/// The workflow task that is scheduled or started.
#[derive(Clone, PartialEq, Message)]
pub struct WorkflowTask {
    /// Of a transient or speculative task: the id that its event would have.
    #[prost(int64, tag = "1")]
    pub scheduled_event_id: i64,
    /// 0 until started.
    #[prost(int64, tag = "2")]
    pub started_event_id: i64,
    #[prost(int32, tag = "3")]
    pub attempt: i32,
    #[prost(int64, tag = "4")]
    pub scheduled_time: i64,
    /// Kept over workflow-task heartbeats.
    #[prost(int64, tag = "5")]
    pub original_scheduled_time: i64,
    #[prost(int64, tag = "6")]
    pub started_time: i64,
    /// Start-to-close.
    #[prost(int64, tag = "7")]
    pub timeout: i64,
    #[prost(string, tag = "8")]
    pub request_id: String,
    #[prost(string, tag = "9")]
    pub identity: String,
    /// The queue that it waits on; the sticky one's name where `sticky`.
    #[prost(string, tag = "10")]
    pub queue: String,
    #[prost(bool, tag = "11")]
    pub sticky: bool,
    /// Its events are in no history yet: made for updates only, dropped when all of them are rejected.
    #[prost(bool, tag = "12")]
    pub speculative: bool,
    #[prost(bool, tag = "13")]
    pub suggest_continue_as_new: bool,
    #[prost(int32, repeated, tag = "14")]
    pub suggest_reasons: Vec<i32>,
    #[prost(int64, tag = "15")]
    pub history_bytes: i64,
    /// Sticky queues only: when it moves to the normal queue.
    #[prost(int64, tag = "16")]
    pub schedule_to_start_due: i64,
    #[prost(message, optional, tag = "17")]
    pub started_by: Option<deployment::WorkerDeploymentOptions>,
    /// The queue of a pinned run has gone on to another version.
    #[prost(bool, tag = "18")]
    pub target_changed: bool,
}

impl WorkflowTask {
    pub fn is_started(&self) -> bool {
        self.started_event_id != 0
    }

    /// A retry whose events are written only when it completes.
    pub fn is_transient(&self) -> bool {
        self.attempt > 1
    }
}

/// The worker that has the execution in its cache.
#[derive(Clone, PartialEq, Message)]
pub struct Sticky {
    #[prost(string, tag = "1")]
    pub queue: String,
    #[prost(int64, tag = "2")]
    pub schedule_to_start: i64,
    #[prost(message, optional, tag = "3")]
    pub task_queue: Option<taskqueue::TaskQueue>,
}

/// The first event, kept apart from the core since it can be large.
#[derive(Clone, PartialEq, Message)]
pub struct Start {
    #[prost(message, optional, tag = "1")]
    pub event: Option<history::WorkflowExecutionStartedEventAttributes>,
    #[prost(message, repeated, tag = "2")]
    pub links: Vec<common::Link>,
}

/// What the workflow or its starter say of it, as it stands now.
#[derive(Clone, PartialEq, Message)]
pub struct Properties {
    #[prost(message, optional, tag = "1")]
    pub memo: Option<common::Memo>,
    #[prost(message, optional, tag = "2")]
    pub search_attributes: Option<common::SearchAttributes>,
}

typed_times!(Core: Time start_time, Time execution_time, Time close_time, Time run_expiration, Time execution_expiration, Span workflow_task_timeout, Time first_task_due, Time last_reset_time, Time original_start_time, Time imported_time, Time held_due);
typed_times!(WorkflowTask: Time scheduled_time, Time original_scheduled_time, Time started_time, Span timeout, Time schedule_to_start_due);
typed_times!(Sticky: Span schedule_to_start);

nested! {
    Core { 31: &FAILURE_V1_FAILURE, 60: Standalone::SHAPE }
    Start { 1: &HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES }
}

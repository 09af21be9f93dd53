//! The stored form of an execution: a core row and one row per part.
//!
//! All are protobuf messages of our own, so that a field can be added without a migration. Times are nanoseconds since
//! the epoch, spans nanoseconds; `0` means "not set".

use ostro_nesting::shapes::{
    FAILURE_V1_FAILURE, HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES, UPDATE_V1_OUTCOME, WORKFLOW_V1_CALLBACKINFO,
};
use prost::Message;
use temporalio_protos::temporal::api::{
    activity::v1 as activity, common::v1 as common, deployment::v1 as deployment, failure::v1 as failure,
    history::v1 as history, sdk::v1 as sdk, taskqueue::v1 as taskqueue, update::v1 as update, workflow::v1 as workflow,
};

use super::nexus::RequestState;
use crate::nesting::nested;
use crate::nexus::callback::Completion;
use crate::time::typed_times;

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
    pub operation: Option<StandaloneOperation>,
}

/// What a Nexus operation without a workflow has beside the operation.
#[derive(Clone, PartialEq, Message)]
pub struct StandaloneOperation {
    /// The operation as it was when it ended.
    #[prost(message, optional, tag = "1")]
    pub ended: Option<NexusOperation>,
    /// What its handler linked it to.
    #[prost(message, repeated, tag = "2")]
    pub links: Vec<common::Link>,
}

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

typed_times!(Core: Time start_time, Time execution_time, Time close_time, Time run_expiration, Time execution_expiration, Span workflow_task_timeout, Time first_task_due, Time last_reset_time, Time original_start_time, Time imported_time, Time held_due);
typed_times!(WorkflowTask: Time scheduled_time, Time original_scheduled_time, Time started_time, Span timeout, Time schedule_to_start_due);
typed_times!(Sticky: Span schedule_to_start);
typed_times!(Activity: Time scheduled_time, Time attempt_scheduled_time, Time started_time, Time last_heartbeat_time, Time last_attempt_complete_time, Span current_retry_interval, Time first_scheduled_time, Time last_started_time);
typed_times!(Standalone: Span start_delay);
typed_times!(Timer: Time due);
typed_times!(CallbackState: Time due);
typed_times!(NexusOperation: Time scheduled_time, Time started_time);
typed_times!(NexusCancel: Time requested_time);
typed_times!(NexusRequest: Time due, Time started_time, Time last_attempt_complete_time);

nested! {
    Core { 31: &FAILURE_V1_FAILURE, 60: Standalone::SHAPE }
    Start { 1: &HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES }
    Activity { 13: &FAILURE_V1_FAILURE }
    Standalone { 2: &FAILURE_V1_FAILURE, 8: Activity::SHAPE, 9: StandaloneOperation::SHAPE }
    StandaloneOperation { 1: NexusOperation::SHAPE }
    AcceptedUpdate { 4: &UPDATE_V1_OUTCOME }
    CallbackState { 1: &WORKFLOW_V1_CALLBACKINFO, 3: Completion::SHAPE }
    NexusOperation { 4: NexusRequest::SHAPE, 7: NexusCancel::SHAPE }
    NexusCancel { 3: NexusRequest::SHAPE }
    NexusRequest { 6: &FAILURE_V1_FAILURE }
}

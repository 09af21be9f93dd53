//! What the code may see: an activation with its jobs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prost_wkt_types::Timestamp;
use temporalio_protos::temporal::api::{
    common::v1::Payload,
    enums::v1::{
        CancelExternalWorkflowExecutionFailedCause, SignalExternalWorkflowExecutionFailedCause,
        StartChildWorkflowExecutionFailedCause,
    },
    failure::v1::Failure,
    history::v1::{WorkflowExecutionSignaledEventAttributes, WorkflowExecutionStartedEventAttributes},
    query::v1::WorkflowQuery,
    update::v1::Request,
};

use super::settings::DeploymentVersion;

/// The id of the query that a task carries on its own (field `query`): its answer goes to `RespondQueryTaskCompleted`.
pub const LEGACY_QUERY: &str = "legacy_query";

/// One turn of the code. Answer it with [`Run::decide`](super::Run::decide) before anything else is asked of the run.
///
/// Jobs come in the order in which they must be applied: start, patches, seeds, signals and updates in their order of arrival, then all
/// other resolutions, then those of local activities. Queries have an activation of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// What happened.
    pub jobs: Vec<Job>,
    /// The time of the workflow. None before its first event.
    pub now: Option<SystemTime>,
    /// The code has been here before: no logs, no metrics. Also true while only queries are answered.
    pub replaying: bool,
    /// Events of the history so far.
    pub history_length: u32,
    /// Bytes of the history as of the last task that began.
    pub history_bytes: u64,
    /// The server suggests to continue as new.
    pub continue_as_new_suggested: bool,
    /// Why it does; values of `SuggestContinueAsNewReason`.
    pub continue_as_new_reasons: Vec<i32>,
    /// The run is pinned to a version that is not the current one any more.
    pub target_version_changed: bool,
    /// Flags of the language that the history has been written with. Outside of a replay all may be used.
    pub lang_flags: Vec<u32>,
    /// The version that works, or worked, on this task.
    pub deployment_version: Option<DeploymentVersion>,
    /// Version of the SDK that completed the last task, empty if unknown.
    pub last_sdk_version: Arc<str>,
}

/// Something that the code learns. `seq` is the number that it gave the operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// The workflow begins.
    Start(Box<Start>),
    /// A timer fired.
    TimerFired(u32),
    /// The run was reset: randomness goes on from this seed.
    Reseed(u64),
    /// A query; answer with a request `AnswerQuery`.
    Query(Box<Query>),
    /// Somebody asks the workflow to cancel itself.
    Cancel {
        /// As the caller gave it.
        reason: String,
    },
    /// A signal.
    Signal(Box<Signal>),
    /// An activity ended, or a local one must be tried again later.
    ActivityResolved {
        /// As in the request.
        seq: u32,
        /// A local activity.
        local: bool,
        /// What became of it.
        outcome: ActivityOutcome,
    },
    /// The history has a marker of this patch: asking for it answers yes.
    HasPatch(String),
    /// A child started, or did not.
    ChildStarted(u32, ChildStart),
    /// A child ended.
    ChildResolved(u32, Outcome),
    /// A signal to another workflow was delivered, or was not.
    SignalResolved(u32, Option<ExternalFailure<SignalExternalWorkflowExecutionFailedCause>>),
    /// A request to cancel another workflow was delivered, or was not.
    CancelResolved(u32, Option<ExternalFailure<CancelExternalWorkflowExecutionFailedCause>>),
    /// An update; answer with requests `AcceptUpdate` or `RejectUpdate` in this activation, and later `CompleteUpdate`.
    Update(Box<Update>),
    /// A Nexus operation started, or did not.
    NexusStarted(u32, NexusStart),
    /// A Nexus operation ended.
    NexusResolved(u32, NexusOutcome),
}

/// How the workflow begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Everything that the started event says, input and headers among it.
    pub attributes: WorkflowExecutionStartedEventAttributes,
    /// Id of the workflow.
    pub workflow_id: String,
    /// Seed of all randomness.
    pub seed: u64,
    /// Time of the started event.
    pub start_time: Timestamp,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Its id in the task, or [`LEGACY_QUERY`].
    pub id: String,
    /// Type, arguments, header.
    pub query: WorkflowQuery,
}

/// A signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Name, input, header and sender.
    pub attributes: WorkflowExecutionSignaledEventAttributes,
    /// The event that brought it.
    pub event_id: i64,
}

/// An update.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Names the update in the answers.
    pub instance_id: String,
    /// Its id, name, arguments and header.
    pub request: Request,
    /// The validator must run first. False in a replay: it has been accepted.
    pub run_validator: bool,
}

/// What became of an activity.
#[derive(Debug, Clone, PartialEq)]
pub enum ActivityOutcome {
    /// It returned.
    Completed(Option<Payload>),
    /// It failed for good.
    Failed(Box<Failure>),
    /// It was cancelled.
    Cancelled(Box<Failure>),
    /// A local activity failed and waits longer than its workflow task should: start a timer, then schedule it again with these.
    Backoff {
        /// Of the next attempt.
        attempt: u32,
        /// How long to wait.
        backoff: Duration,
        /// When the first attempt was scheduled.
        original_schedule_time: Option<SystemTime>,
    },
}

/// What became of a child.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It returned.
    Completed(Option<Payload>),
    /// It failed, timed out or was terminated.
    Failed(Box<Failure>),
    /// It was cancelled.
    Cancelled(Box<Failure>),
}

/// Whether a child started.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildStart {
    /// It runs, with this run id.
    Started(String),
    /// It could not.
    Failed {
        /// Its workflow id.
        workflow_id: String,
        /// Its type.
        workflow_type: String,
        /// Why.
        cause: StartChildWorkflowExecutionFailedCause,
    },
    /// It was cancelled before its command was sent.
    Cancelled(Box<Failure>),
}

/// Why a call to another workflow failed.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalFailure<C> {
    /// For the code.
    pub failure: Box<Failure>,
    /// As the server says it.
    pub cause: C,
}

/// Whether a Nexus operation started.
#[derive(Debug, Clone, PartialEq)]
pub enum NexusStart {
    /// It runs, under this token.
    Started(String),
    /// It was done at once: its result is in the same activation.
    Sync,
    /// It did not: no result follows.
    Failed(Box<Failure>),
}

/// What became of a Nexus operation.
#[derive(Debug, Clone, PartialEq)]
pub enum NexusOutcome {
    /// It returned.
    Completed(Payload),
    /// It failed.
    Failed(Box<Failure>),
    /// It was cancelled.
    Cancelled(Box<Failure>),
    /// It timed out.
    TimedOut(Box<Failure>),
}

impl Job {
    pub(crate) fn is_local_activity(&self) -> bool {
        matches!(self, Self::ActivityResolved { local: true, .. })
    }

    /// Its place among the jobs of an activation.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Start(_) => 0,
            Self::HasPatch(_) => 1,
            Self::Reseed(_) => 2,
            Self::Signal(_) | Self::Update(_) => 3,
            Self::ActivityResolved { local: true, .. } => 5,
            Self::Query(_) => 6,
            Self::TimerFired(_)
            | Self::Cancel { .. }
            | Self::ActivityResolved { .. }
            | Self::ChildStarted(..)
            | Self::ChildResolved(..)
            | Self::SignalResolved(..)
            | Self::CancelResolved(..)
            | Self::NexusStarted(..)
            | Self::NexusResolved(..) => 4,
        }
    }
}

//! What the code decided: requests, which become commands and messages.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use temporalio_protos::temporal::api::{
    command::v1::*,
    common::v1::{Header, Memo, Payload, Payloads, RetryPolicy, SearchAttributes},
    enums::v1::VersioningBehavior,
    failure::v1::Failure,
    sdk::v1::{EventGroupMarker, UserMetadata},
};

/// The answer to an activation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// In the order in which the code made them.
    pub requests: Vec<Requested>,
    /// Flags of the language that the code has used.
    pub lang_flags: Vec<u32>,
    /// How the run follows the versions of its worker.
    pub versioning_behavior: VersioningBehavior,
}

/// A request with what people see of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Requested {
    /// What is asked.
    pub request: Request,
    /// Summary, details, groups.
    pub annotations: Annotations,
}

/// Decorations of a command, kept for those that follow from it, its cancellation first of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations(Option<Box<(Option<UserMetadata>, Vec<EventGroupMarker>)>>);

/// Something that the code asks for. Numbers (`seq`) are unique for each kind of operation within a run, and count up.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Starts a timer.
    StartTimer(u32, Duration),
    /// Cancels one. The code knows by itself that it is.
    CancelTimer(u32),
    /// Schedules an activity.
    ScheduleActivity(Box<ScheduleActivity>),
    /// Asks an activity to cancel itself.
    CancelActivity(u32),
    /// Runs an activity in this worker.
    ScheduleLocalActivity(Arc<LocalActivity>),
    /// Cancels a local activity.
    CancelLocalActivity(u32),
    /// Starts a child.
    StartChild(Box<StartChild>),
    /// Cancels a child, with a reason.
    CancelChild(u32, String),
    /// Signals another workflow.
    SignalExternal(u32, Box<SignalExternalWorkflowExecutionCommandAttributes>),
    /// Takes a signal back that has not been sent.
    CancelSignal(u32),
    /// Asks another workflow to cancel itself.
    CancelExternal(u32, Box<ExternalCancel>),
    /// Calls a Nexus operation.
    ScheduleNexus(Box<ScheduleNexus>),
    /// Cancels one.
    CancelNexus(u32),
    /// The code has asked for a patch and was told yes, or says that old code of it is gone (`deprecated`).
    Patch {
        /// Its id.
        id: String,
        /// No old code is left.
        deprecated: bool,
    },
    /// Sets search attributes.
    UpsertSearchAttributes(SearchAttributes),
    /// Sets entries of the memo.
    UpsertMemo(Memo),
    /// The validator took the update.
    AcceptUpdate(String),
    /// The validator refused it, or, after it was accepted, its handler failed.
    RejectUpdate(String, Box<Failure>),
    /// The update's handler returned.
    CompleteUpdate(String, Box<Payload>),
    /// A query's answer.
    AnswerQuery(String, Result<Payload, Box<Failure>>),
    /// The workflow returned.
    Complete(Option<Payload>),
    /// The workflow failed.
    Fail(Box<Failure>),
    /// The workflow cancelled itself.
    Cancelled(Option<Payloads>),
    /// The workflow goes on as a new run.
    ContinueAsNew(Box<ContinueAsNew>),
}

/// What a cancelled activity does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ActivityCancellation {
    /// It is asked, and its caller does not wait.
    #[default]
    Try,
    /// It is asked, and its caller waits for what it says.
    Wait,
    /// It is not asked.
    Abandon,
}

/// What a cancelled child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChildCancellation {
    /// It is not asked.
    #[default]
    Abandon,
    /// It is asked, and its caller does not wait.
    Try,
    /// It is asked, and its caller waits for its end.
    WaitCompleted,
    /// It is asked, and its caller waits for its end as well, as in the official core.
    WaitRequested,
}

/// What a cancelled Nexus operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NexusCancellation {
    /// It is asked, and its caller waits for its end.
    #[default]
    WaitCompleted,
    /// It is not asked.
    Abandon,
    /// It is asked, and its caller does not wait.
    Try,
    /// It is asked, and its caller waits until its handler was.
    WaitRequested,
}

/// Whether a new task or run keeps to the worker's build (of the old versioning).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VersioningIntent {
    /// It does, on the worker's own task queue.
    #[default]
    Unspecified,
    /// It does.
    Compatible,
    /// It does not.
    Default,
}

/// An activity to schedule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScheduleActivity {
    /// The code's number.
    pub seq: u32,
    /// When it is cancelled.
    pub cancellation: ActivityCancellation,
    /// Of the old versioning.
    pub versioning_intent: VersioningIntent,
    /// The command, complete but for `use_workflow_build_id`.
    pub attributes: ScheduleActivityTaskCommandAttributes,
}

/// A local activity to run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LocalActivity {
    /// The code's number.
    pub seq: u32,
    /// Its id.
    pub activity_id: String,
    /// Its type.
    pub activity_type: String,
    /// Of the first attempt, 0 meaning 1. Greater after a back-off timer.
    pub attempt: u32,
    /// After a back-off timer: when the first attempt was scheduled.
    pub original_schedule_time: Option<SystemTime>,
    /// For interceptors.
    pub header: Option<Header>,
    /// Its input.
    pub arguments: Vec<Payload>,
    /// All attempts with their waits. One of this and `start_to_close` is required.
    pub schedule_to_close: Option<Duration>,
    /// Wait for a free slot.
    pub schedule_to_start: Option<Duration>,
    /// Each attempt.
    pub start_to_close: Option<Duration>,
    /// How often, and how long between.
    pub retry_policy: RetryPolicy,
    /// A back-off longer than this becomes a timer. 60 s by default.
    pub local_retry_threshold: Option<Duration>,
    /// When it is cancelled.
    pub cancellation: ActivityCancellation,
    /// Its marker in the history shows its input.
    pub include_arguments_in_marker: bool,
}

/// A child to start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StartChild {
    /// The code's number.
    pub seq: u32,
    /// When it is cancelled.
    pub cancellation: ChildCancellation,
    /// Of the old versioning.
    pub versioning_intent: VersioningIntent,
    /// The command, complete but for `inherit_build_id`.
    pub attributes: StartChildWorkflowExecutionCommandAttributes,
}

/// A workflow to cancel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExternalCancel {
    /// Where it runs.
    pub namespace: String,
    /// Its id.
    pub workflow_id: String,
    /// Empty: the current run.
    pub run_id: String,
    /// For whoever reads its history.
    pub reason: String,
}

/// A Nexus operation to call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScheduleNexus {
    /// The code's number.
    pub seq: u32,
    /// When it is cancelled.
    pub cancellation: NexusCancellation,
    /// The command.
    pub attributes: ScheduleNexusOperationCommandAttributes,
}

/// The next run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContinueAsNew {
    /// Of the old versioning.
    pub versioning_intent: VersioningIntent,
    /// The command. What is left out of memo, retry policy and search attributes stays as it is.
    pub attributes: ContinueAsNewWorkflowExecutionCommandAttributes,
}

impl Request {
    /// Whether it ends the run.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Complete(_) | Self::Fail(_) | Self::Cancelled(_) | Self::ContinueAsNew(_))
    }
}

impl From<Request> for Requested {
    fn from(request: Request) -> Self {
        Self { request, annotations: Annotations::default() }
    }
}

impl Annotations {
    /// What people see of a command.
    pub fn new(metadata: Option<UserMetadata>, groups: Vec<EventGroupMarker>) -> Self {
        Self((metadata.is_some() || !groups.is_empty()).then(|| Box::new((metadata, groups))))
    }

    /// What a cancellation says by itself goes before what the cancelled command says.
    pub(crate) fn overridden_by(&mut self, other: Self) {
        let Some(other) = other.0 else { return };
        let own = self.0.get_or_insert_default();
        if let Some(metadata) = other.0 {
            let kept = own.0.get_or_insert_default();
            kept.summary = metadata.summary.or(kept.summary.take());
            kept.details = metadata.details.or(kept.details.take());
        }
        if !other.1.is_empty() {
            own.1 = other.1;
        }
    }

    pub(crate) fn on(&self, attributes: command::Attributes) -> Command {
        let (user_metadata, event_group_markers) = self.0.as_deref().cloned().unwrap_or_default();
        let command_type = attributes.as_type() as i32;
        Command { command_type, attributes: Some(attributes), user_metadata, event_group_markers }
    }
}

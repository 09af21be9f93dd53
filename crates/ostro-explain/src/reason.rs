//! One thing that is waited for.

use serde::Serialize;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing: the execution is closed.
    Closed,
    /// Its own beginning: a start delay, a retry's back-off or cron.
    Start,
    /// Somebody who unpauses it.
    Paused,
    /// A worker, or the end of a workflow task.
    WorkflowTask,
    Activity,
    Timer,
    ChildWorkflow,
    /// A signal or cancellation on its way to another execution.
    ExternalWorkflow,
    NexusOperation,
    /// A handler that was accepted and has not ended.
    Update,
    /// What a person is to give.
    Input,
    /// A signal, an update or a cancellation from outside: nothing is scheduled.
    Message,
}

impl Kind {
    /// Its name, as it is serialized.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Start => "start",
            Self::Paused => "paused",
            Self::WorkflowTask => "workflow-task",
            Self::Activity => "activity",
            Self::Timer => "timer",
            Self::ChildWorkflow => "child-workflow",
            Self::ExternalWorkflow => "external-workflow",
            Self::NexusOperation => "nexus-operation",
            Self::Update => "update",
            Self::Input => "input",
            Self::Message => "message",
        }
    }
}

/// One thing that is waited for, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    pub kind: Kind,
    /// The id of the activity, timer, child or update; the name of the queue; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Whether it will not end without someone's doing: no worker polls, or the workflow's code fails again and again.
    pub blocked: bool,
    pub sentence: String,
}

impl Reason {
    pub(crate) fn new(kind: Kind, subject: impl Into<String>, sentence: String) -> Self {
        Self { kind, subject: subject.into(), blocked: false, sentence }
    }

    pub(crate) fn blocked(mut self, blocked: bool) -> Self {
        self.blocked = blocked;
        self
    }
}

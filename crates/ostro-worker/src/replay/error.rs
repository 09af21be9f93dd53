//! Why a workflow task cannot go on.

use std::fmt;

use temporalio_protos::temporal::api::enums::v1::{CommandType, EventType, WorkflowTaskFailedCause};

/// Result of a step of replay.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a workflow task fails: the code differs from its history, or the history is not one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The code decided something else than the history says. The text begins as in every Temporal SDK.
    #[error("[TMPRL1100] Nondeterminism error: {0}")]
    Nondeterminism(Box<Mismatch>),
    /// The history, the server's message or the SDK's request is malformed. Trying again does not help.
    #[error("Fatal error in workflow machines: {0}")]
    Fatal(String),
}

/// What differs, at which event, and which command the code gave there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mismatch {
    /// What differs, in words.
    pub what: String,
    /// The event of the history: its id and type.
    pub event: Option<(i64, EventType)>,
    /// The command that the code gave in its place.
    pub command: Option<CommandType>,
}

impl Error {
    pub(crate) fn nondeterminism(what: impl Into<String>) -> Self {
        Self::Nondeterminism(Box::new(Mismatch { what: what.into(), ..Mismatch::default() }))
    }

    pub(crate) fn fatal(what: impl Into<String>) -> Self {
        Self::Fatal(what.into())
    }

    /// Names the event at which this was found, unless one is named.
    pub(crate) fn at(mut self, event: (i64, EventType)) -> Self {
        if let Self::Nondeterminism(mismatch) = &mut self {
            mismatch.event.get_or_insert(event);
        }
        self
    }

    /// Names the command that was compared, unless one is named.
    pub(crate) fn given(mut self, command: CommandType) -> Self {
        if let Self::Nondeterminism(mismatch) = &mut self {
            mismatch.command.get_or_insert(command);
        }
        self
    }

    /// The cause to report with `RespondWorkflowTaskFailed`.
    pub fn cause(&self) -> WorkflowTaskFailedCause {
        match self {
            Self::Nondeterminism(_) => WorkflowTaskFailedCause::NonDeterministicError,
            Self::Fatal(_) => WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some((id, kind)) = self.event {
            write!(f, "; event {id} is {}", kind.as_str_name().trim_start_matches("EVENT_TYPE_"))?;
        }
        if let Some(command) = self.command {
            write!(f, "; the code gave {}", command.as_str_name().trim_start_matches("COMMAND_TYPE_"))?;
        }
        Ok(())
    }
}

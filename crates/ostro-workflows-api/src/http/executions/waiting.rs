//! Why an execution waits, in sentences.

use ostro_explain::Reason;
use serde::Serialize;
use utoipa::ToSchema;

/// One thing that an execution waits for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct WaitingFor {
    /// What it is, such as `activity`, `timer`, `workflow-task` or `message`.
    kind: &'static str,
    /// The identifier of the activity, timer, child or update, where there is one.
    subject: String,
    /// Whether it will not end without someone's doing: no worker polls, or the workflow's code fails again and again.
    blocked: bool,
    /// The same for people: what is waited for, since when, and what to do.
    sentence: String,
}

impl From<Reason> for WaitingFor {
    fn from(reason: Reason) -> Self {
        let Reason { kind, subject, blocked, sentence } = reason;
        Self { kind: kind.name(), subject, blocked, sentence }
    }
}

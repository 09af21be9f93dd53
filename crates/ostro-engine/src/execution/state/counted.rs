//! What an execution counts as, for the quota of its namespace.

use crate::execution::Execution;

/// What an execution, or a namespace, was counted as.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub(crate) open: i64,
    pub(crate) history_bytes: i64,
}

impl Counted {
    /// What an execution counts as when it is brought into memory: it was counted when it was last written.
    pub(crate) fn of(execution: &Execution) -> Self {
        Self { open: i64::from(execution.is_open()), history_bytes: execution.core.history_bytes }
    }
}

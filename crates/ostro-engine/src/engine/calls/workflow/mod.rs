//! Calls on runs of workflows.

pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod options;
pub(crate) mod pause;
pub(crate) mod query;
pub(crate) mod reset;
pub(crate) mod signal;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod update;
pub(crate) mod update_with_start;

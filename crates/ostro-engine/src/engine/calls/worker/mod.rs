//! Calls of workers: polls, and what comes of tasks.

pub(crate) mod activity;
pub(crate) mod nexus_callback;
pub(crate) mod nexus_task;
pub(crate) mod workflow_task;

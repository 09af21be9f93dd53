//! Calls on activities and Nexus operations without a workflow.

pub(crate) mod activity;
pub(crate) mod nexus_operation;
pub(crate) mod shared;

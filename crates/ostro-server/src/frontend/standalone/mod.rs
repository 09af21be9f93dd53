//! Activities and Nexus operations without a workflow: waits for them, and lists of them.

pub(crate) mod activity;
pub(crate) mod kind;
pub(crate) mod nexus_operation;

//! Executions that are one activity, or one Nexus operation, without a workflow.

pub mod activity;
pub mod describe_activity;
pub mod describe_nexus_operation;
pub mod nexus_operation;

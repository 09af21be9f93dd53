//! Calls of operators: activities, batches, deployments, endpoints, namespaces, settings of queues.

pub(crate) mod activity;
pub(crate) mod batch;
pub(crate) mod deployment;
pub(crate) mod namespace;
pub(crate) mod nexus_endpoint;
pub(crate) mod settings;

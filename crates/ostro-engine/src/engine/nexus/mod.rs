//! Nexus requests: to workers here, from outside by HTTP, and to URLs outside.

pub(crate) mod incoming;
pub(crate) mod operations;
pub(crate) mod outbox;

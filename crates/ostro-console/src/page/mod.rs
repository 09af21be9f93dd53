//! Pages: each asks, and shows. One file a page.

pub(crate) mod batches;
pub(crate) mod execution;
pub(crate) mod executions;
pub(crate) mod filter;
pub(crate) mod inputs;
mod open;
pub(crate) mod queues;
pub(crate) mod refused;
pub(crate) mod schedule;
pub(crate) mod schedules;
mod schema;
pub(crate) mod sign_in;
pub(crate) mod status;
pub(crate) mod waits;
pub(crate) mod workers;

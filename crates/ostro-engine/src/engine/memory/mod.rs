//! What the engine keeps in memory beside executions: counts, timers, waiting calls, writes under way.

pub(crate) mod busy;
pub(crate) mod cache;
pub(crate) mod tally;
pub(crate) mod timers;
pub(crate) mod unsettled;
pub(crate) mod waits;

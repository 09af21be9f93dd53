//! What the engine's store and the records of the Workflows API have in common on SQLite.
//!
//! - [`ReadPool`]: a few connections that many read through. No namespace has more than its share of them, a read ends when
//!   its caller has gone or its time is over, and a queue that is full says so.
//! - [`LogSize`]: how large the write-ahead log is. A read holds the log back, so one that does while the log is large ends.

mod fair;
mod log;
mod pool;

pub use log::{LOG_BYTES_KEPT, LOG_BYTES_MAX, LogSize, keep_log_small};
pub use pool::{PoolLimits, PoolStats, ReadPool, Refused};

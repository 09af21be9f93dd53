//! What the network counts.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Counters of one [`Network`](super::Network). Those that end in `_now` go up and down; the others grow from 0.
#[derive(Debug, Default)]
pub struct NetworkStats {
    /// Connections that are open.
    pub connections_now: AtomicU64,
    /// Those of them that have not sent a request yet.
    pub silent_now: AtomicU64,
    /// Connections that were accepted.
    pub accepted: AtomicU64,
    /// Connections that were refused: there was no room, or their address had its share.
    pub refused: AtomicU64,
    /// Connections that were closed to make room for another.
    pub evicted: AtomicU64,
    /// Connections that were closed because their first request did not come in time.
    pub too_slow: AtomicU64,
    /// Connections that were closed because nothing was asked on them.
    pub idle: AtomicU64,
    /// Times that the machine had no socket for a connection.
    pub accept_failures: AtomicU64,
    /// Bytes of requests that are under way.
    pub request_bytes_now: AtomicU64,
    /// Requests that were refused because there were too many bytes of them under way.
    pub requests_too_much: AtomicU64,
    /// Requests whose body did not come in time.
    pub requests_too_slow: AtomicU64,
}

impl NetworkStats {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }
}

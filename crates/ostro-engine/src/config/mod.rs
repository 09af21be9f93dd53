//! Limits and defaults of the engine. The values are those of Temporal's server unless a comment says otherwise.

pub mod callback_address;
pub mod quota;

use crate::base::time::{DAY, HOUR, MILLISECOND, MINUTE, SECOND, Span};
use crate::config::quota::Quotas;
pub use callback_address::CallbackAddress;

/// Everything that an operator can tune in the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Largest payload set (input, result, details, memo...) in bytes; 2 MiB.
    pub blob_bytes_max: usize,
    /// Payload sets above this are logged; 256 KiB.
    pub blob_bytes_warn: usize,
    pub memo_bytes_max: usize,
    /// Longest workflow id, type, task queue, signal name... in bytes; 1000.
    pub id_length_max: usize,
    /// Continue-as-new is suggested from this many events on; 4096.
    pub history_count_suggest: i64,
    /// ... and from this many bytes on; 4 MiB.
    pub history_bytes_suggest: i64,
    /// An execution with more events is terminated; 51 200.
    pub history_count_max: i64,
    /// An execution with a larger history is terminated; 50 MiB.
    pub history_bytes_max: i64,
    /// Pending activities, children, external signals and external cancels of one execution, each; 2000.
    pub pending_max: usize,
    /// Updates in flight in one execution; 10.
    pub updates_in_flight_max: usize,
    /// Updates that one run ever takes; 2000.
    pub updates_total_max: usize,
    /// Signals that one run ever takes; 10 000.
    pub signals_max: i64,
    /// Queries that wait on one execution; 1024 (the reference server buffers one).
    pub queries_max: usize,
    /// Default workflow task time-out; 10 s.
    pub workflow_task_timeout: Span,
    /// Longest workflow task time-out; 2 minutes.
    pub workflow_task_timeout_max: Span,
    /// First extra delay that a failing workflow task gets on its time-out, from its fourth attempt on; 5 s, doubling.
    pub workflow_task_retry_interval: Span,
    /// The most that this delay grows to; 10 minutes.
    pub workflow_task_retry_interval_max: Span,
    /// A workflow task that only heartbeats is failed after this long; 30 minutes.
    pub workflow_task_heartbeat_max: Span,
    /// From this attempt on a workflow task counts as failing: queries and updates are refused; 3.
    pub workflow_task_attempts_failing: i32,
    /// How long a request to a Nexus handler may take, the wait for a worker included, and an attempt to deliver a callback;
    /// 10 s.
    pub nexus_request_timeout: Span,
    /// Where completion callbacks may go besides this server itself; nowhere. A client that may start workflows could have the
    /// server send requests to any of these.
    pub callback_addresses: Vec<CallbackAddress>,
    /// How long a sticky queue is trusted after its worker's last poll; 10 s.
    pub sticky_poller_ttl: Span,
    /// Longest a poll waits for a task; 60 s.
    pub poll_timeout: Span,
    /// Longest a history or update poll waits; 20 s.
    pub long_poll_timeout: Span,
    /// How long before a client's deadline a poll is answered with nothing; 500 ms.
    pub poll_deadline_margin: Span,
    /// Pollers are shown this long after their last poll; 5 minutes.
    pub poller_history: Span,
    /// Retry policy of activities that bring none: first interval; 1 s.
    pub activity_retry_interval: Span,
    pub activity_retry_coefficient: f64,
    /// Longest interval as a multiple of the first; 100.
    pub activity_retry_interval_max_factor: f64,
    /// Default retention of a new namespace; 1 day (`ostro` makes its own with 3).
    pub retention: Span,
    /// Shortest back-off between runs of a retried or cron workflow; none.
    pub continue_as_new_interval_min: Span,
    /// Bytes of executions kept in memory; idle ones leave beyond it; 96 MiB.
    pub cache_bytes_max: usize,
    /// What namespaces may have; no limits.
    pub quotas: Quotas,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            blob_bytes_max: 2 << 20,
            blob_bytes_warn: 256 << 10,
            memo_bytes_max: 2 << 20,
            id_length_max: 1000,
            history_count_suggest: 4096,
            history_bytes_suggest: 4 << 20,
            history_count_max: 51_200,
            history_bytes_max: 50 << 20,
            pending_max: 2000,
            updates_in_flight_max: 10,
            updates_total_max: 2000,
            signals_max: 10_000,
            queries_max: 1024,
            workflow_task_timeout: 10 * SECOND,
            workflow_task_timeout_max: 2 * MINUTE,
            workflow_task_retry_interval: 5 * SECOND,
            workflow_task_retry_interval_max: 10 * MINUTE,
            workflow_task_heartbeat_max: 30 * MINUTE,
            workflow_task_attempts_failing: 3,
            nexus_request_timeout: 10 * SECOND,
            callback_addresses: Vec::new(),
            sticky_poller_ttl: 10 * SECOND,
            poll_timeout: MINUTE,
            long_poll_timeout: 20 * SECOND,
            poll_deadline_margin: 500 * MILLISECOND,
            poller_history: 5 * MINUTE,
            activity_retry_interval: SECOND,
            activity_retry_coefficient: 2.0,
            activity_retry_interval_max_factor: 100.0,
            retention: DAY,
            continue_as_new_interval_min: Span::ZERO,
            cache_bytes_max: 96 << 20,
            quotas: Quotas::default(),
        }
    }
}

/// The longest span that the engine computes with: 100 years. Longer ones are cut to it.
pub(crate) const FOREVER: Span = HOUR.times(100 * 365 * 24);

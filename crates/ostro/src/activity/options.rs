//! Options of activities.

use std::time::Duration;

use temporalio_workflow::RetryPolicy;

use crate::rate_limit::RateLimit;

/// Where an activity's body runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// In the worker's process.
    #[default]
    None,
    /// Each attempt in a process of its own, which is killed when the attempt is cancelled or times out: for code that may crash,
    /// leak, or never return. The process is this same program, so `main` must come to [`run_worker`](crate::run_worker) or
    /// [`serve_isolated`](crate::activity::serve_isolated) without doing anything that must not happen twice.
    Process,
}

/// How an activity is run. The attribute's options and their defaults are described in [`activity`](crate::activity).
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct ActivityOptions {
    pub start_to_close_timeout: Duration,
    pub schedule_to_close_timeout: Option<Duration>,
    pub schedule_to_start_timeout: Option<Duration>,
    pub heartbeat_timeout: Option<Duration>,
    pub retry_policy_max_attempts: u32,
    pub retry_policy_backoff_coefficient: f64,
    pub retry_policy_initial_interval: Duration,
    pub retry_policy_max_interval: Option<Duration>,
    pub retry_policy_non_retryable: Vec<String>,
    pub sticky_to_worker: bool,
    pub rate_limit: Option<RateLimit>,
    /// Limits each value of it on its own: a tenant, an API key.
    pub rate_key: Option<String>,
    pub isolation: Isolation,
    pub drop_on_cancel: bool,
    /// The task queue to run on, instead of the workflow's.
    pub task_queue: Option<String>,
    /// The activity's id in the history, instead of a number.
    pub activity_id: Option<String>,
    /// What user interfaces show of this call.
    pub summary: Option<String>,
    /// 1 is handed out first, 5 last; the engine's default is 3.
    pub priority: Option<u32>,
}

impl Default for ActivityOptions {
    fn default() -> Self {
        Self {
            start_to_close_timeout: Duration::from_secs(300),
            schedule_to_close_timeout: None,
            schedule_to_start_timeout: None,
            heartbeat_timeout: None,
            retry_policy_max_attempts: 3,
            retry_policy_backoff_coefficient: 2.0,
            retry_policy_initial_interval: Duration::from_secs(1),
            retry_policy_max_interval: None,
            retry_policy_non_retryable: Vec::new(),
            sticky_to_worker: false,
            rate_limit: None,
            rate_key: None,
            isolation: Isolation::None,
            drop_on_cancel: true,
            task_queue: None,
            activity_id: None,
            summary: None,
            priority: None,
        }
    }
}

impl ActivityOptions {
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        RetryPolicy::builder()
            .initial_interval(self.retry_policy_initial_interval)
            .backoff_coefficient(self.retry_policy_backoff_coefficient)
            .maybe_maximum_interval(self.retry_policy_max_interval)
            .maximum_attempts(self.retry_policy_max_attempts)
            .non_retryable_error_types(self.retry_policy_non_retryable.clone())
            .build()
    }

    /// How long to wait before the attempt after `attempt` (from 1).
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        let first = self.retry_policy_initial_interval;
        let longest = self.retry_policy_max_interval.unwrap_or(first * 100);
        let factor = self.retry_policy_backoff_coefficient.powi(attempt.saturating_sub(1).min(1_000) as i32);
        Duration::try_from_secs_f64(first.as_secs_f64() * factor).unwrap_or(longest).min(longest)
    }
}

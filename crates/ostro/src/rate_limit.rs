//! Rate limits of activities.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

/// How often an activity starts, over all workers of its task queue.
///
/// The limit is kept by the engine: an activity with one runs on a task queue of its own, `{task_queue}::rate::{key}`, from which the
/// engine hands out no more than the rate. It is a steady rate with a small burst, not a window that empties at once. Calls that
/// run locally or inline are counted by each process for itself.
///
/// ```
/// # use ostro::prelude::*;
/// #[activity(rate_limit = RateLimit::per(Duration::from_secs(60), 100))]
/// async fn ask(question: String) -> Result<String> {
/// #   Ok(question)
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    window: Duration,
    executions: u32,
    key: Option<String>,
}

impl RateLimit {
    /// At most `executions` in each `window`.
    ///
    /// # Panics
    /// If `window` is zero or longer than an hour, or `executions` is zero or more than 100 000.
    pub fn per(window: Duration, executions: u32) -> Self {
        assert!(
            !window.is_zero() && window <= Duration::from_secs(3600),
            "the window of a rate limit is more than nothing and at most an hour, not {window:?}"
        );
        assert!(
            (1..=100_000).contains(&executions),
            "a rate limit allows 1 to 100 000 executions in its window, not {executions}"
        );
        Self { window, executions, key: None }
    }

    /// At most `executions` in a second.
    pub fn per_second(executions: u32) -> Self {
        Self::per(Duration::from_secs(1), executions)
    }

    /// At most `executions` in a minute.
    pub fn per_minute(executions: u32) -> Self {
        Self::per(Duration::from_secs(60), executions)
    }

    /// Shares the limit with every activity that has the same key. Default: the activity's name.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn per_second_rate(&self) -> f64 {
        f64::from(self.executions) / self.window.as_secs_f64()
    }

    pub(crate) fn key_or<'a>(&'a self, name: &'a str) -> &'a str {
        self.key.as_deref().unwrap_or(name)
    }
}

/// The queue of a limit. `tenant` is what [`ActivityCall::rate_key`](crate::activity::ActivityCall::rate_key) was given.
pub(crate) fn queue(task_queue: &str, key: &str, tenant: Option<&str>) -> String {
    match tenant {
        None => format!("{task_queue}::rate::{key}"),
        Some(tenant) => format!("{task_queue}::rate::{key}::{tenant}"),
    }
}

/// Waits for its turn in this process: for calls that no task queue limits.
pub(crate) async fn wait_in_process(key: &str, limit: &RateLimit) {
    static NEXT: LazyLock<Mutex<HashMap<String, Instant>>> = LazyLock::new(Mutex::default);
    let turn = {
        let mut next = NEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        let turn = next.get(key).copied().unwrap_or(now).max(now);
        next.insert(key.to_owned(), turn + Duration::from_secs_f64(1.0 / limit.per_second_rate()));
        turn
    };
    tokio::time::sleep_until(turn.into()).await;
}

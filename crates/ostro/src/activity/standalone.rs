//! An activity called outside of workflows and activities: it runs here, with its retries.

use std::sync::Arc;

use crate::activity::ActivityInfo;
use crate::activity::attempt::Attempt;
use crate::activity::entry::ActivityEntry;
use crate::activity::options::ActivityOptions;
use crate::error::{Error, ErrorKind, Result, TimeoutKind};
use crate::payload::Payload;
use crate::rate_limit;

pub(crate) async fn run(
    entry: &'static ActivityEntry,
    options: ActivityOptions,
    payloads: Vec<Payload>,
) -> Result<Payload> {
    let mut number = 1;
    let mut details = None;
    loop {
        if let Some(limit) = &options.rate_limit {
            rate_limit::wait_in_process(limit.key_or(entry.name), limit).await;
        }
        let attempt = Arc::new(Attempt::standalone(ActivityInfo::outside(entry.name, number), details));
        let running = attempt.clone().run(entry, &options, payloads.clone());
        let result = match tokio::time::timeout(options.start_to_close_timeout, running).await {
            Ok(result) => result,
            Err(_) => Err(Error::of(
                ErrorKind::Timeout(TimeoutKind::StartToClose),
                format_args!("it took longer than {:?}", options.start_to_close_timeout),
            )),
        };
        let mut error = match result {
            Ok(payload) => return Ok(payload),
            Err(error) => error,
        };
        error.inner_mut().activity.get_or_insert_with(|| entry.name.to_owned());
        let last = options.retry_policy_max_attempts != 0 && number >= options.retry_policy_max_attempts;
        let named =
            error.type_name().is_some_and(|name| options.retry_policy_non_retryable.iter().any(|one| one == name));
        if last || named || error.is_non_retryable() || error.is_cancelled() {
            return Err(error);
        }
        tokio::time::sleep(error.inner().next_retry_delay.unwrap_or_else(|| options.backoff(number))).await;
        details = attempt.last_details();
        number += 1;
    }
}

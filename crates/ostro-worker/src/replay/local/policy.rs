//! When a local activity is tried again.

use std::time::Duration;

use temporalio_protos::temporal::api::{
    common::v1::RetryPolicy,
    failure::v1::{ApplicationFailureInfo, Failure, failure::FailureInfo},
};

use crate::replay::times;

/// The wait before the next attempt after attempt number `attempt` (from 1); None: it was the last. A policy's invalid values are the
/// defaults: one second at first, doubled each time, up to a hundred times the first.
pub(super) fn backoff(policy: &RetryPolicy, attempt: u32, failure: &Failure) -> Option<Duration> {
    let attempts_max = u32::try_from(policy.maximum_attempts).unwrap_or(0);
    if attempts_max > 0 && attempt >= attempts_max {
        return None;
    }
    let info = match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => Some(info),
        _ => None,
    };
    if info.is_some_and(|info| info.non_retryable) || is_named(policy, info.map_or("", |info| &info.r#type)) {
        return None;
    }
    let asked = |info: &ApplicationFailureInfo| info.next_retry_delay.as_ref().and_then(times::from_duration);
    Some(info.and_then(asked).unwrap_or_else(|| interval(policy, attempt)))
}

fn is_named(policy: &RetryPolicy, kind: &str) -> bool {
    policy.non_retryable_error_types.iter().any(|named| named.to_lowercase() == kind.to_lowercase())
}

fn interval(policy: &RetryPolicy, attempt: u32) -> Duration {
    let span = |span: Option<&prost_wkt_types::Duration>| span.and_then(times::from_duration);
    let first = span(policy.initial_interval.as_ref()).unwrap_or(Duration::from_secs(1));
    let factor = if policy.backoff_coefficient >= 1.0 { policy.backoff_coefficient } else { 2.0 };
    let longest =
        span(policy.maximum_interval.as_ref()).map_or(first.saturating_mul(100), |longest| longest.max(first));
    if attempt <= 1 {
        return first;
    }
    let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX);
    let grown = Duration::try_from_secs_f64(factor.powi(exponent) * first.as_secs_f64());
    grown.unwrap_or(longest).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(kind: &str, non_retryable: bool, delay: Option<Duration>) -> Failure {
        let info = ApplicationFailureInfo {
            r#type: kind.to_owned(),
            non_retryable,
            next_retry_delay: delay.map(times::duration),
            ..Default::default()
        };
        Failure { failure_info: Some(FailureInfo::ApplicationFailureInfo(info)), ..Failure::default() }
    }

    #[test]
    fn waits_as_the_policy_says() {
        let failure = application("Bad", false, None);
        let seconds = |policy: &RetryPolicy, attempt| backoff(policy, attempt, &failure).map(|wait| wait.as_secs());
        let default = RetryPolicy::default();
        assert_eq!([1, 2, 3, 10, u32::MAX].map(|n| seconds(&default, n)), [1, 2, 4, 100, 100].map(Some));
        let few = RetryPolicy { maximum_attempts: 2, ..default.clone() };
        assert_eq!([seconds(&few, 1), seconds(&few, 2)], [Some(1), None]);
        let named = RetryPolicy { non_retryable_error_types: vec!["bad".to_owned()], ..default.clone() };
        assert_eq!(seconds(&named, 1), None);
        assert_eq!(backoff(&default, 1, &application("", true, None)), None);
        let asked = application("", false, Some(Duration::from_secs(7)));
        assert_eq!(backoff(&default, 1, &asked), Some(Duration::from_secs(7)));
        let steep = RetryPolicy { backoff_coefficient: f64::MAX, ..default };
        assert_eq!(seconds(&steep, 3), Some(100));
    }
}

//! Whether, and after how long, a failed attempt is tried again.

use temporalio_protos::temporal::api::{
    common::v1::RetryPolicy,
    enums::v1::{RetryState, TimeoutType},
    failure::v1::{Failure, failure::FailureInfo},
};

use crate::base::time::{Span, Time, duration, from_duration};
use crate::config::{Config, FOREVER};

/// The prefix by which a policy names time-outs as not retryable, e.g. `TemporalTimeout:StartToClose`.
const TIMEOUT_TYPE_PREFIX: &str = "TemporalTimeout:";

/// Fills in what a policy leaves open, with the reference server's defaults.
pub(crate) fn with_defaults(policy: &RetryPolicy, config: &Config) -> RetryPolicy {
    let mut policy = policy.clone();
    if from_duration(&policy.initial_interval) == Span::ZERO {
        policy.initial_interval = duration(config.activity_retry_interval);
    }
    if policy.backoff_coefficient == 0.0 {
        policy.backoff_coefficient = config.activity_retry_coefficient;
    }
    if from_duration(&policy.maximum_interval) == Span::ZERO {
        let longest = from_duration(&policy.initial_interval).as_secs_f64() * config.activity_retry_interval_max_factor;
        policy.maximum_interval = duration(Span::from_secs_f64(longest));
    }
    policy
}

/// The wait before the attempt after `attempt`, or why there is none.
///
/// `expiration` is the time after which no attempt may begin (0: none).
pub(crate) fn next_attempt(
    policy: Option<&RetryPolicy>,
    attempt: i32,
    now: Time,
    expiration: Time,
    failure: &Failure,
) -> Result<Span, RetryState> {
    let Some(policy) = policy else {
        return Err(RetryState::RetryPolicyNotSet);
    };
    if !is_retryable(failure, &policy.non_retryable_error_types) {
        return Err(RetryState::NonRetryableFailure);
    }
    let wait = delay_of_failure(failure).unwrap_or_else(|| interval(policy, attempt));
    // As on the reference server, time goes before attempts.
    if expiration != Time::UNSET && now + wait > expiration {
        return Err(RetryState::Timeout);
    }
    if policy.maximum_attempts > 0 && attempt >= policy.maximum_attempts {
        return Err(RetryState::MaximumAttemptsReached);
    }
    Ok(wait)
}

/// The wait after attempt `attempt`, as the policy alone has it.
pub(crate) fn interval(policy: &RetryPolicy, attempt: i32) -> Span {
    let initial = from_duration(&policy.initial_interval).nanos() as f64;
    let wait = initial * policy.backoff_coefficient.powi(attempt.max(1) - 1);
    let longest = from_duration(&policy.maximum_interval);
    let longest = if longest > Span::ZERO { longest.min(FOREVER) } else { FOREVER };
    if wait.is_finite() && wait < longest.nanos() as f64 { Span::from_nanos(wait as i64) } else { longest }
}

/// The delay that the worker asked for with the failure itself.
fn delay_of_failure(failure: &Failure) -> Option<Span> {
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) if info.next_retry_delay.is_some() => {
            Some(from_duration(&info.next_retry_delay).clamp(Span::ZERO, FOREVER))
        }
        _ => None,
    }
}

/// Whether the failure's kind allows another attempt.
pub(crate) fn is_retryable(failure: &Failure, non_retryable_types: &[String]) -> bool {
    let listed = |name: &str| non_retryable_types.iter().any(|t| t == name);
    match &failure.failure_info {
        Some(FailureInfo::TerminatedFailureInfo(_) | FailureInfo::CanceledFailureInfo(_)) => false,
        Some(FailureInfo::TimeoutFailureInfo(info)) => {
            let kind = TimeoutType::try_from(info.timeout_type).unwrap_or_default();
            match kind {
                TimeoutType::StartToClose | TimeoutType::Heartbeat => {
                    !listed(&format!("{TIMEOUT_TYPE_PREFIX}{}", crate::execution::failures::timeout_name(kind)))
                }
                _ => false,
            }
        }
        Some(FailureInfo::ServerFailureInfo(info)) => !info.non_retryable,
        Some(FailureInfo::ApplicationFailureInfo(info)) => !info.non_retryable && !listed(&info.r#type),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use temporalio_protos::temporal::api::failure::v1::ApplicationFailureInfo;

    use super::*;
    use crate::base::time::SECOND;

    fn application(kind: &str, non_retryable: bool, delay: Option<Span>) -> Failure {
        Failure {
            failure_info: Some(FailureInfo::ApplicationFailureInfo(ApplicationFailureInfo {
                r#type: kind.into(),
                non_retryable,
                next_retry_delay: delay.and_then(duration),
                ..Default::default()
            })),
            ..Default::default()
        }
    }

    fn policy(attempts: i32) -> RetryPolicy {
        let policy = RetryPolicy {
            maximum_attempts: attempts,
            non_retryable_error_types: vec!["Bad".into()],
            ..Default::default()
        };
        with_defaults(&policy, &Config::default())
    }

    #[test]
    fn intervals_double_up_to_a_hundred_times_the_first() {
        let failure = application("E", false, None);
        let waits: Vec<_> = [1, 2, 3, 7, 8, 60]
            .map(|attempt| {
                next_attempt(Some(&policy(0)), attempt, Time::UNSET, Time::UNSET, &failure).unwrap() / SECOND
            })
            .into();
        assert_eq!(waits, [1, 2, 4, 64, 100, 100]);
    }

    #[test]
    fn reasons_to_give_up() {
        let cases = [
            (None, 1, 0, application("E", false, None), RetryState::RetryPolicyNotSet),
            (Some(policy(3)), 3, 0, application("E", false, None), RetryState::MaximumAttemptsReached),
            (Some(policy(0)), 1, 0, application("E", true, None), RetryState::NonRetryableFailure),
            (Some(policy(0)), 1, 0, application("Bad", false, None), RetryState::NonRetryableFailure),
            (Some(policy(0)), 1, 500_000_000, application("E", false, None), RetryState::Timeout),
            (Some(policy(1)), 1, 500_000_000, application("E", false, None), RetryState::Timeout),
            (Some(policy(1)), 1, 9_000_000_000, application("E", false, None), RetryState::MaximumAttemptsReached),
        ];
        for (policy, attempt, expiration, failure, reason) in cases {
            assert_eq!(
                next_attempt(policy.as_ref(), attempt, Time::UNSET, Time::from_nanos(expiration), &failure),
                Err(reason)
            );
        }
    }

    #[test]
    fn the_failure_may_name_its_own_delay() {
        let failure = application("E", false, Some(7 * SECOND));
        assert_eq!(next_attempt(Some(&policy(0)), 1, Time::UNSET, Time::UNSET, &failure), Ok(7 * SECOND));
    }
}

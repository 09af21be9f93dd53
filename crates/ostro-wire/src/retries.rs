//! Calls that failed for a reason that passes are made again, as Temporal's SDKs do.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use tonic::{Code, Status};

use crate::{BoxFuture, EncodedAnswer};

/// Part of a pause that chance adds or takes away.
const JITTER: f64 = 0.2;

/// How often, and for how long, a call is made again.
///
/// The default is that of Temporal's SDKs. It is for requests that count once however often they arrive: reads, and writes
/// with a request id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// Pause before the second attempt.
    pub pause_first: Duration,
    /// Each pause is this many times the one before.
    pub pause_factor: f64,
    /// Longest pause.
    pub pause_max: Duration,
    /// First pause where the server has too much to do (RESOURCE_EXHAUSTED), if that is longer.
    pub pause_exhausted: Duration,
    /// Time after the first failure in which other attempts begin: a call that waited long before it failed has them too.
    pub elapsed_max: Duration,
    /// Attempts, with the first.
    pub attempts_max: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            pause_first: Duration::from_millis(100),
            pause_factor: 1.7,
            pause_max: Duration::from_secs(5),
            pause_exhausted: Duration::from_secs(1),
            elapsed_max: Duration::from_secs(10),
            attempts_max: 10,
        }
    }
}

impl Retries {
    pub(crate) async fn run(&self, mut attempt: impl FnMut() -> BoxFuture<EncodedAnswer>) -> EncodedAnswer {
        let (mut number, mut first_failure) = (1, None);
        loop {
            let status = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            let since = first_failure.get_or_insert_with(Instant::now).elapsed();
            let pause = self.pause(number, &status).filter(|pause| since + *pause <= self.elapsed_max);
            let Some(pause) = pause else { return Err(status) };
            tracing::debug!(number, %status, "a call failed and is made again");
            tokio::time::sleep(pause).await;
            number += 1;
        }
    }

    /// The pause after an attempt that failed so; `None` where another would end no better, or there were enough.
    fn pause(&self, attempt: u32, status: &Status) -> Option<Duration> {
        if attempt >= self.attempts_max || !passes(status) {
            return None;
        }
        let first = match status.code() {
            Code::ResourceExhausted => self.pause_exhausted.max(self.pause_first),
            _ => self.pause_first,
        };
        let grown =
            first.as_secs_f64() * self.pause_factor.powi(attempt.saturating_sub(1).try_into().unwrap_or(i32::MAX));
        let pause = grown.min(self.pause_max.as_secs_f64());
        Some(Duration::from_secs_f64(pause * (1.0 + JITTER * chance())))
    }
}

/// Whether the same call may be answered a moment later.
fn passes(status: &Status) -> bool {
    match status.code() {
        Code::ResourceExhausted => !status.message().starts_with("grpc: "),
        Code::DataLoss | Code::Internal | Code::Unknown | Code::Aborted | Code::OutOfRange | Code::Unavailable => true,
        _ => false,
    }
}

/// A number from -1 to 1.
fn chance() -> f64 {
    let drawn = RandomState::new().build_hasher().finish();
    drawn as f64 / u64::MAX as f64 * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// How the call ends whose attempts fail so, and how many there were.
    async fn attempts(mut refusals: Vec<Status>, elapsed_max: Duration) -> (Result<(), Code>, usize) {
        let (pause_first, pause_exhausted) = (Duration::from_millis(1), Duration::ZERO);
        let quick = Retries { pause_first, pause_exhausted, elapsed_max, ..Default::default() };
        let mut count = 0;
        let answer = quick.run(|| {
            count += 1;
            Box::pin(std::future::ready(refusals.pop().map_or(Ok(Bytes::new()), Err)))
        });
        let answer = answer.await.map(drop).map_err(|status| status.code());
        (answer, count)
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_not() {
        for (status, expected) in [
            (Status::unavailable("connection refused"), 2),
            (Status::internal("shard moved"), 2),
            (Status::resource_exhausted("namespace rate limit exceeded"), 2),
            (Status::resource_exhausted("grpc: received message larger than max (5 vs. 4)"), 1),
            (Status::not_found("workflow not found"), 1),
            (Status::invalid_argument("no"), 1),
            (Status::deadline_exceeded("context deadline exceeded"), 1),
        ] {
            let (answer, count) = attempts(vec![status.clone()], MINUTE).await;
            assert_eq!((answer.is_ok(), count), (expected == 2, expected), "{status}");
        }
    }

    #[tokio::test]
    async fn attempts_and_their_time_have_an_end() {
        let down = || vec![Status::unavailable("down"); 20];
        assert_eq!(attempts(down(), MINUTE).await, (Err(Code::Unavailable), 10));
        assert_eq!(attempts(down(), Duration::ZERO).await, (Err(Code::Unavailable), 1));
    }

    #[test]
    fn pauses_grow_to_their_limit() {
        let retries = Retries::default();
        let down = Status::unavailable("down");
        let pause = |attempt| retries.pause(attempt, &down).unwrap().as_secs_f64();
        assert!((0.08..=0.12).contains(&pause(1)), "{}", pause(1));
        assert!((0.136..=0.204).contains(&pause(2)), "{}", pause(2));
        assert!((4.0..=6.0).contains(&pause(9)), "{}", pause(9));
        assert_eq!(retries.pause(10, &down), None);
    }
}

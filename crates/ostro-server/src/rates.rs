//! Requests in a second, by namespace: a bucket that fills at the rate of the quota.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ostro_engine::quota::Quotas;
use ostro_wire::Throttle;
use tonic::Status;

/// Buckets that are kept; full ones, which say nothing, go beyond it.
const BUCKETS_MAX: usize = 1000;

/// The rates of all namespaces.
pub(crate) struct Rates {
    quotas: Quotas,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// What has come in since the last look, up to twice a second's.
    fn fill(&mut self, rate: f64, now: Instant) {
        let came = now.duration_since(self.at).as_secs_f64() * rate;
        (self.left, self.at) = ((self.left + came).min(room(rate)), now);
    }
}

/// A bucket takes two seconds' requests, and one at least.
fn room(rate: f64) -> f64 {
    (2.0 * rate).max(1.0)
}

impl Rates {
    /// `None` where no namespace has a rate.
    pub(crate) fn of(quotas: &Quotas) -> Option<Self> {
        let any = quotas.named().any(|(_, quota)| quota.requests_per_second.is_some());
        any.then(|| Self { quotas: quotas.clone(), buckets: Mutex::default() })
    }

    fn take(&self, namespace: &str, rate: f64, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(namespace) {
            // Names cost nothing, so there may be any number of them: of those that are full nothing is lost.
            buckets.retain(|name, bucket| {
                let rate = self.quotas.of(name).requests_per_second.unwrap_or(rate);
                bucket.fill(rate, now);
                bucket.left < room(rate)
            });
        }
        let bucket = buckets.entry(namespace.to_owned()).or_insert(Bucket { left: room(rate), at: now });
        bucket.fill(rate, now);
        let enough = bucket.left >= 1.0;
        bucket.left -= f64::from(u8::from(enough));
        enough
    }
}

impl Throttle for Rates {
    fn admit(&self, namespace: &str) -> Result<(), Status> {
        let Some(rate) = self.quotas.of(namespace).requests_per_second else { return Ok(()) };
        if self.take(namespace, rate, Instant::now()) {
            return Ok(());
        }
        Err(Status::resource_exhausted(format!(
            "namespace {namespace} makes more requests than requests_per_second = {rate} of {} allows: make fewer, try again \
             later, or raise the quota",
            self.quotas.table_of(namespace)
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ostro_engine::quota::Quota;

    use super::*;

    fn rates(rate: f64) -> Rates {
        let mut quotas = Quotas::default();
        quotas.set("*", Quota { requests_per_second: Some(rate), ..Quota::default() });
        Rates::of(&quotas).expect("there is a rate")
    }

    #[test]
    fn a_namespace_has_its_rate_and_two_seconds_of_it_at_once() {
        let (rates, start) = (rates(5.0), Instant::now());
        let taken = |name, at| (0..100).filter(|_| rates.take(name, 5.0, at)).count();
        assert_eq!(taken("a", start), 10);
        assert_eq!(taken("b", start), 10, "each has its own");
        assert_eq!(taken("a", start + Duration::from_secs(1)), 5);
        assert_eq!(taken("a", start + Duration::from_secs(60)), 10);
        assert!(Rates::of(&Quotas::default()).is_none());
    }

    #[test]
    fn a_million_names_leave_little_behind_and_slow_rates_still_let_one_through() {
        let (rates, start) = (rates(0.1), Instant::now());
        for number in 0..10_000 {
            assert!(rates.take(&number.to_string(), 1000.0, start + Duration::from_secs(number)));
        }
        assert!(rates.buckets.lock().unwrap().len() <= BUCKETS_MAX + 1);
        assert!(rates.take("a", 0.1, start) && !rates.take("a", 0.1, start));
        let refusal = rates.admit("a").expect_err("used up").message().to_owned();
        assert!(refusal.contains("requests_per_second = 0.1 of [quotas.\"*\"]"), "{refusal}");
    }
}

//! Bytes of requests under way: over all connections, of one address, of one connection.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::Status;

use super::limits::NetworkLimits;
use super::source::Source;
use super::stats::NetworkStats;

/// What a request counts for at least: its head, and what waits for its answer.
const REQUEST_BYTES_LEAST: usize = 4 << 10;

/// What may be held, and what is.
pub(super) struct Budget {
    least: usize,
    all_max: usize,
    per_address_max: usize,
    per_connection_max: usize,
    held: Mutex<Taken>,
    stats: Arc<NetworkStats>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_source: HashMap<Source, usize>,
}

impl Budget {
    pub(super) fn new(limits: &NetworkLimits, stats: Arc<NetworkStats>) -> Self {
        Self {
            least: REQUEST_BYTES_LEAST,
            all_max: limits.request_bytes_max,
            per_address_max: limits.request_bytes_per_address_max,
            per_connection_max: limits.request_bytes_per_connection_max,
            held: Mutex::default(),
            stats,
        }
    }

    fn take(&self, share: &Share, bytes: usize) -> Result<(), Status> {
        let mut taken = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let by_source = taken.by_source.get(&share.source).copied().unwrap_or(0);
        let of_connection = share.held.load(Relaxed);
        let over = [
            (of_connection, self.per_connection_max, "request_bytes_per_connection_max", "this connection"),
            (by_source, self.per_address_max, "request_bytes_per_address_max", "this address"),
            (taken.all, self.all_max, "request_bytes_max", "all connections"),
        ]
        .into_iter()
        .filter(|(.., key, _)| share.source.is_limited() || *key != "request_bytes_per_address_max")
        .find(|(held, max, ..)| held + bytes > *max);
        if let Some((held, max, key, whose)) = over {
            NetworkStats::count(&self.stats.requests_too_much);
            return Err(Status::resource_exhausted(format!(
                "requests of {whose} that are under way hold {held} bytes, and {key} is {max}: send fewer at a time, or try \
                 again"
            )));
        }
        taken.all += bytes;
        *taken.by_source.entry(share.source).or_default() += bytes;
        share.held.fetch_add(bytes, Relaxed);
        self.stats.request_bytes_now.store(taken.all as u64, Relaxed);
        Ok(())
    }

    fn give_back(&self, share: &Share, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut taken = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= bytes;
        if let Some(of_source) = taken.by_source.get_mut(&share.source) {
            *of_source -= bytes;
            if *of_source == 0 {
                taken.by_source.remove(&share.source);
            }
        }
        share.held.fetch_sub(bytes, Relaxed);
        self.stats.request_bytes_now.store(taken.all as u64, Relaxed);
    }
}

/// One connection's part.
pub(super) struct Share {
    source: Source,
    held: AtomicUsize,
    budget: Arc<Budget>,
}

impl Share {
    pub(super) fn new(source: Source, budget: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { source, held: AtomicUsize::new(0), budget })
    }
}

/// What one request holds, until it is answered. Cheap to clone.
#[derive(Clone)]
pub struct Held(Arc<HeldBytes>);

struct HeldBytes {
    share: Arc<Share>,
    bytes: AtomicUsize,
    /// Why it has no place at all.
    refusal: Option<Status>,
}

impl Held {
    /// What a request holds as soon as it is there.
    pub(super) fn begin(share: Arc<Share>) -> Self {
        let least = share.budget.least;
        let refusal = share.budget.take(&share, least).err();
        let bytes = AtomicUsize::new(if refusal.is_some() { 0 } else { least });
        Self(Arc::new(HeldBytes { share, bytes, refusal }))
    }

    /// Whether there is a place for the request. Asked before it is read.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where too many are under way.
    pub fn check(&self) -> Result<(), Status> {
        self.0.refusal.clone().map_or(Ok(()), Err)
    }

    /// Says that the request has this many bytes in all: as it comes, and once more when it is decompressed.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where requests under way would hold more than they may; the request holds what it held.
    pub fn grow_to(&self, bytes: usize) -> Result<(), Status> {
        let more = bytes.saturating_sub(self.0.bytes.load(Relaxed));
        if more > 0 {
            self.0.share.budget.take(&self.0.share, more)?;
            self.0.bytes.fetch_add(more, Relaxed);
        }
        Ok(())
    }

    /// How much any request may hold.
    pub(super) fn max(&self) -> usize {
        let budget = &self.0.share.budget;
        budget.all_max.min(budget.per_connection_max)
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.share.budget.give_back(&self.share, *self.bytes.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> Arc<Budget> {
        let limits = NetworkLimits {
            request_bytes_max: 100,
            request_bytes_per_address_max: 60,
            request_bytes_per_connection_max: 40,
            ..NetworkLimits::default()
        };
        Arc::new(Budget { least: 0, ..Budget::new(&limits, Arc::default()) })
    }

    #[test]
    fn a_request_counts_before_it_has_said_anything() {
        let budget = Arc::new(Budget { least: 30, ..Arc::into_inner(budget()).expect("one owner") });
        let share = Share::new(Source::Loopback, budget.clone());
        let first = Held::begin(share.clone());
        first.grow_to(20).expect("that is what it holds already");
        assert!(first.check().is_ok() && Held::begin(share).check().is_err());
        drop(first);
        assert_eq!(budget.stats.request_bytes_now.load(Relaxed), 0);
    }

    #[test]
    fn each_limit_is_named_and_what_is_answered_makes_room() {
        let budget = budget();
        let share = |address: &str| Share::new(Source::of(address.parse().unwrap()), budget.clone());
        let refused = |held: &Held, bytes| held.grow_to(bytes).expect_err("too much").message().to_owned();
        let (one, two) = (share("10.0.0.1"), share("10.0.0.1"));
        let first = Held::begin(one.clone());
        first.grow_to(30).unwrap();
        first.grow_to(40).unwrap();
        assert!(refused(&Held::begin(one), 1).contains("request_bytes_per_connection_max is 40"));
        let second = Held::begin(two.clone());
        assert!(refused(&second, 21).contains("request_bytes_per_address_max is 60"));
        second.grow_to(20).unwrap();
        let own = Held::begin(share("127.0.0.1"));
        own.grow_to(40).unwrap();
        assert!(refused(&Held::begin(share("127.0.0.1")), 1).contains("request_bytes_max is 100"));
        drop(first);
        assert_eq!(budget.stats.request_bytes_now.load(Relaxed), 60);
        Held::begin(two).grow_to(20).unwrap();
        drop((second, own));
        assert_eq!(budget.stats.request_bytes_now.load(Relaxed), 0);
        assert_eq!(budget.stats.requests_too_much.load(Relaxed), 3);
        assert!(budget.held.lock().unwrap().by_source.is_empty());
    }
}

//! A number that goes up and down.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// An integer that many threads change.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

/// One more, as long as it lives.
#[derive(Debug)]
pub struct Open<'a>(&'a Gauge);

impl Gauge {
    /// Adds `difference`, which may be negative.
    pub fn add(&self, difference: i64) {
        self.0.fetch_add(difference, Relaxed);
    }

    /// Replaces the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// The value.
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }

    /// Counts one until the answer is dropped.
    pub fn open(&self) -> Open<'_> {
        self.add(1);
        Open(self)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

//! Counters of the writer, for metrics.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// All grow from 0 at start, except the two `last_*`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Commits that reached the disk.
    pub commits: AtomicU64,
    /// Batches taken from the queue, those without writes too.
    pub batches: AtomicU64,
    /// Writes in those batches, before writes to the same row are merged.
    pub writes: AtomicU64,
    /// Bytes of those writes, roughly.
    pub bytes: AtomicU64,
    /// Batches in the last commit.
    pub last_group: AtomicU64,
    /// Nanoseconds that the last commit took, from its first write to the sync.
    pub last_commit_nanos: AtomicU64,
    /// Nanoseconds that all commits took.
    pub commit_nanos: AtomicU64,
}

impl Stats {
    pub(crate) fn committed(&self, batches: usize, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Relaxed);
        self.last_group.store(batches as u64, Relaxed);
        self.last_commit_nanos.store(nanos, Relaxed);
        self.commit_nanos.fetch_add(nanos, Relaxed);
    }
}

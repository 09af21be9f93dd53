//! What the pools of readers count.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use ostro_store::{PoolStats, Readers};

use super::text::Text;

pub(super) fn render(readers: &Readers, text: &mut Text) {
    text.gauge("ostro_store_log_bytes", "Bytes of the store's write-ahead log", readers.log_bytes() as f64);
    let pools = readers.pools();
    text.family("ostro_reads_waiting", "gauge", "Reads that wait for a connection");
    for (pool, reads) in pools {
        text.sample("ostro_reads_waiting", &[("pool", pool)], reads.stats().waiting_now.load(Relaxed) as f64);
    }
    let reasons: [(&str, fn(&PoolStats) -> &AtomicU64); 3] = [
        ("queue_full", |stats| &stats.refused),
        ("too_long", |stats| &stats.cut),
        ("caller_gone", |stats| &stats.abandoned),
    ];
    text.family("ostro_reads_ended_total", "counter", "Reads that brought nothing, by reason");
    for (pool, reads) in pools {
        for (reason, counter) in reasons {
            let labels = [("pool", pool), ("reason", reason)];
            text.sample("ostro_reads_ended_total", &labels, counter(reads.stats()).load(Relaxed) as f64);
        }
    }
}

//! What the pools of readers count.

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
    text.family("ostro_reads_ended_total", "counter", "Reads that brought nothing, by reason");
    for (pool, reads) in pools {
        let PoolStats { refused, cut, abandoned, .. } = reads.stats();
        for (reason, counter) in [("queue_full", refused), ("too_long", cut), ("caller_gone", abandoned)] {
            text.sample("ostro_reads_ended_total", &[("pool", pool), ("reason", reason)], counter.load(Relaxed) as f64);
        }
    }
}

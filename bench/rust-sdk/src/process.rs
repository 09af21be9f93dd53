//! What this process has spent, from /proc.

use std::time::Duration;

/// CPU time of all threads so far, to the microsecond: `schedstat` counts nanoseconds.
pub fn cpu() -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    // A thread that has ended is in none of them, so nothing measured here may start any.
    Duration::from_nanos(nanoseconds.sum())
}

/// Memory in use, in KiB.
pub fn rss_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

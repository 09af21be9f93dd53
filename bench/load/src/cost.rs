//! What processes cost, from /proc.

use std::time::{Duration, Instant};

/// CPU and memory of a process.
#[derive(Debug, Clone)]
pub struct Process {
    directory: String,
}

impl Process {
    pub fn of(pid: u32) -> Self {
        Self { directory: format!("/proc/{pid}") }
    }

    pub fn own() -> Self {
        Self { directory: "/proc/self".to_owned() }
    }

    /// User and system time of all threads so far, to a hundredth of a second.
    pub fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("{}/stat", self.directory)).unwrap_or_default();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
        // Fields 14 and 15 of proc(5), in hundredths of a second.
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Resident memory now, in MiB.
    pub fn rss_mib(&self) -> f64 {
        self.status_mib("VmRSS:")
    }

    /// The most that it ever was.
    pub fn rss_mib_max(&self) -> f64 {
        self.status_mib("VmHWM:")
    }

    fn status_mib(&self, field: &str) -> f64 {
        let text = std::fs::read_to_string(format!("{}/status", self.directory)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
    }
}

/// A moment, with what was spent until then.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub at: Instant,
    pub server: Duration,
    pub own: Duration,
}

impl Mark {
    pub fn now(server: Option<&Process>) -> Self {
        Self { at: Instant::now(), server: server.map_or(Duration::ZERO, Process::cpu), own: Process::own().cpu() }
    }

    /// Microseconds since `before` for each of `count`: wall, the server's CPU, the driver's CPU.
    pub fn since(&self, before: &Mark, count: usize) -> [f64; 3] {
        let per = |time: Duration| (time.as_secs_f64() * 1e7 / count.max(1) as f64).round() / 10.0;
        [per(self.at - before.at), per(self.server - before.server), per(self.own - before.own)]
    }
}

//! How many tasks came and went within the last half minute.

use crate::base::time::Time;

const SECONDS: i64 = 30;

/// A count per second over the last [`SECONDS`]; no more than 130 bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    counts: [u32; SECONDS as usize],
    /// The newest second that was counted.
    newest: i64,
}

impl Meter {
    /// Counts one at `time`; what is older than the window is left out.
    pub(crate) fn count(&mut self, time: Time) {
        let second = time.secs();
        self.forward(second);
        if second > self.newest - SECONDS {
            self.counts[slot(second)] += 1;
        }
    }

    /// Takes one count of `time` back.
    pub(crate) fn discount(&mut self, time: Time) {
        let second = time.secs();
        if second <= self.newest && second > self.newest - SECONDS {
            self.counts[slot(second)] = self.counts[slot(second)].saturating_sub(1);
        }
    }

    /// Counts per second over the window, or over the time since `since` where that is shorter, but not under a second.
    pub(crate) fn rate(&self, since: Time, now: Time) -> f64 {
        let second = now.secs();
        let oldest = (second - SECONDS + 1).max(self.newest - SECONDS + 1);
        let sum: u32 = (oldest..=self.newest).map(|s| self.counts[slot(s)]).sum();
        let span = (second - since.secs() + 1).clamp(1, SECONDS);
        f64::from(sum) / span as f64
    }

    fn forward(&mut self, second: i64) {
        if second <= self.newest {
            return;
        }
        for passed in (self.newest + 1).max(second - SECONDS + 1)..=second {
            self.counts[slot(passed)] = 0;
        }
        self.newest = second;
    }
}

fn slot(second: i64) -> usize {
    second.rem_euclid(SECONDS) as usize
}

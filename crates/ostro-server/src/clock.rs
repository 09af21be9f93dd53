//! Where the shell reads the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ostro_engine::time::{Span, Time};

/// The one source of time of a server. It never goes backwards.
pub trait Clock: Send + Sync + 'static {
    /// Nanoseconds since the Unix epoch.
    fn now(&self) -> Time;
}

/// The system's clock. Where that is set back, time goes on from where it was at its own pace until the system has
/// caught up: deadlines neither fire again nor stand still.
#[derive(Debug)]
pub struct SystemClock {
    last: Mutex<(Time, Instant)>,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { last: Mutex::new((0, Instant::now())) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let instant = Instant::now();
        let now = advance(*last, system_time(), instant);
        *last = (now, instant);
        now
    }
}

/// The system's clock, which a test moves forward.
#[derive(Debug, Default)]
pub struct SkippingClock {
    system: SystemClock,
    ahead: AtomicI64,
}

impl SkippingClock {
    pub(crate) fn skip(&self, span: Span) {
        self.ahead.fetch_add(span, Ordering::SeqCst);
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Time {
        self.system.now().saturating_add(self.ahead.load(Ordering::SeqCst))
    }
}

fn advance((last, at): (Time, Instant), system: Time, instant: Instant) -> Time {
    if system >= last {
        return system;
    }
    last.saturating_add(nanoseconds(instant.saturating_duration_since(at).as_nanos()))
}

fn system_time() -> Time {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| nanoseconds(elapsed.as_nanos()))
}

fn nanoseconds(nanoseconds: u128) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_set_back_goes_on_at_its_own_pace() {
        let start = Instant::now();
        let later = start + Duration::from_nanos(5);
        assert_eq!(advance((100, start), 200, later), 200);
        assert_eq!(advance((100, start), 40, later), 105);
        let clock = SystemClock::default();
        let first = clock.now();
        assert!(first > 1_700_000_000_000_000_000 && clock.now() >= first);
    }
}

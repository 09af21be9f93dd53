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
        Self { last: Mutex::new((Time::UNSET, Instant::now())) }
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
        let further = |ahead: i64| Some(ahead.saturating_add(span.nanos()));
        let _ = self.ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, further);
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Time {
        self.system.now() + Span::from_nanos(self.ahead.load(Ordering::SeqCst))
    }
}

fn advance((last, at): (Time, Instant), system: Time, instant: Instant) -> Time {
    if system >= last {
        return system;
    }
    last + Span::from(instant.saturating_duration_since(at))
}

fn system_time() -> Time {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(Time::UNSET, |elapsed| Span::from(elapsed).since_epoch())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_set_back_goes_on_at_its_own_pace() {
        let start = Instant::now();
        let later = start + Duration::from_nanos(5);
        let [before, ahead, back, on] = [100, 200, 40, 105].map(Time::from_nanos);
        assert_eq!(advance((before, start), ahead, later), ahead);
        assert_eq!(advance((before, start), back, later), on);
        let clock = SystemClock::default();
        let first = clock.now();
        assert!(first > Time::from_secs(1_700_000_000) && clock.now() >= first);
    }
}

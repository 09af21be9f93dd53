//! Time that skips: who holds the clock, who lets it go, who sleeps on it.
//!
//! ```text
//! locked (real time) --unlock--> unlocked: jumps to what is due next, while no work is with or on its way to a worker
//!          ^---------lock-----------'
//! ```
//!
//! The counter of locks begins at one. A sleep that unlocks gives its lock back when it ends. Where time is unlocked
//! already, it stands for one piece of work instead: so an activity may let time pass while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostro_engine::time::{Span, Time};
use tokio::sync::oneshot;

use crate::clock::{Clock, SkippingClock};

/// What `TestService` asks of the clock; answered when it is done.
#[derive(Debug)]
pub(crate) enum ClockCall {
    Lock,
    Unlock,
    /// Answered at this time, or once this span has passed.
    Sleep {
        until: Wake,
        unlock: bool,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Wake {
    At(Time),
    After(Span),
}

pub(super) struct Skipper {
    clock: Arc<SkippingClock>,
    /// Above zero, time runs at its own pace. Below zero where several callers have unlocked it.
    locks: i64,
    /// Pieces of work that are not waited for, since they sleep themselves.
    asleep: usize,
    sleepers: BTreeMap<(Time, u64), Sleeper>,
    next_sleeper: u64,
}

struct Sleeper {
    waker: oneshot::Sender<()>,
    gives_back: GivesBack,
}

/// What is undone when a sleep ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivesBack {
    Nothing,
    Lock,
    Work,
}

impl Skipper {
    pub(super) fn new(clock: Arc<SkippingClock>) -> Self {
        Self { clock, locks: 1, asleep: 0, sleepers: BTreeMap::new(), next_sleeper: 0 }
    }

    pub(super) fn call(&mut self, call: ClockCall, waker: oneshot::Sender<()>) {
        match call {
            ClockCall::Lock => self.locks += 1,
            ClockCall::Unlock => self.locks -= 1,
            ClockCall::Sleep { until, unlock } => return self.sleep(until, unlock, waker),
        }
        // Whoever has gone needs no answer.
        waker.send(()).ok();
    }

    fn sleep(&mut self, until: Wake, unlock: bool, waker: oneshot::Sender<()>) {
        let at = match until {
            Wake::At(time) => time,
            Wake::After(span) => self.clock.now() + span,
        };
        let gives_back = match (unlock, self.locks > 0) {
            (false, _) => GivesBack::Nothing,
            (true, true) => GivesBack::Lock,
            (true, false) => GivesBack::Work,
        };
        match gives_back {
            GivesBack::Nothing => {}
            GivesBack::Lock => self.locks -= 1,
            GivesBack::Work => self.asleep += 1,
        }
        self.next_sleeper += 1;
        self.sleepers.insert((at, self.next_sleeper), Sleeper { waker, gives_back });
    }

    /// Wakes those whose time has come.
    pub(super) fn wake(&mut self) {
        let now = self.clock.now();
        while let Some(entry) = self.sleepers.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let sleeper = entry.remove();
            match sleeper.gives_back {
                GivesBack::Nothing => {}
                GivesBack::Lock => self.locks += 1,
                GivesBack::Work => self.asleep = self.asleep.saturating_sub(1),
            }
            sleeper.waker.send(()).ok();
        }
    }

    /// When the first sleeper wakes.
    pub(super) fn next(&self) -> Option<Time> {
        self.sleepers.keys().next().map(|(at, _)| *at)
    }

    /// How far time may jump now: to `due` or to the first sleeper, while `work` is under way.
    pub(super) fn span(&self, due: Option<Time>, work: usize) -> Option<Span> {
        if self.locks > 0 || work > self.asleep {
            return None;
        }
        let next = due.into_iter().chain(self.next()).min()?;
        Some(next - self.clock.now()).filter(|span| *span > Span::ZERO)
    }

    pub(super) fn jump(&self, span: Span) {
        self.clock.skip(span);
    }

    /// The server ends: nobody sleeps on.
    pub(super) fn drain(&mut self) {
        self.sleepers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostro_engine::time::{HOUR, MINUTE};

    fn skipper() -> Skipper {
        Skipper::new(Arc::new(SkippingClock::default()))
    }

    fn call(skipper: &mut Skipper, call: ClockCall) -> oneshot::Receiver<()> {
        let (waker, woken) = oneshot::channel();
        skipper.call(call, waker);
        woken
    }

    fn sleep(skipper: &mut Skipper, span: Span, unlock: bool) -> oneshot::Receiver<()> {
        call(skipper, ClockCall::Sleep { until: Wake::After(span), unlock })
    }

    fn jump(skipper: &mut Skipper, due: Option<Time>, work: usize) -> bool {
        let span = skipper.span(due, work);
        span.into_iter().for_each(|span| skipper.jump(span));
        skipper.wake();
        span.is_some()
    }

    #[test]
    fn time_jumps_only_while_it_is_unlocked_and_nothing_works() {
        let mut skipper = skipper();
        let due = Some(skipper.clock.now() + HOUR);
        assert!(!jump(&mut skipper, due, 0), "it begins locked");
        call(&mut skipper, ClockCall::Unlock);
        assert!(!jump(&mut skipper, due, 1));
        assert!(jump(&mut skipper, due, 0));
        assert!(Some(skipper.clock.now()) >= due);
        assert!(!jump(&mut skipper, None, 0), "nothing is due");
        call(&mut skipper, ClockCall::Lock);
        let due = Some(skipper.clock.now() + HOUR);
        assert!(!jump(&mut skipper, due, 0));
    }

    #[test]
    fn a_sleep_that_unlocks_locks_again() {
        let mut skipper = skipper();
        let mut woken = sleep(&mut skipper, HOUR, true);
        assert!(jump(&mut skipper, None, 0));
        assert!(woken.try_recv().is_ok());
        let mut woken = sleep(&mut skipper, HOUR, false);
        assert!(!jump(&mut skipper, None, 0), "a plain sleep waits for real time, or for somebody to unlock");
        call(&mut skipper, ClockCall::Unlock);
        assert!(jump(&mut skipper, None, 0) && woken.try_recv().is_ok());
    }

    #[test]
    fn an_activity_that_sleeps_does_not_hold_time() {
        let mut skipper = skipper();
        call(&mut skipper, ClockCall::Unlock);
        let (start, mut woken) = (skipper.clock.now(), sleep(&mut skipper, HOUR, true));
        assert!(jump(&mut skipper, Some(start + MINUTE), 1), "its own heartbeat time-out may come first");
        assert!(!jump(&mut skipper, None, 2), "another activity holds time");
        assert!(jump(&mut skipper, None, 1) && woken.try_recv().is_ok());
        assert!(!jump(&mut skipper, Some(start + 2 * HOUR), 1), "now it works again");
    }

    #[test]
    fn each_of_two_that_wait_unlocks() {
        let mut skipper = skipper();
        call(&mut skipper, ClockCall::Unlock);
        call(&mut skipper, ClockCall::Unlock);
        call(&mut skipper, ClockCall::Lock);
        let due = Some(skipper.clock.now() + HOUR);
        assert!(jump(&mut skipper, due, 0), "the other one still waits");
        call(&mut skipper, ClockCall::Lock);
        let due = Some(skipper.clock.now() + HOUR);
        assert!(!jump(&mut skipper, due, 0));
    }
}

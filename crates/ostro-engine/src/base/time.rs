//! Time inside the engine, handed in by the shell, in types whose arithmetic saturates.
//!
//! Clients name any time and any span: Go's zero time, 300 years, the end of the calendar. No sum, difference or product of such may end the
//! process or wrap around, so `Time` and `Span` clamp to what they can hold (the years 1677 to 2262, ±292 years), and only they are
//! computed with. A stored message has plain nanoseconds, since protobuf knows nothing else; [`typed_times`] reads them as what they are.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Rem, Sub, SubAssign};

use prost_wkt_types::{Duration, Timestamp};

/// A point in time: nanoseconds since the Unix epoch, from 1677 to 2262. Sums clamp to that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A span of time in nanoseconds, up to ±292 years. Sums and products clamp to that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

pub const MICROSECOND: Span = Span(1_000);
pub const MILLISECOND: Span = Span(1_000_000);
pub const SECOND: Span = Span(1_000_000_000);
pub const MINUTE: Span = SECOND.times(60);
pub const HOUR: Span = MINUTE.times(60);
pub const DAY: Span = HOUR.times(24);

const PER_SECOND: i64 = SECOND.0;
/// The zero time of Go.
const GO_ZERO_SECONDS: i64 = -62_135_596_800;

impl Time {
    /// No time: what a field has that was never set.
    pub const UNSET: Self = Self(0);
    /// Before everything: the year 1677.
    pub const MIN: Self = Self(i64::MIN);
    /// Never: the year 2262.
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The nearest time to `nanos` that there is.
    pub fn from_wide_nanos(nanos: i128) -> Self {
        Self(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(PER_SECOND))
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(PER_SECOND)
    }

    pub const fn is_set(self) -> bool {
        self.0 != 0
    }

    /// `None` where it was never set.
    pub fn set(self) -> Option<Self> {
        self.is_set().then_some(self)
    }

    /// The second that it lies in.
    pub const fn floor_secs(self) -> Self {
        Self::from_secs(self.secs())
    }
}

impl Span {
    pub const ZERO: Self = Self(0);
    pub const MIN: Self = Self(i64::MIN);
    /// For ever: 292 years.
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(PER_SECOND))
    }

    /// The nearest span to so many seconds; what is not a number is none.
    pub(crate) fn from_secs_f64(seconds: f64) -> Self {
        // A cast of a float saturates, and makes 0 of what is not a number.
        Self((seconds * PER_SECOND as f64) as i64)
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded towards zero.
    pub const fn secs(self) -> i64 {
        self.0 / PER_SECOND
    }

    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / PER_SECOND as f64
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub(crate) const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The time that is so long after the Unix epoch.
    pub const fn since_epoch(self) -> Time {
        Time(self.0)
    }

    /// So many times the span; for constants, where `*` is not to be had.
    pub const fn times(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// For the clocks of the machine; nothing where it is negative.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
}

impl From<std::time::Duration> for Span {
    fn from(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}ns", self.0)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl SubAssign<Span> for Time {
    fn sub_assign(&mut self, span: Span) {
        *self = *self - span;
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Span {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Mul<i64> for Span {
    type Output = Self;
    fn mul(self, factor: i64) -> Self {
        self.times(factor)
    }
}

impl Mul<Span> for i64 {
    type Output = Span;
    fn mul(self, span: Span) -> Span {
        span.times(self)
    }
}

/// A part of a span. The zeroth part of anything is all that there can be.
impl Div<i64> for Span {
    type Output = Self;
    fn div(self, parts: i64) -> Self {
        if parts == 0 { Self::MAX } else { Self(self.0.saturating_div(parts)) }
    }
}

/// How many whole times `part` fits. An empty part fits any number of times.
impl Div for Span {
    type Output = i64;
    fn div(self, part: Self) -> i64 {
        if part.0 == 0 { i64::MAX } else { self.0.saturating_div(part.0) }
    }
}

/// What is left when `part` was taken as often as it fits; nothing where `part` is empty.
impl Rem for Span {
    type Output = Self;
    fn rem(self, part: Self) -> Self {
        Self(self.0.checked_rem(part.0).unwrap_or(0))
    }
}

/// The protocol's form of `time`, absent where it is not set.
pub fn timestamp(time: Time) -> Option<Timestamp> {
    time.set().map(|time| Timestamp { seconds: time.secs(), nanos: time.0.rem_euclid(PER_SECOND) as i32 })
}

/// The time that the protocol's form names; unset where absent, and where it is the first of January of the year 1, which is how a
/// client written in Go says that it has none. Saturates at the years 1677 and 2262.
pub fn from_timestamp(timestamp: &Option<Timestamp>) -> Time {
    let set = timestamp.as_ref().filter(|t| (t.seconds, t.nanos) != (GO_ZERO_SECONDS, 0));
    let nanos = |t: &Timestamp| i128::from(t.seconds) * i128::from(PER_SECOND) + i128::from(t.nanos);
    set.map_or(Time::UNSET, |t| Time::from_wide_nanos(nanos(t)))
}

/// The protocol's form of a span. `0` is sent as an explicit zero, as the reference server does.
pub fn duration(span: Span) -> Option<Duration> {
    Some(Duration { seconds: span.secs(), nanos: (span.0 % PER_SECOND) as i32 })
}

/// The span that the protocol's form names; zero where absent. Saturates at ±292 years.
pub fn from_duration(duration: &Option<Duration>) -> Span {
    duration.as_ref().map_or(Span::ZERO, |d| Span::from_secs(d.seconds) + Span(i64::from(d.nanos)))
}

/// Methods that read the times and spans of a stored message as what they are: `typed_times!(Core: Time start_time, Span timeout)`.
macro_rules! typed_times {
    ($message:ty: $($kind:ident $field:ident),+ $(,)?) => {
        impl $message {
            $(
                pub fn $field(&self) -> $crate::base::time::$kind {
                    $crate::base::time::$kind::from_nanos(self.$field)
                }
            )+
        }
    };
}
pub(crate) use typed_times;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_round_trip() {
        for time in [1, PER_SECOND - 1, PER_SECOND, 1_795_000_000_123_456_789].map(Time) {
            assert_eq!(from_timestamp(&timestamp(time)), time);
        }
        assert_eq!(timestamp(Time::UNSET), None);
        assert_eq!(from_timestamp(&None), Time::UNSET);
    }

    #[test]
    fn spans_survive_the_round_trip() {
        for span in [0, 1, -1, 1_500_000_000, -1_500_000_000].map(Span) {
            assert_eq!(from_duration(&duration(span)), span);
        }
        let forever = Some(Duration { seconds: i64::MAX, nanos: 0 });
        assert_eq!(from_duration(&forever), Span::MAX);
        assert_eq!(from_duration(&Some(Duration { seconds: i64::MIN, nanos: i32::MIN })), Span::MIN);
    }

    #[test]
    fn the_zero_time_of_go_is_none_and_others_are_the_nearest_that_there_is() {
        let at = |seconds, nanos| from_timestamp(&Some(Timestamp { seconds, nanos }));
        assert_eq!(at(GO_ZERO_SECONDS, 0), Time::UNSET);
        assert_eq!(at(GO_ZERO_SECONDS - 1, 0), Time::MIN);
        assert_eq!(at(253_402_300_799, 0), Time::MAX);
        assert_eq!(at(1, -1), Time::from_nanos(PER_SECOND - 1));
        assert_eq!(from_timestamp(&timestamp(Time::MIN)), Time::MIN);
    }

    #[test]
    fn arithmetic_clamps() {
        assert_eq!(Time::MAX + SECOND, Time::MAX);
        assert_eq!(Time::MIN - SECOND, Time::MIN);
        assert_eq!(Time::MAX - Time::MIN, Span::MAX);
        assert_eq!(Time::MIN - Time::MAX, Span::MIN);
        assert_eq!(Span::MAX + SECOND, Span::MAX);
        assert_eq!(Span::MAX * -2, Span::MIN);
        assert_eq!(-Span::MIN, Span::MAX);
        assert_eq!(Span::MIN / -1, Span::MAX);
        assert_eq!(SECOND / 0, Span::MAX);
        assert_eq!(SECOND / Span::ZERO, i64::MAX);
        assert_eq!(Span::MIN % Span::from_nanos(-1), Span::ZERO);
        assert_eq!(Time::from_wide_nanos(i128::MAX), Time::MAX);
        assert_eq!(Time::MIN.floor_secs(), Time::MIN);
    }

    #[test]
    fn floats_that_are_no_spans_have_a_nearest_one() {
        let cases = [
            (f64::NAN, Span::ZERO),
            (f64::INFINITY, Span::MAX),
            (-1e30, Span::MIN),
            (1e-39, Span::ZERO),
            (1.5, SECOND * 3 / 2),
        ];
        for (seconds, span) in cases {
            assert_eq!(Span::from_secs_f64(seconds), span, "{seconds}");
        }
        assert_eq!(Span::MIN.to_std(), std::time::Duration::ZERO);
        assert_eq!(Span::from(std::time::Duration::MAX), Span::MAX);
    }
}

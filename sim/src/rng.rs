//! Chance, from a seed: splitmix64 with a few words on top. It need not be hard to guess, and must be cheap.

use ostro_engine::time::Span;

/// A stream of chance. Same seed, same stream.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A stream of its own for what `name` names: drawing from it moves no other stream.
    pub fn named(seed: u64, name: &str) -> Self {
        Self(hash(name.as_bytes(), seed ^ 0xcbf2_9ce4_8422_2325))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `0..n`; 0 where `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next() % n }
    }

    /// `low..=high`.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    /// A span of `low..=high`.
    pub fn within(&mut self, low: Span, high: Span) -> Span {
        Span::from_nanos(self.range(low.nanos(), high.nanos()))
    }

    /// A span of `low..=high`, short ones as likely as long ones: even on a scale of doublings.
    pub fn span(&mut self, low: Span, high: Span) -> Span {
        let low = low.max(Span::from_nanos(1));
        let doublings = i64::from((high / low).max(1).ilog2());
        let top = low * (1 << self.range(0, doublings));
        self.within(top, top * 2).clamp(low, high.max(low))
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// FNV-1a, continued from `state`.
pub fn hash(bytes: &[u8], state: u64) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

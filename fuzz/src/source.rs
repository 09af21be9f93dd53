//! Decisions, drawn from the bytes that the fuzzer mutates.

/// Where it is used up, everything is 0: the plain choice everywhere, so that a short input is a plain one.
pub struct Source<'a> {
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// `0..n`; `n` is at most 65 536 and not 0.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = if n > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (wide + usize::from(self.byte())) % n
    }

    /// True in about one of `n` cases, never once the bytes are used up.
    pub fn rarely(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub fn pick<'b, T: ?Sized>(&mut self, of: &[&'b T]) -> &'b T {
        of[self.below(of.len())]
    }

    /// Up to `max` bytes as they are.
    pub fn raw(&mut self, max: usize) -> &'a [u8] {
        let length = self.below(max + 1).min(self.bytes.len());
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        taken
    }

    pub fn number(&mut self) -> i64 {
        const TELLING: [i64; 16] =
            [0, 1, 2, 3, 5, 7, -1, 10, 100, 1000, 2001, i32::MAX as i64, i32::MIN as i64, i64::MAX, i64::MIN, 1 << 40];
        match self.byte() {
            low @ 0..=15 => TELLING[usize::from(low)],
            low @ 16..=127 => i64::from(low) - 16,
            _ => self.raw(8).iter().fold(0, |number, byte| number << 8 | i64::from(*byte)),
        }
    }
}

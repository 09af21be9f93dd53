//! Identifiers, drawn from a seeded generator: the shell brings the entropy, the engine stays reproducible.
//!
//! The generator is ChaCha20: the identifiers that a client is shown say nothing of those that others are given.

use std::fmt;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::base::time::{MILLISECOND, Time};

/// Entropy for a generator: 256 bits that nobody can guess.
pub type Seed = [u8; 32];

/// A generator with UUIDs on top. Same seed, same sequence.
#[derive(Clone)]
pub struct Ids(ChaCha20Rng);

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids(..)")
    }
}

impl Ids {
    pub fn new(seed: Seed) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// A generator that anyone can predict: for tests and simulations.
    pub fn predictable(number: u64) -> Self {
        Self::new(predictable_seed(number))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A version 7 UUID: ordered by `now`, as run ids of the reference server are.
    pub fn run_id(&mut self, now: Time) -> String {
        let millis = ((now - Time::UNSET) / MILLISECOND) as u64 & 0xffff_ffff_ffff;
        let high = (millis << 16) | 0x7000 | (self.next_u64() & 0x0fff);
        let low = (self.next_u64() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format_uuid(high, low)
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let high = (self.next_u64() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.next_u64() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format_uuid(high, low)
    }
}

/// The seed of [`Ids::predictable`].
pub(crate) fn predictable_seed(number: u64) -> Seed {
    let mut seed = Seed::default();
    seed[..8].copy_from_slice(&number.to_le_bytes());
    seed
}

fn format_uuid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// Whether `text` has the form of a UUID, as run ids must.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_are_version_7_ordered_and_reproducible() {
        let mut ids = Ids::predictable(7);
        let early = ids.run_id((1_000 * MILLISECOND).since_epoch());
        let late = ids.run_id((2_000 * MILLISECOND).since_epoch());
        assert!(early < late);
        assert!(is_uuid(&early) && early.as_bytes()[14] == b'7');
        assert_eq!(Ids::predictable(7).run_id((1_000 * MILLISECOND).since_epoch()), early);
        assert!(is_uuid(&ids.uuid()));
        assert!(!is_uuid("not-a-uuid"));
    }

    #[test]
    fn each_bit_of_the_seed_counts() {
        let of = |seed: Seed| Ids::new(seed).next_u64();
        for bit in 0..256 {
            let mut seed = Seed::default();
            seed[bit / 8] |= 1 << (bit % 8);
            assert_ne!(of(seed), of(Seed::default()), "bit {bit}");
        }
    }

    #[test]
    fn the_generator_is_chacha20_as_published() {
        // The first block of RFC 8439's cipher with a key and a nonce of zeros.
        assert_eq!(
            Ids::new(Seed::default()).next_u64().to_le_bytes(),
            [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]
        );
    }
}

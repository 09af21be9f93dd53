//! Identifiers, drawn from a seeded generator: the shell brings the entropy, the engine stays reproducible.

use crate::time::{MILLISECOND, Time};

/// A splitmix64 generator with UUIDs on top. Same seed, same sequence.
#[derive(Debug, Clone)]
pub struct Ids {
    state: u64,
}

impl Ids {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
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
        let mut ids = Ids::new(7);
        let early = ids.run_id((1_000 * MILLISECOND).since_epoch());
        let late = ids.run_id((2_000 * MILLISECOND).since_epoch());
        assert!(early < late);
        assert!(is_uuid(&early) && early.as_bytes()[14] == b'7');
        assert_eq!(Ids::new(7).run_id((1_000 * MILLISECOND).since_epoch()), early);
        assert!(is_uuid(&ids.uuid()));
        assert!(!is_uuid("not-a-uuid"));
    }
}

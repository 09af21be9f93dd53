//! The randomness seed of a run: SipHash-1-3 of its original run id. Every SDK draws from it, so it never changes.

/// The seed of a run, made from `original_execution_run_id`, or after a reset from the new run's id.
pub(crate) fn of_run(run_id: &str) -> u64 {
    // A string hashes as its bytes and one that no UTF-8 has.
    let mut bytes = Vec::with_capacity(run_id.len() + 1);
    bytes.extend_from_slice(run_id.as_bytes());
    bytes.push(0xff);
    sip_1_3(&bytes)
}

/// SipHash with one round for each word, three at the end, and a key of zeros.
fn sip_1_3(bytes: &[u8]) -> u64 {
    let mut state = [0x736f_6d65_7073_6575_u64, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        absorb(&mut state, little_endian(word));
    }
    absorb(&mut state, little_endian(rest) | ((bytes.len() as u64) << 56));
    state[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v3);
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.wrapping_add(*v3);
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.wrapping_add(*v1);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v2 = v2.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use std::hash::{Hash as _, Hasher as _};

    use super::*;

    #[test]
    fn is_the_hash_that_the_standard_library_has_at_present() {
        for length in 0..40 {
            let run_id = "8f0d5c9e-01aa-4b7e-9f1c-8f0d5c9e01aab7e9"[..length].to_owned();
            let mut hasher = std::collections::hash_map::DefaultHasher::new();
            run_id.hash(&mut hasher);
            assert_eq!(of_run(&run_id), hasher.finish(), "{run_id}");
        }
    }
}

//! Jitter: the same for the same schedule and time, on this server and on the reference server.

/// Seconds from the first day of the year 1 to 1970, as Go counts.
const YEAR_1_TO_1970: i64 = 62_135_596_800;

/// What is added to a nominal time (in seconds): less than `most` milliseconds.
pub(crate) fn milliseconds(seed: &str, nominal: i64, most: i64) -> i64 {
    if most <= 0 {
        return 0;
    }
    let most = u64::try_from(most).unwrap_or(0).min(u32::MAX.into());
    let drawn = u64::from(fingerprint(&[&binary(nominal)[..], seed.as_bytes()].concat()));
    i64::try_from((drawn * most) >> 32).unwrap_or(0)
}

/// Go's `Time.MarshalBinary` of a whole second in UTC.
fn binary(second: i64) -> [u8; 15] {
    let mut bytes = [0; 15];
    bytes[0] = 1;
    bytes[1..9].copy_from_slice(&(second + YEAR_1_TO_1970).to_be_bytes());
    bytes[13..15].copy_from_slice(&(-1_i16).to_be_bytes());
    bytes
}

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;
const MIX: u32 = 0xe654_6b64;

/// Farm hash's `Fingerprint32` (its `mk` form) of more than 24 bytes: a seed holds a UUID at least.
fn fingerprint(bytes: &[u8]) -> u32 {
    assert!(bytes.len() > 24, "shorter input takes another form of the hash");
    let length = bytes.len();
    let mut h = u32::try_from(length).unwrap_or(u32::MAX);
    let mut g = C1.wrapping_mul(h);
    let mut f = g;
    let tail = |back: usize| word(bytes, length - back).wrapping_mul(C1).rotate_right(17).wrapping_mul(C2);
    h = step(h ^ tail(4));
    h = step(h ^ tail(16));
    g = step(g ^ tail(8));
    g = step(g ^ tail(12));
    f = f.wrapping_add(tail(20)).rotate_right(19).wrapping_add(113);
    for block in 0..(length - 1) / 20 {
        let at = |index: usize| word(bytes, block * 20 + index * 4);
        let (a, b, c, d, e) = (at(0), at(1), at(2), at(3), at(4));
        h = mur(d, h.wrapping_add(a)).wrapping_add(e);
        g = mur(c, g.wrapping_add(b)).wrapping_add(a);
        f = mur(b.wrapping_add(e.wrapping_mul(C1)), f.wrapping_add(c)).wrapping_add(d);
        f = f.wrapping_add(g);
        g = g.wrapping_add(f);
    }
    let fold = |value: u32| value.rotate_right(11).wrapping_mul(C1).rotate_right(17).wrapping_mul(C1);
    [fold(g), fold(f)].into_iter().fold(h, |h, other| step(h.wrapping_add(other)).rotate_right(17).wrapping_mul(C1))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn step(h: u32) -> u32 {
    h.rotate_right(19).wrapping_mul(5).wrapping_add(MIX)
}

fn mur(a: u32, h: u32) -> u32 {
    step(h ^ a.wrapping_mul(C1).rotate_right(17).wrapping_mul(C2))
}

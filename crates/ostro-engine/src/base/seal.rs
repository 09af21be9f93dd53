//! Seals: what tells a token that this server gave out from any other bytes.
//!
//! ```text
//! token = seal (16 bytes) | body          seal = BLAKE3, keyed, of (length of the context | context | body), cut to 16 bytes
//! ```
//!
//! The key is made once and kept with the data, so tokens outlive a restart. Each kind of token has a key of its own,
//! derived from it: one kind never passes for another. The context is what the token is bound to but does not say, such as
//! the query whose next page it names.

use std::fmt;

/// Bytes of the kept key.
pub const KEY_BYTES: usize = 32;
/// Bytes of a seal: 2^128 guesses, each of them a request.
const SEAL_BYTES: usize = 16;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A task that a worker has.
    Task,
    /// A Nexus operation that waits for its end.
    Callback,
    /// The next page of a list or of a history, or the next change of what was described.
    Page,
}

/// Seals tokens and tells genuine ones. Cheap to clone.
#[derive(Clone)]
pub struct Seals {
    task: [u8; KEY_BYTES],
    callback: [u8; KEY_BYTES],
    page: [u8; KEY_BYTES],
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals(..)")
    }
}

impl Seals {
    /// Seals by the key that is kept with the data.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self {
            task: blake3::derive_key("ostro 2026-12 task tokens", key),
            callback: blake3::derive_key("ostro 2026-12 nexus callback tokens", key),
            page: blake3::derive_key("ostro 2026-12 page tokens", key),
        }
    }

    /// A token of `body`, bound to `context`.
    pub fn seal(&self, kind: Kind, context: &[u8], body: &[u8]) -> Vec<u8> {
        let hash = self.hash(kind, context, body);
        let mut token = Vec::with_capacity(SEAL_BYTES + body.len());
        token.extend_from_slice(&hash.as_bytes()[..SEAL_BYTES]);
        token.extend_from_slice(body);
        token
    }

    /// The body of a token that this server sealed for this kind and context; `None` for any other bytes. Takes the same
    /// time however much of the seal is right.
    pub fn open<'t>(&self, kind: Kind, context: &[u8], token: &'t [u8]) -> Option<&'t [u8]> {
        let (seal, body) = token.split_first_chunk::<SEAL_BYTES>()?;
        let right = self.hash(kind, context, body);
        let mut given = *right.as_bytes();
        given[..SEAL_BYTES].copy_from_slice(seal);
        // Hashes compare in constant time; what follows the seal is the same in both.
        (blake3::Hash::from_bytes(given) == right).then_some(body)
    }

    fn hash(&self, kind: Kind, context: &[u8], body: &[u8]) -> blake3::Hash {
        let key = match kind {
            Kind::Task => &self.task,
            Kind::Callback => &self.callback,
            Kind::Page => &self.page,
        };
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&(context.len() as u64).to_le_bytes()).update(context).update(body);
        hasher.finalize()
    }
}

/// The body of a token, whether it is genuine or not: for what only shows or counts tokens.
pub fn body(token: &[u8]) -> Option<&[u8]> {
    token.get(SEAL_BYTES..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens_and_only_where_it_belongs() {
        let seals = Seals::new(&[7; KEY_BYTES]);
        let token = seals.seal(Kind::Page, b"a", b"body");
        assert_eq!(seals.open(Kind::Page, b"a", &token), Some(b"body".as_slice()));
        assert_eq!(body(&token), Some(b"body".as_slice()));
        for (seals, kind, context, token) in [
            (&seals, Kind::Task, b"a".as_slice(), token.clone()),
            (&seals, Kind::Page, b"b", token.clone()),
            // What moves between context and body is another token.
            (&seals, Kind::Page, b"ab", token.iter().copied().filter(|byte| *byte != b'b').collect()),
            (&Seals::new(&[8; KEY_BYTES]), Kind::Page, b"a", token.clone()),
            (&seals, Kind::Page, b"a", token[1..].to_vec()),
            (&seals, Kind::Page, b"a", Vec::new()),
            (&seals, Kind::Page, b"a", b"body".to_vec()),
        ] {
            assert_eq!(seals.open(kind, context, &token), None);
        }
        for bit in 0..token.len() * 8 {
            let mut changed = token.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seals.open(Kind::Page, b"a", &changed), None, "bit {bit}");
        }
    }

    #[test]
    fn the_keys_are_not_shown() {
        assert_eq!(format!("{:?}", Seals::new(&[7; KEY_BYTES])), "Seals(..)");
    }
}

//! How deep a message may nest.
//!
//! Protobuf decoders stop at 100 levels: ours, and those of the clients. What is accepted deeper, or so deep that the engine's own wrapping
//! takes it there, could be stored and never read again. Of all messages of the protocol only failures hold themselves (`cause`), so only
//! they can be deep; everything else ends after some 20 levels.
//!
//! A program with a long chain of exceptions must still be able to fail. So chains are cut at [`CAUSES_MAX`] causes, with a mark in the
//! message of the last one that is kept. That is done on encoded bytes: a decoder would refuse them first. A [`Shape`] says in which
//! fields of a message failures lie, so that everything else is stepped over, payloads at once whatever their length.

mod cut;
mod failure;
mod fields;
mod shape;
#[cfg(test)]
mod tests;

pub use cut::cut;
pub use failure::cut_failure;
pub use shape::{Next, Shape, shape_of, shapes};

use bytes::Bytes;
use prost::{DecodeError, Message};

/// The causes of a failure that are kept. With the levels around it (an event of a history, wrappers of an activity, a child workflow, a
/// Nexus operation) it stays under the 100 levels that decoders take.
pub const CAUSES_MAX: usize = 60;

/// Decodes what was stored, or was sent by somebody: chains of failures that are too long are cut first.
///
/// # Errors
/// For bytes that are not such a message.
pub fn decode<M: Message + Default>(shape: &Shape, encoded: &[u8]) -> Result<M, DecodeError> {
    match cut(shape, encoded) {
        None => M::decode(encoded),
        Some(shorter) => M::decode(shorter.as_slice()),
    }
}

/// The same bytes, with chains of failures cut that are too long.
pub fn bounded(shape: &Shape, encoded: Bytes) -> Bytes {
    match cut(shape, &encoded) {
        None => encoded,
        Some(shorter) => Bytes::from(shorter),
    }
}

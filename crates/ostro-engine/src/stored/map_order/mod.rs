//! The order of map entries in stored bytes.
//!
//! Maps of the protocol's messages are hash maps in Rust, and encode in another order each time. What is stored must be
//! the same for the same calls, so the entries of each map are put in order once a message is encoded. Their order
//! says nothing to who decodes them, and the length stays the same: entries change their places within the bytes.
//!
//! Tables say in which fields maps are, so that the rest is skipped: those of the protocol's messages are made from its
//! descriptors (`build.rs`), those of the engine's own are in [`own`]. Mostly a map has one entry, and only the field is
//! found and passed over.

mod own;
mod protocol;
#[cfg(test)]
mod tests;

use std::ops::Range;

use bytes::Bytes;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};

/// Where in a message maps are.
#[derive(Debug)]
pub(crate) struct Maps {
    /// By number, in order; fields in which there is no map are left out.
    fields: &'static [(u32, Field)],
}

#[derive(Debug, Clone, Copy)]
enum Field {
    /// A map is in it, or deeper.
    Message(&'static Maps),
    /// With what is in its entries.
    Map(&'static Maps),
}

/// Nothing more to find.
static NONE: Maps = Maps { fields: &[] };

/// A message that is stored with its maps in order.
pub(crate) trait Ordered: Message {
    const MAPS: &'static Maps;

    /// The same message gives the same bytes.
    fn encode_in_order(&self) -> Vec<u8>
    where
        Self: Sized,
    {
        let mut bytes = self.encode_to_vec();
        sort(&mut bytes, Self::MAPS);
        bytes
    }
}

/// Events as a batch of history.
pub fn history(events: Vec<HistoryEvent>) -> Bytes {
    Bytes::from(History { events }.encode_in_order())
}

/// Puts the entries of all maps in order. The message was encoded by us: it is whole, and the entries of a map follow one
/// another.
fn sort(bytes: &mut [u8], maps: &Maps) {
    let mut at = 0;
    // The map whose entries are being passed: its field, where the first entry begins, how many there were.
    let mut open: Option<(u32, usize, usize)> = None;
    while at < bytes.len() {
        let begins = at;
        let (number, body) = next_field(bytes, &mut at);
        if let Some((field, first, entries)) = open
            && field != number
        {
            close_map(&mut bytes[first..begins], entries);
            open = None;
        }
        let Some(body) = body else { continue };
        match maps.field(number) {
            Some(Field::Message(inner)) => sort(&mut bytes[body], inner),
            Some(Field::Map(entry)) => {
                if !entry.fields.is_empty() {
                    sort(&mut bytes[body], entry);
                }
                open = Some(open.map_or((number, begins, 1), |(field, first, entries)| (field, first, entries + 1)));
            }
            None => {}
        }
    }
    if let Some((_, first, entries)) = open {
        close_map(&mut bytes[first..], entries);
    }
}

impl Maps {
    fn field(&self, number: u32) -> Option<Field> {
        // Most messages have one such field, or none.
        if let [(only, field)] = self.fields {
            return (*only == number).then_some(*field);
        }
        let at = self.fields.binary_search_by_key(&number, |(of, _)| *of).ok()?;
        Some(self.fields[at].1)
    }
}

/// Steps over a field: its number, and where its bytes are if it has any.
fn next_field(bytes: &[u8], at: &mut usize) -> (u32, Option<Range<usize>>) {
    let key = varint(bytes, at);
    let number = (key >> 3) as u32;
    let length = match key & 7 {
        0 => {
            varint(bytes, at);
            return (number, None);
        }
        1 => 8,
        5 => 4,
        _ => {
            let length = varint(bytes, at) as usize;
            let body = *at..*at + length;
            *at = body.end;
            return (number, Some(body));
        }
    };
    *at += length;
    (number, None)
}

#[inline]
fn varint(bytes: &[u8], at: &mut usize) -> u64 {
    let first = bytes[*at];
    if first < 0x80 {
        *at += 1;
        return u64::from(first);
    }
    long_varint(bytes, at)
}

fn long_varint(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

/// Orders the entries that follow one another in `bytes`, by what they are encoded as: their keys come first in that.
fn close_map(bytes: &mut [u8], entries: usize) {
    if entries < 2 {
        return;
    }
    let mut ranges = Vec::with_capacity(entries);
    let mut at = 0;
    while at < bytes.len() {
        let begins = at;
        let (_, body) = next_field(bytes, &mut at);
        ranges.push((body.unwrap_or_default(), begins..at));
    }
    if ranges.is_sorted_by(|(one, _), (other, _)| bytes[one.clone()] <= bytes[other.clone()]) {
        return;
    }
    ranges.sort_by(|(one, _), (other, _)| bytes[one.clone()].cmp(&bytes[other.clone()]));
    let ordered: Vec<u8> = ranges.into_iter().flat_map(|(_, whole)| &bytes[whole]).copied().collect();
    bytes.copy_from_slice(&ordered);
}

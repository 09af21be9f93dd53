//! The newest history of an execution, encoded, in memory: what a sticky worker needs next.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::stored::persistence::HistoryBatch;

/// Bytes beyond which old batches leave; they are in the store.
const BYTES_MAX: usize = 256 << 10;

/// Encoded batches that end with the newest event.
#[derive(Debug, Default)]
pub struct Tail {
    batches: VecDeque<(i64, i64, Bytes)>,
    bytes: usize,
}

impl Tail {
    pub(crate) fn push(&mut self, first: i64, next: i64, events: Bytes) {
        self.bytes += events.len();
        self.batches.push_back((first, next, events));
        while self.bytes > BYTES_MAX && self.batches.len() > 1 {
            let (_, _, dropped) = self.batches.pop_front().expect("checked not empty");
            self.bytes -= dropped.len();
        }
    }

    /// The batches that make up `from..to` exactly, or nothing where the tail does not hold them on batch borders.
    pub(crate) fn slice(&self, from: i64, to: i64) -> Option<Vec<Bytes>> {
        if from >= to {
            return Some(Vec::new());
        }
        let mut next = from;
        let mut found = Vec::new();
        for (first, end, events) in &self.batches {
            if *first == next && *end <= to {
                found.push(events.clone());
                next = *end;
            }
        }
        (next == to).then_some(found)
    }

    /// Drops batches that end before event `id`.
    pub(crate) fn forget(&mut self, id: i64) {
        while self.batches.front().is_some_and(|(_, next, _)| *next <= id) {
            let (_, _, dropped) = self.batches.pop_front().expect("checked not empty");
            self.bytes -= dropped.len();
        }
    }

    /// The batch that the newest event is in.
    pub(crate) fn newest(&self) -> Option<HistoryBatch> {
        self.batches.back().map(|(first, next, events)| HistoryBatch {
            first: *first,
            next: *next,
            events: events.clone(),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_fall_on_batch_borders_or_are_refused() {
        let mut tail = Tail::default();
        tail.push(1, 3, Bytes::from_static(b"a"));
        tail.push(3, 4, Bytes::from_static(b"b"));
        tail.push(4, 8, Bytes::from_static(b"c"));
        assert_eq!(tail.slice(3, 8), Some(vec![Bytes::from_static(b"b"), Bytes::from_static(b"c")]));
        assert_eq!(tail.slice(1, 4).map(|b| b.len()), Some(2));
        assert_eq!(tail.slice(2, 8), None);
        assert_eq!(tail.slice(4, 7), None);
        assert_eq!(tail.slice(8, 8), Some(vec![]));
    }

    #[test]
    fn old_batches_leave_beyond_the_limit() {
        let mut tail = Tail::default();
        for i in 0..10 {
            tail.push(i, i + 1, Bytes::from(vec![0; BYTES_MAX / 2]));
        }
        assert!(tail.bytes() <= BYTES_MAX);
        assert!(tail.slice(9, 10).is_some());
        assert!(tail.slice(0, 10).is_none());
    }
}

//! Reading histories inside the engine: what the store holds, and what is on its way there.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};

use crate::base::nesting::Nested;
use crate::engine::Engine;
use crate::stored::map_order;
use crate::stored::persistence::{Damaged, ExecutionId, HistoryBatch, Loader, Write};

/// Batches of history that are written and may not be durable yet, so that the store may not show them.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    batches: VecDeque<(u64, ExecutionId, HistoryBatch)>,
}

impl Unsettled {
    /// Notes what an output writes.
    pub(crate) fn note(&mut self, sequence: u64, writes: &[Write]) {
        for write in writes {
            if let Some((execution, batch)) = batch(write) {
                self.batches.push_back((sequence, execution, batch));
            }
        }
    }

    /// Outputs up to `sequence` are durable.
    pub(crate) fn committed(&mut self, sequence: u64) {
        while self.batches.front().is_some_and(|(written, _, _)| *written <= sequence) {
            self.batches.pop_front();
        }
    }

    fn of(&self, execution: ExecutionId) -> impl Iterator<Item = HistoryBatch> {
        self.batches.iter().filter(move |(_, id, _)| *id == execution).map(|(_, _, batch)| batch.clone())
    }
}

fn batch(write: &Write) -> Option<(ExecutionId, HistoryBatch)> {
    match write {
        Write::AppendHistory { execution, first, next, events } => {
            Some((*execution, HistoryBatch { first: *first, next: *next, events: events.clone() }))
        }
        _ => None,
    }
}

impl<L: Loader> Engine<L> {
    /// The events `from..to` of an execution, in batches as they were written; the first and the last are cut.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Result<Vec<HistoryBatch>, Damaged> {
        let mut batches: BTreeMap<i64, HistoryBatch> = BTreeMap::new();
        let stored = self.loader.history(execution, from, to)?;
        let under_way = self.out.writes.iter().filter_map(batch).filter(|(id, _)| *id == execution).map(|(_, b)| b);
        for batch in stored.into_iter().chain(self.unsettled.of(execution)).chain(under_way) {
            if batch.next > from && batch.first < to {
                batches.insert(batch.first, batch);
            }
        }
        batches.into_values().map(|batch| cut(batch, from, to)).collect()
    }

    /// The same, decoded.
    pub(crate) fn history_events(
        &self,
        execution: ExecutionId,
        from: i64,
        to: i64,
    ) -> Result<Vec<HistoryEvent>, Damaged> {
        decode_all(&self.history(execution, from, to)?)
    }
}

fn cut(batch: HistoryBatch, from: i64, to: i64) -> Result<HistoryBatch, Damaged> {
    if from <= batch.first && batch.next <= to {
        return Ok(batch);
    }
    let (first, next) = (batch.first.max(from), batch.next.min(to));
    let events = decode(&batch.events)?.into_iter().filter(|e| (first..next).contains(&e.event_id)).collect();
    Ok(HistoryBatch { first, next, events: map_order::history(events) })
}

/// The events of batches.
///
/// # Errors
/// Where one does not decode.
pub(crate) fn decode_all(batches: &[HistoryBatch]) -> Result<Vec<HistoryEvent>, Damaged> {
    let mut events = Vec::new();
    for batch in batches {
        events.extend(decode(&batch.events)?);
    }
    Ok(events)
}

fn decode(events: &Bytes) -> Result<Vec<HistoryEvent>, Damaged> {
    let history = History::decode_nested(events);
    Ok(history.map_err(|error| Damaged(format!("its history does not decode: {error}")))?.events)
}

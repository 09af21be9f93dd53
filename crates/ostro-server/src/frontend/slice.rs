//! Parts of batches: what a page shows of a batch that it does not show whole.

use bytes::Bytes;
use ostro_engine::nesting::Nested;
use ostro_engine::persistence::HistoryBatch;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use tonic::Status;

use super::splice::encode_events;

/// The events `from..to` of `batches`, encoded; whole batches as they are.
pub(super) fn slices(batches: Vec<HistoryBatch>, from: i64, to: i64) -> Result<Vec<Bytes>, Status> {
    batches.into_iter().map(|batch| slice(batch, from, to)).collect()
}

fn slice(batch: HistoryBatch, from: i64, to: i64) -> Result<Bytes, Status> {
    if from <= batch.first && batch.next <= to {
        return Ok(batch.events);
    }
    Ok(encode_events(events(&batch, from, to)?))
}

/// The events `from..to` of a batch, decoded.
pub(super) fn events(batch: &HistoryBatch, from: i64, to: i64) -> Result<Vec<HistoryEvent>, Status> {
    let history = History::decode_nested(&batch.events).map_err(|error| {
        tracing::error!(%error, first = batch.first, "a batch of history does not decode");
        Status::data_loss(format!(
            "the stored events from {} on do not decode: stop the server and run \"ostro doctor --repair\"",
            batch.first
        ))
    })?;
    Ok(history.events.into_iter().filter(|event| (from..to).contains(&event.event_id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    fn batch(first: i64, next: i64) -> HistoryBatch {
        let events = (first..next).map(|event_id| HistoryEvent { event_id, ..Default::default() }).collect();
        HistoryBatch { first, next, events: encode_events(events) }
    }

    #[test]
    fn whole_batches_stay_and_others_are_cut() {
        let whole = batch(3, 5);
        let parts = slices(vec![batch(1, 3), whole.clone(), batch(5, 8)], 2, 7).unwrap();
        assert_eq!(parts[1].as_ptr(), whole.events.as_ptr(), "a whole batch is not copied");
        let joined = History::decode(Bytes::from(parts.concat())).unwrap();
        let ids: Vec<i64> = joined.events.iter().map(|event| event.event_id).collect();
        assert_eq!(ids, [2, 3, 4, 5, 6]);
    }
}

//! Parts of batches: what a page shows of a batch that it does not show whole.

use bytes::Bytes;
use ostro_engine::nesting::Nested;
use ostro_engine::persistence::HistoryBatch;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use tonic::Status;

use super::splice::encode_events;

/// Of a page's batches the events `from..to` with which an answer of `bytes_max` is not left, and the event after them. A batch that is
/// too large by itself is cut between two of its events; one event is always taken.
pub(crate) fn fitting(
    batches: Vec<HistoryBatch>,
    (from, to): (i64, i64),
    bytes_max: usize,
) -> Result<(Vec<Bytes>, i64), Status> {
    match &batches[..] {
        [batch] if batch.events.len() > bytes_max => first_events(batch, (from, to), bytes_max),
        _ => {
            let end = batches.last().map_or(to, |batch| batch.next.min(to));
            Ok((slices(batches, from, to)?, end))
        }
    }
}

fn first_events(batch: &HistoryBatch, (from, to): (i64, i64), bytes_max: usize) -> Result<(Vec<Bytes>, i64), Status> {
    let (mut bytes, mut end) = (0, from);
    let mut kept = Vec::new();
    for event in events(batch, from, to)? {
        bytes += event.encoded_len();
        if bytes > bytes_max && !kept.is_empty() {
            break;
        }
        end = event.event_id.saturating_add(1);
        kept.push(event);
    }
    Ok((vec![encode_events(kept)], end))
}

/// The events `from..to` of `batches`, encoded; whole batches as they are.
pub(crate) fn slices(batches: Vec<HistoryBatch>, from: i64, to: i64) -> Result<Vec<Bytes>, Status> {
    batches.into_iter().map(|batch| slice(batch, from, to)).collect()
}

fn slice(batch: HistoryBatch, from: i64, to: i64) -> Result<Bytes, Status> {
    if from <= batch.first && batch.next <= to {
        return Ok(batch.events);
    }
    Ok(encode_events(events(&batch, from, to)?))
}

/// The events `from..to` of a batch, decoded.
pub(crate) fn events(batch: &HistoryBatch, from: i64, to: i64) -> Result<Vec<HistoryEvent>, Status> {
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

    fn batch(first: i64, next: i64) -> HistoryBatch {
        let events = (first..next).map(|event_id| HistoryEvent { event_id, ..Default::default() }).collect();
        HistoryBatch { first, next, events: encode_events(events) }
    }

    #[test]
    fn a_batch_that_is_too_large_comes_in_parts() {
        let large = |event_id| HistoryEvent {
            event_id,
            worker_may_ignore: true,
            links: vec![Default::default(); 500],
            ..Default::default()
        };
        let batch = HistoryBatch { first: 1, next: 4, events: encode_events((1..4).map(large).collect()) };
        let (mut from, mut seen) = (1, Vec::new());
        while from < 4 {
            let (parts, next) = fitting(vec![batch.clone()], (from, 4), 2_500).unwrap();
            let page = History::decode(Bytes::from(parts.concat())).unwrap();
            assert!(page.encoded_len() < 3_000);
            seen.extend(page.events.iter().map(|event| event.event_id));
            from = next;
        }
        assert_eq!(seen, [1, 2, 3]);
        let (parts, next) = fitting(vec![batch], (1, 4), 1).unwrap();
        assert_eq!((History::decode(parts[0].clone()).unwrap().events.len(), next), (1, 2), "one is always taken");
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

//! Responses put together from encoded parts: history goes from the store to the client without being decoded.
//!
//! Protobuf allows it: the fields of a message may come in any order, and the encodings of two `History` messages one
//! after the other are the encoding of both together.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_protos::temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse;

/// `PollWorkflowTaskQueueResponse.history`.
const POLL_HISTORY: u32 = 8;
/// `RespondWorkflowTaskCompletedResponse.workflow_task`.
pub(crate) const COMPLETED_WORKFLOW_TASK: u32 = 1;
/// `StartWorkflowExecutionResponse.eager_workflow_task`.
pub(crate) const STARTED_WORKFLOW_TASK: u32 = 2;
/// `GetWorkflowExecutionHistoryResponse.history`.
pub(crate) const PAGE_HISTORY: u32 = 1;

/// Room for a key and a length.
const FIELD_HEAD_BYTES: usize = 16;

/// `message` with one more field, a message whose encoding is `parts` one after the other.
pub(crate) fn with_field(message: &impl Message, tag: u32, parts: &[Bytes]) -> Bytes {
    let length: usize = parts.iter().map(Bytes::len).sum();
    let mut buffer = BytesMut::with_capacity(message.encoded_len() + length + FIELD_HEAD_BYTES);
    message.encode_raw(&mut buffer);
    encode_key(tag, WireType::LengthDelimited, &mut buffer);
    encode_varint(length as u64, &mut buffer);
    parts.iter().for_each(|part| buffer.put_slice(part));
    buffer.freeze()
}

/// A poll's response with its history.
pub(crate) fn poll_response(response: &PollWorkflowTaskQueueResponse, history: &[Bytes]) -> Bytes {
    with_field(response, POLL_HISTORY, history)
}

/// Events encoded as a `History`, which can be put after others.
pub(crate) fn encode_events(events: Vec<HistoryEvent>) -> Bytes {
    History { events }.encode_to_vec().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use temporalio_protos::temporal::api::workflowservice::v1 as service;

    fn event(event_id: i64) -> HistoryEvent {
        HistoryEvent { event_id, ..Default::default() }
    }

    fn ids(history: Option<History>) -> Vec<i64> {
        history.expect("a history was spliced in").events.iter().map(|event| event.event_id).collect()
    }

    #[test]
    fn spliced_responses_decode_to_what_they_were_made_of() {
        let parts = [encode_events(vec![event(1), event(2)]), encode_events(vec![event(3)])];
        let poll = PollWorkflowTaskQueueResponse {
            task_token: vec![7],
            next_page_token: vec![9],
            attempt: 2,
            ..Default::default()
        };
        let encoded = poll_response(&poll, &parts);
        let decoded = PollWorkflowTaskQueueResponse::decode(encoded.clone()).unwrap();
        assert_eq!((decoded.attempt, decoded.next_page_token.clone()), (2, vec![9]));
        assert_eq!(ids(decoded.history), [1, 2, 3]);

        let start = service::StartWorkflowExecutionResponse { run_id: "run".into(), ..Default::default() };
        let started = with_field(&start, STARTED_WORKFLOW_TASK, std::slice::from_ref(&encoded));
        let started = service::StartWorkflowExecutionResponse::decode(started).unwrap();
        assert_eq!(ids(started.eager_workflow_task.unwrap().history), [1, 2, 3]);

        let completed = service::RespondWorkflowTaskCompletedResponse::default();
        let completed = with_field(&completed, COMPLETED_WORKFLOW_TASK, &[encoded]);
        let completed = service::RespondWorkflowTaskCompletedResponse::decode(completed).unwrap();
        assert_eq!(completed.workflow_task.unwrap().task_token, [7]);
    }

    #[test]
    fn an_empty_history_is_there_all_the_same() {
        let page = service::GetWorkflowExecutionHistoryResponse { next_page_token: vec![1], ..Default::default() };
        let decoded =
            service::GetWorkflowExecutionHistoryResponse::decode(with_field(&page, PAGE_HISTORY, &[])).unwrap();
        assert!(ids(decoded.history).is_empty());
        assert_eq!(decoded.next_page_token, [1]);
    }
}

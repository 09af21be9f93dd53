//! Canonical protobuf JSON of any message: what Temporal's tools export and what its SDKs replay.
//!
//! Field names are lowerCamelCase, enumerations are names (`EVENT_TYPE_TIMER_STARTED`), bytes are base64, 64-bit integers
//! are strings, fields at their default are left out.

use std::fmt;
use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, ReflectMessage, SerializeOptions,
};
use serde_json::Value;

use crate::DESCRIPTORS;

/// Read on first use: tens of milliseconds and a few megabytes, so keep this module off hot paths.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(DESCRIPTORS).expect("temporalio-protos publishes the valid descriptors it compiled")
});

/// The descriptors of everything that is served.
pub(crate) fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The canonical JSON of `message`.
pub fn to_json<M: Message + Name>(message: &M) -> Value {
    decode(&M::full_name(), &message.encode_to_vec())
}

/// The message that `value` is the canonical JSON of; fields that the message does not have are ignored.
///
/// Enumerations may also be numbers. Failures with too many causes are cut.
pub fn from_json<M: Message + Name + Default>(value: Value) -> Result<M, Error> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let dynamic = DynamicMessage::deserialize_with_options(descriptor(&M::full_name()), value, &options)?;
    let encoded = dynamic.encode_to_vec();
    let decoded = match ostro_nesting::shape_of(&M::full_name()) {
        Some(shape) => ostro_nesting::decode(shape, &encoded),
        None => M::decode(encoded.as_slice()),
    };
    decoded.map_err(|error| Error(error.to_string()))
}

/// Why JSON is not such a message.
#[derive(Debug)]
pub struct Error(String);

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not the JSON of this protobuf message: {}", self.0)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// The canonical JSON of an encoded message of the type `name` (full protobuf name); null for bytes that do not decode.
pub fn decode(name: &str, encoded: &[u8]) -> Value {
    DynamicMessage::decode(descriptor(name), encoded).map_or(Value::Null, |message| write(&message))
}

/// The encoded message of the type `name` (full protobuf name) whose canonical JSON is `value`.
///
/// An unknown field is an error here: it is a caller's slip, not a newer server's field.
pub fn encode(name: &str, value: Value) -> Result<Vec<u8>, Error> {
    Ok(DynamicMessage::deserialize(descriptor(name), value)?.encode_to_vec())
}

/// The full names of the request and the response of `method` of `service` (full protobuf name).
pub fn method_types(service: &str, method: &str) -> Option<(String, String)> {
    let method = POOL.get_service_by_name(service)?.methods().find(|found| found.name() == method)?;
    Some((method.input().full_name().to_owned(), method.output().full_name().to_owned()))
}

fn write(message: &DynamicMessage) -> Value {
    message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new()).unwrap_or_else(|error| {
        Value::String(format!("{} cannot be written as JSON: {error}", message.descriptor().name()))
    })
}

fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("every message type comes from the published descriptors")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_wkt_types::Timestamp;
    use serde_json::json;
    use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};
    use temporalio_protos::temporal::api::enums::v1::EventType;
    use temporalio_protos::temporal::api::history::v1::{
        History, HistoryEvent, WorkflowExecutionSignaledEventAttributes, history_event::Attributes,
    };

    #[test]
    fn a_history_is_written_as_temporal_exports_it_and_read_back() {
        let payload = Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: b"1".to_vec(),
            ..Default::default()
        };
        let signal = WorkflowExecutionSignaledEventAttributes {
            signal_name: "go".into(),
            input: Some(Payloads { payloads: vec![payload] }),
            ..Default::default()
        };
        let event = HistoryEvent {
            event_id: 3,
            event_time: Some(Timestamp { seconds: 1, nanos: 500_000_000 }),
            event_type: EventType::WorkflowExecutionSignaled.into(),
            attributes: Some(Attributes::WorkflowExecutionSignaledEventAttributes(signal)),
            ..Default::default()
        };
        let history = History { events: vec![event] };
        let written = to_json(&history);
        assert_eq!(
            written,
            json!({"events": [{
                "eventId": "3",
                "eventTime": "1970-01-01T00:00:01.500Z",
                "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED",
                "workflowExecutionSignaledEventAttributes": {
                    "signalName": "go",
                    "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]},
                },
            }]})
        );
        assert_eq!(from_json::<History>(written).expect("its own JSON"), history);
        assert!(from_json::<History>(json!({"events": 3})).is_err());
    }
}

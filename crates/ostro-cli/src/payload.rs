//! Payloads between the command line and the wire.
//!
//! Inputs are JSON (`encoding: json/plain`), as every SDK's default converter reads and writes it.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};

const ENCODING: &str = "encoding";

/// One JSON value as a payload.
pub fn from_json(value: &Value) -> Payload {
    Payload {
        metadata: HashMap::from([(ENCODING.to_owned(), b"json/plain".to_vec())]),
        data: value.to_string().into_bytes(),
        ..Default::default()
    }
}

/// JSON arguments as payloads; `None` without any.
pub fn arguments(values: &[Value]) -> Option<Payloads> {
    (!values.is_empty()).then(|| Payloads { payloads: values.iter().map(from_json).collect() })
}

/// Named JSON values as payloads.
pub fn fields(entries: &[(String, Value)]) -> HashMap<String, Payload> {
    entries.iter().map(|(name, value)| (name.clone(), from_json(value))).collect()
}

/// What the payload says, as JSON; what is not JSON becomes `{"encoding": ..., "data": <base64>}`.
pub fn to_json(payload: &Payload) -> Value {
    match encoding(payload) {
        "json/plain" | "json/protobuf" => serde_json::from_slice(&payload.data).unwrap_or_else(|_| opaque(payload)),
        "binary/null" => Value::Null,
        _ => opaque(payload),
    }
}

/// The payload readable in a line: JSON, `null`, quoted text, or its encoding and size.
pub fn text(payload: &Payload) -> String {
    match encoding(payload) {
        "json/plain" | "json/protobuf" => String::from_utf8_lossy(&payload.data).into_owned(),
        "binary/null" => "null".into(),
        "binary/plain" => match std::str::from_utf8(&payload.data) {
            Ok(text) => format!("{text:?}"),
            Err(_) => format!("<{} bytes>", payload.data.len()),
        },
        other => {
            format!("<{} bytes of {}>", payload.data.len(), if other.is_empty() { "unknown encoding" } else { other })
        }
    }
}

/// Several payloads in one line, separated by commas; empty for none.
pub fn list_text(payloads: Option<&Payloads>) -> String {
    let texts = payloads.map(|payloads| payloads.payloads.iter().map(text).collect::<Vec<_>>());
    texts.unwrap_or_default().join(", ")
}

/// A result as JSON: the one payload, `null` for none, a list for several.
pub fn result_json(payloads: Option<&Payloads>) -> Value {
    match payloads.map_or(&[][..], |payloads| &payloads.payloads) {
        [] => Value::Null,
        [one] => to_json(one),
        several => several.iter().map(to_json).collect(),
    }
}

/// A result for people: one payload a line, JSON indented; `null` for none.
pub fn result_text(payloads: Option<&Payloads>) -> String {
    let lines: Vec<String> = payloads.map_or(&[][..], |payloads| &payloads.payloads).iter().map(pretty).collect();
    if lines.is_empty() { "null".into() } else { lines.join("\n") }
}

fn pretty(payload: &Payload) -> String {
    match (encoding(payload), to_json(payload)) {
        ("json/plain" | "json/protobuf", value @ (Value::Object(_) | Value::Array(_))) => format!("{value:#}"),
        _ => text(payload),
    }
}

fn encoding(payload: &Payload) -> &str {
    payload.metadata.get(ENCODING).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

fn opaque(payload: &Payload) -> Value {
    json!({ "encoding": encoding(payload), "data": STANDARD.encode(&payload.data) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(encoding: &str, data: &[u8]) -> Payload {
        Payload {
            metadata: HashMap::from([(ENCODING.to_owned(), encoding.as_bytes().to_vec())]),
            data: data.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn json_arguments_become_json_plain() {
        let payloads = arguments(&[json!({"a": [1, null]}), json!("text")]).expect("two arguments");
        assert_eq!(payloads.payloads[0], payload("json/plain", br#"{"a":[1,null]}"#));
        assert_eq!(payloads.payloads[1], payload("json/plain", br#""text""#));
        assert_eq!(arguments(&[]), None);
        assert_eq!(fields(&[("k".into(), json!(1))])["k"], payload("json/plain", b"1"));
    }

    #[test]
    fn every_default_encoding_is_readable() {
        let table = [
            (payload("json/plain", br#"{"a":1}"#), r#"{"a":1}"#, json!({"a": 1})),
            (payload("json/protobuf", br#"{"b":2}"#), r#"{"b":2}"#, json!({"b": 2})),
            (payload("binary/null", b""), "null", Value::Null),
            (payload("binary/plain", b"hi"), r#""hi""#, json!({"encoding": "binary/plain", "data": "aGk="})),
            (payload("binary/plain", b"\xff\x00"), "<2 bytes>", json!({"encoding": "binary/plain", "data": "/wA="})),
            (
                payload("binary/encrypted", b"abc"),
                "<3 bytes of binary/encrypted>",
                json!({"encoding": "binary/encrypted", "data": "YWJj"}),
            ),
            (Payload::default(), "<0 bytes of unknown encoding>", json!({"encoding": "", "data": ""})),
        ];
        for (payload, line, value) in table {
            assert_eq!(text(&payload), line);
            assert_eq!(to_json(&payload), value);
        }
    }

    #[test]
    fn results_of_none_one_and_several() {
        let one = arguments(&[json!({"total": 3})]);
        let two = arguments(&[json!(1), json!("b")]);
        assert_eq!((result_text(None), result_json(None)), ("null".into(), Value::Null));
        assert_eq!(
            (result_text(one.as_ref()), result_json(one.as_ref())),
            ("{\n  \"total\": 3\n}".into(), json!({"total": 3}))
        );
        assert_eq!((result_text(two.as_ref()), result_json(two.as_ref())), ("1\n\"b\"".into(), json!([1, "b"])));
        assert_eq!(list_text(two.as_ref()), "1, \"b\"");
    }
}

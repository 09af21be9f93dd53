//! Payloads between pages and the wire.

use std::collections::HashMap;

use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};

use crate::shown;

const ENCODING: &str = "encoding";
/// Characters of a payload in a table.
const PREVIEW_BYTES: usize = 160;

/// A payload on a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// JSON indented, text, or what is known of bytes.
    pub text: String,
    /// What it is where that is not JSON: `encrypted`, `bytes`...
    pub note: String,
}

/// A payload as a page shows it.
pub(crate) fn shown(payload: &Payload) -> Shown {
    let note = |note: &str, text: String| Shown { text, note: note.to_owned() };
    match encoding(payload) {
        "json/plain" | "json/protobuf" => json(&payload.data),
        "binary/null" => note("", "null".to_owned()),
        "binary/plain" => match std::str::from_utf8(&payload.data) {
            Ok(text) => note("text", shown::text(text)),
            Err(_) => note("bytes", format!("{} bytes", payload.data.len())),
        },
        "" => note("no encoding is named", format!("{} bytes", payload.data.len())),
        other => {
            let size = format!("{} bytes of {}", payload.data.len(), shown::line(other));
            note(if other.contains("encrypted") { "encrypted" } else { "not readable here" }, size)
        }
    }
}

fn json(data: &[u8]) -> Shown {
    // What is large is not parsed for its looks.
    let parsed = (data.len() <= shown::TEXT_BYTES_MAX).then(|| serde_json::from_slice::<Value>(data).ok()).flatten();
    let text = match parsed {
        Some(value @ (Value::Object(_) | Value::Array(_))) => shown::text(&format!("{value:#}")),
        _ => shown::text(&String::from_utf8_lossy(data)),
    };
    Shown { text, note: String::new() }
}

/// All of a list.
pub(crate) fn all(payloads: Option<&Payloads>) -> Vec<Shown> {
    payloads.map(|payloads| payloads.payloads.iter().map(shown).collect()).unwrap_or_default()
}

/// A payload in a line, cut where it is long.
pub(crate) fn preview(payload: &Payload) -> String {
    match encoding(payload) {
        "json/plain" | "json/protobuf" => {
            let head = &payload.data[..payload.data.len().min(PREVIEW_BYTES)];
            let more = if payload.data.len() > PREVIEW_BYTES { "…" } else { "" };
            format!("{}{more}", shown::line(&String::from_utf8_lossy(head)))
        }
        _ => shown::line(&shown(payload).text),
    }
}

/// A list in a line.
pub(crate) fn preview_all(payloads: Option<&Payloads>) -> String {
    let texts = payloads.map(|payloads| payloads.payloads.iter().map(preview).collect::<Vec<_>>());
    shown::line(&texts.unwrap_or_default().join(", "))
}

/// A value as every SDK's default converter writes it.
pub(crate) fn of_json(value: &Value) -> Payload {
    Payload {
        metadata: HashMap::from([(ENCODING.to_owned(), b"json/plain".to_vec())]),
        data: value.to_string().into_bytes(),
        ..Default::default()
    }
}

/// What a person wrote as input: nothing, or JSON. A list at the top is one argument; several arguments are one a line of
/// `---`.
///
/// # Errors
/// What is wrong, where.
pub(crate) fn arguments(text: &str) -> Result<Option<Payloads>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let parsed = text.split("\n---").map(|one| one.trim_start_matches('-')).map(|one| {
        serde_json::from_str::<Value>(one)
            .map(|value| of_json(&value))
            .map_err(|error| format!("this is not JSON: {error}; text goes in quotes, as in \"hello\""))
    });
    Ok(Some(Payloads { payloads: parsed.collect::<Result<_, _>>()? }))
}

/// The JSON in a payload; `None` for what is none.
pub(crate) fn to_json(payload: &Payload) -> Option<Value> {
    match encoding(payload) {
        "json/plain" | "json/protobuf" => serde_json::from_slice(&payload.data).ok(),
        _ => None,
    }
}

fn encoding(payload: &Payload) -> &str {
    payload.metadata.get(ENCODING).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payload(encoding: &str, data: &[u8]) -> Payload {
        Payload {
            metadata: HashMap::from([(ENCODING.to_owned(), encoding.as_bytes().to_vec())]),
            data: data.to_vec(),
            ..Default::default()
        }
    }

    #[test]
    fn each_encoding_is_shown_for_what_it_is() {
        for (given, text, note) in [
            (payload("json/plain", br#"{"a":1}"#), "{\n  \"a\": 1\n}", ""),
            (payload("json/plain", b"\"<b>\\u001b\""), "\"<b>\\u001b\"", ""),
            (payload("binary/null", b""), "null", ""),
            (payload("binary/plain", b"\xff"), "1 bytes", "bytes"),
            (payload("binary/encrypted", b"abc"), "3 bytes of binary/encrypted", "encrypted"),
            (Payload::default(), "0 bytes", "no encoding is named"),
        ] {
            assert_eq!(shown(&given), Shown { text: text.to_owned(), note: note.to_owned() });
        }
        assert_eq!(
            preview_all(Some(&Payloads { payloads: vec![of_json(&json!([1])), of_json(&json!("x"))] })),
            "[1], \"x\""
        );
    }

    #[test]
    fn what_is_written_is_json() {
        assert_eq!(arguments(" \n").unwrap(), None);
        assert_eq!(arguments("[1]").unwrap().unwrap().payloads, [of_json(&json!([1]))]);
        assert_eq!(arguments("1\n---\n\"b\"").unwrap().unwrap().payloads, [of_json(&json!(1)), of_json(&json!("b"))]);
        assert!(arguments("hello").unwrap_err().contains("not JSON"));
    }
}

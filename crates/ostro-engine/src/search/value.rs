//! One value: from its payload, by its type.
//!
//! JSON as the reference server reads it: scalars may come as a list of one; null elements count as the type's zero.

use serde_json::Value;
use temporalio_protos::temporal::api::common::v1::Payload;

use super::{Type, is_null};
use crate::base::time::Time;
use crate::stored::persistence::SearchValue;

/// What a payload says of its attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decoded {
    Unset,
    /// Accepted, but nothing that can be indexed (a list of one null as a Datetime).
    Unindexed,
    Set(SearchValue),
}

/// Reads a payload as a value of type `ty`; otherwise what is to be shown of it.
pub(super) fn decode(payload: &Payload, ty: Type) -> Result<Decoded, String> {
    if is_null(payload) {
        return Ok(Decoded::Unset);
    }
    let value = json(payload).ok_or_else(|| shown_payload(payload))?;
    of_type(&value, ty).ok_or_else(|| shown(&value))
}

fn json(payload: &Payload) -> Option<Value> {
    let encoding = payload.metadata.get("encoding")?;
    if encoding != b"json/plain" {
        return None;
    }
    serde_json::from_slice(&payload.data).ok()
}

fn of_type(value: &Value, ty: Type) -> Option<Decoded> {
    match (ty, value) {
        (Type::KeywordList, Value::Array(items)) => {
            let keywords = items.iter().map(keyword).collect::<Option<Vec<_>>>()?;
            Some(Decoded::Set(SearchValue::KeywordList(keywords)))
        }
        (Type::KeywordList, _) => None,
        (_, Value::Array(items)) => match items.as_slice() {
            [Value::Null] => Some(zero(ty)),
            [item] => scalar(item, ty).map(Decoded::Set),
            _ => None,
        },
        _ => scalar(value, ty).map(Decoded::Set),
    }
}

fn scalar(value: &Value, ty: Type) -> Option<SearchValue> {
    match ty {
        Type::Text | Type::Keyword => value.as_str().map(|text| SearchValue::String(text.to_owned())),
        Type::Int => integer(value).map(SearchValue::Int),
        Type::Double => value.as_f64().map(SearchValue::Double),
        Type::Bool => value.as_bool().map(SearchValue::Bool),
        Type::Datetime => value.as_str().and_then(time).map(SearchValue::Time),
        Type::KeywordList => None,
    }
}

/// JSON's `-0` is an integer on the reference server.
fn integer(value: &Value) -> Option<i64> {
    let minus_zero = || value.as_f64().filter(|f| *f == 0.0 && f.is_sign_negative()).map(|_| 0);
    value.as_i64().or_else(minus_zero)
}

fn keyword(item: &Value) -> Option<String> {
    match item {
        Value::Null => Some(String::new()),
        item => item.as_str().map(str::to_owned),
    }
}

fn zero(ty: Type) -> Decoded {
    match ty {
        Type::Text | Type::Keyword => Decoded::Set(SearchValue::String(String::new())),
        Type::Int => Decoded::Set(SearchValue::Int(0)),
        Type::Double => Decoded::Set(SearchValue::Double(0.0)),
        Type::Bool => Decoded::Set(SearchValue::Bool(false)),
        Type::Datetime | Type::KeywordList => Decoded::Unindexed,
    }
}

/// RFC 3339; cut to what nanoseconds since 1970 can hold (1677 to 2262).
fn time(text: &str) -> Option<Time> {
    if !looks_like_rfc3339(text.as_bytes()) {
        return None;
    }
    crate::base::rfc3339::parse(text).map(Time::from_wide_nanos)
}

/// `2006-01-02T15:04:05`, fraction, `Z` or `+07:00`: the parser alone would take more than that.
fn looks_like_rfc3339(text: &[u8]) -> bool {
    let date_and_time = text.len() >= 20
        && text[..19].iter().zip(b"0000-00-00T00:00:00").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        });
    let zone = |zone: &[u8]| matches!(zone, [b'+' | b'-', _, _, b':', _, _]);
    date_and_time && (text.ends_with(b"Z") || text.get(text.len().saturating_sub(6)..).is_some_and(zone))
}

/// A JSON value as the reference server's error texts show it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => shown_number(number.as_f64().unwrap_or(0.0)),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{}", shown(value))).collect();
            fields.sort();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// Go's `%v`: scientific from a million on and below a ten-thousandth.
fn shown_number(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..6 => format!("{number}"),
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

fn shown_payload(payload: &Payload) -> String {
    let mut parts: Vec<_> = payload
        .metadata
        .iter()
        .map(|(key, value)| format!("metadata:{{key:{key:?} value:{:?}}}", String::from_utf8_lossy(value)))
        .collect();
    parts.sort();
    if !payload.data.is_empty() {
        parts.push(format!("data:{:?}", String::from_utf8_lossy(&payload.data)));
    }
    format!("value from <{}>", parts.join(" "))
}

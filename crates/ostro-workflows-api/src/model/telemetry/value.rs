//! Attribute values of OpenTelemetry as JSON.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// An attribute as OTLP's JSON writes it: its value is an object whose key names the type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TempoTraceAttribute)]
pub(crate) struct Attribute {
    pub key: String,
    #[schema(value_type = Object)]
    pub value: Value,
}

/// Attributes as OTLP's JSON writes them.
pub(crate) fn attributes(all: &[KeyValue]) -> Vec<Attribute> {
    let typed = |any: &AnyValue| match any.value.as_ref() {
        Some(Any::BoolValue(value)) => json!({ "boolValue": value }),
        Some(Any::IntValue(value)) => json!({ "intValue": value.to_string() }),
        Some(Any::DoubleValue(value)) => json!({ "doubleValue": value }),
        Some(Any::ArrayValue(_) | Any::KvlistValue(_)) => json!({ "stringValue": plain(any).to_string() }),
        _ => json!({ "stringValue": text(any) }),
    };
    let attribute =
        |each: &KeyValue| each.value.as_ref().map(|any| Attribute { key: each.key.clone(), value: typed(any) });
    all.iter().filter_map(attribute).collect()
}

/// Attributes as plain JSON.
pub(crate) fn object(all: &[Attribute]) -> Map<String, Value> {
    let value = |attribute: &Attribute| {
        let typed = attribute.value.as_object().and_then(|typed| typed.iter().next());
        match typed {
            Some((kind, Value::String(text))) if kind == "intValue" => {
                text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
            }
            Some((_, value)) => value.clone(),
            None => Value::Null,
        }
    };
    all.iter().map(|attribute| (attribute.key.clone(), value(attribute))).collect()
}

/// A value as plain JSON.
pub(crate) fn plain(any: &AnyValue) -> Value {
    match any.value.as_ref() {
        Some(Any::BoolValue(value)) => json!(value),
        Some(Any::IntValue(value)) => json!(value),
        Some(Any::DoubleValue(value)) => json!(value),
        Some(Any::ArrayValue(array)) => array.values.iter().map(plain).collect(),
        Some(Any::KvlistValue(list)) => {
            let entry = |each: &KeyValue| (each.key.clone(), each.value.as_ref().map_or(Value::Null, plain));
            Value::Object(list.values.iter().map(entry).collect())
        }
        _ => json!(text(any)),
    }
}

/// A value as text.
pub(crate) fn text(any: &AnyValue) -> String {
    match any.value.as_ref() {
        None => String::new(),
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::BytesValue(bytes)) => crate::model::digest::hex(bytes),
        Some(Any::BoolValue(_) | Any::IntValue(_) | Any::DoubleValue(_) | Any::ArrayValue(_) | Any::KvlistValue(_)) => {
            plain(any).to_string()
        }
        // Indexes into a table that only profiles have.
        Some(_) => String::new(),
    }
}

/// The text of an attribute; empty when it is absent.
pub(crate) fn find(all: &[KeyValue], keys: &[&str]) -> String {
    let found = keys.iter().find_map(|key| all.iter().find(|each| each.key == *key));
    found.and_then(|each| each.value.as_ref()).map(text).unwrap_or_default()
}

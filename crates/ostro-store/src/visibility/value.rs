//! What a literal means for an attribute of some type.

use ostro_engine::error::{Error, Result};
use ostro_engine::rfc3339;
use ostro_engine::time::Span;
use rusqlite::types::Value;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

use super::ast::{Constant, Literal};
use super::attribute::{Attribute, Source};
use super::errors::invalid;
use super::{duration, status};

/// The value to compare the attribute with.
pub(crate) fn bound(attribute: &Attribute, literal: &Literal) -> Result<Value> {
    match (&attribute.source, &literal.value) {
        (Source::Status, value) => status_number(attribute, literal, value).map(|number| Value::Integer(number.into())),
        (Source::Duration, value) => duration_nanos(attribute, literal, value).map(Value::Integer),
        (_, value) => typed(attribute, literal, value),
    }
}

fn typed(attribute: &Attribute, literal: &Literal, value: &Constant) -> Result<Value> {
    use IndexedValueType as Type;
    match (attribute.kind, value) {
        (Type::Int | Type::Double, Constant::Int(value)) => Ok(Value::Integer(*value)),
        (Type::Int | Type::Double, Constant::Double(value)) => Ok(Value::Real(*value)),
        (Type::Bool, Constant::Bool(value)) => Ok(Value::Integer((*value).into())),
        (Type::Datetime, Constant::Int(nanos)) => Ok(Value::Integer(*nanos)),
        (Type::Datetime, Constant::String(text)) => datetime(text, literal.position).map(Value::Integer),
        (Type::Text, Constant::String(text)) if text.trim().is_empty() => Err(invalid(
            literal.position,
            &format!("no tokens found filtering on Text type search attribute {}", attribute.alias),
        )),
        (Type::Keyword | Type::KeywordList | Type::Text, Constant::String(text)) => Ok(Value::Text(text.clone())),
        _ => Err(wrong_type(attribute, literal)),
    }
}

fn wrong_type(attribute: &Attribute, literal: &Literal) -> Error {
    let what = format!(
        "invalid value type for search attribute {} of type {}: {}: {}",
        attribute.alias,
        attribute.kind_name(),
        shown(&literal.value),
        match attribute.kind {
            IndexedValueType::Int | IndexedValueType::Double => "write a number without quotes",
            IndexedValueType::Bool => "write true or false without quotes",
            IndexedValueType::Datetime => "write a string such as '2006-01-02T15:04:05Z', or nanoseconds since 1970",
            _ => "write a string in quotes",
        }
    );
    invalid(literal.position, &what)
}

fn shown(value: &Constant) -> String {
    match value {
        Constant::String(value) => format!("{value:?} (type: string)"),
        Constant::Int(value) => format!("{value} (type: int64)"),
        Constant::Double(value) => format!("{value} (type: float64)"),
        Constant::Bool(value) => format!("{value} (type: bool)"),
    }
}

/// RFC 3339 with `T` and a zone, as Go reads it. Times out of reach of 64 bits of nanoseconds become the nearest within.
fn datetime(text: &str, position: usize) -> Result<i64> {
    let Some(nanos) = rfc3339::parse_clamped(text) else {
        let what = format!("unable to parse datetime '{text}': write it such as '2006-01-02T15:04:05Z'");
        return Err(invalid(position, &what));
    };
    // The greatest number means "still open" in the order by close time.
    Ok(nanos.min(i64::MAX - 1))
}

fn status_number(attribute: &Attribute, literal: &Literal, value: &Constant) -> Result<i32> {
    let (number, text) = match value {
        Constant::Int(number) => {
            (i32::try_from(*number).ok().filter(|number| status::name(*number).is_some()), number.to_string())
        }
        Constant::String(name) => (status::number(name), format!("'{name}'")),
        _ => return Err(wrong_type(attribute, literal)),
    };
    number.ok_or_else(|| {
        let names: Vec<String> = status::all().skip(1).map(|(_, name)| name).collect();
        let what = format!("invalid {} value {text}: use one of {}", attribute.alias, names.join(", "));
        invalid(literal.position, &what)
    })
}

fn duration_nanos(attribute: &Attribute, literal: &Literal, value: &Constant) -> Result<i64> {
    let parsed = match value {
        Constant::Int(nanos) => Some(*nanos),
        Constant::String(text) => duration::parse(text).map(Span::nanos),
        _ => return Err(wrong_type(attribute, literal)),
    };
    parsed.ok_or_else(|| {
        let what = format!(
            "invalid duration value for search attribute {}: {}: write '1h30m', '00:00:10' or nanoseconds",
            attribute.alias,
            shown(value)
        );
        invalid(literal.position, &what)
    })
}

impl Attribute {
    /// The type as Temporal names it.
    pub(crate) fn kind_name(&self) -> String {
        format!("{:?}", self.kind)
    }
}

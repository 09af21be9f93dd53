//! Search attributes: their names, their types, and the values that a request may set.
//!
//! A value travels as a JSON payload. Once [`validate`]d it carries its type in the metadata `type`, as on the reference
//! server, so that readers of histories can decode it, and [`typed`] needs no namespace.

mod names;
mod own;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use prost::Message;
use temporalio_protos::temporal::api::common::v1::{Payload, SearchAttributes};

use crate::base::error::{Error, Result};
use crate::stored::persistence::SearchValue;

pub use names::is_reserved;
pub(crate) use names::{INITIAL_CUSTOM, SYSTEM, Type, system};
pub use own::keyword_of;
pub(crate) use own::{SystemValues, list_of};
use value::Decoded;

/// Attributes in one request.
const COUNT_MAX: usize = 100;
/// Bytes of one value as it was sent.
const VALUE_BYTES_MAX: usize = 2 << 10;
/// Bytes of all attributes of one request, encoded.
const TOTAL_BYTES_MAX: usize = 40 << 10;

/// The attributes that a namespace has beside those of every namespace.
#[derive(Debug, Clone, Copy)]
pub struct KnownAttributes<'a> {
    /// Its name, for errors.
    pub namespace: &'a str,
    /// `IndexedValueType` by name.
    pub custom: &'a BTreeMap<String, i32>,
}

/// Checks what a request sets against what `namespace` knows, and fills in each payload's metadata `type`.
///
/// Values that unset (null, empty list) are kept: at a start [`without_unset`] drops them, an upsert [`merge`]s them.
///
/// # Errors
/// INVALID_ARGUMENT for an unknown name, for one that only the server sets, for a value that is not of the attribute's
/// type, and beyond 100 attributes, 2 KiB per value, 40 KiB in all.
pub fn validate(known: &KnownAttributes<'_>, attributes: &SearchAttributes) -> Result<SearchAttributes> {
    let sorted: BTreeMap<_, _> = attributes.indexed_fields.iter().collect();
    let mut settable = Vec::with_capacity(sorted.len());
    for (name, payload) in sorted {
        settable.push((name, payload, settable_type(known, name)));
    }
    if let Some((name, ..)) = settable.iter().find(|(.., ty)| *ty == Err(Refused::Unknown)) {
        let namespace = known.namespace;
        return Err(Error::invalid(format!(
            "Namespace {namespace} has no mapping defined for search attribute {name}"
        )));
    }
    check_count(settable.len())?;
    let mut checked = SearchAttributes::default();
    for (name, payload, ty) in settable {
        let Ok(ty) = ty else {
            return Err(Error::invalid(format!("{name} attribute can't be set in SearchAttributes")));
        };
        checked.indexed_fields.insert(name.clone(), with_type(name, payload, ty)?);
    }
    check_sizes(attributes)?;
    Ok(checked)
}

/// The attributes that set something: what an execution starts with.
pub(crate) fn without_unset(mut attributes: SearchAttributes) -> SearchAttributes {
    attributes.indexed_fields.retain(|_, payload| !is_null(payload));
    attributes
}

/// `old` with `upserted` on top; null and the empty list unset.
pub fn merge(mut old: SearchAttributes, upserted: &SearchAttributes) -> SearchAttributes {
    for (name, payload) in &upserted.indexed_fields {
        if is_null(payload) {
            old.indexed_fields.remove(name);
        } else {
            old.indexed_fields.insert(name.clone(), payload.clone());
        }
    }
    old
}

/// Whether a payload stands for no value: `binary/null`, JSON `null`, or the empty JSON list.
pub fn is_null(payload: &Payload) -> bool {
    match payload.metadata.get("encoding").map(Vec::as_slice) {
        Some(b"binary/null") => true,
        Some(b"json/plain") => matches!(payload.data.trim_ascii(), b"null" | b"[]"),
        _ => false,
    }
}

/// The values by name, as they are indexed. Payloads without a type, or whose value is not of it, are left out.
pub fn typed(attributes: &SearchAttributes) -> BTreeMap<String, SearchValue> {
    let value = |payload: &Payload| {
        let name = std::str::from_utf8(payload.metadata.get("type")?).ok()?;
        match value::decode(payload, Type::from_name(name)?) {
            Ok(Decoded::Set(value)) => Some(value),
            _ => None,
        }
    };
    attributes.indexed_fields.iter().filter_map(|(name, p)| Some((name.clone(), value(p)?))).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Refused {
    Unknown,
    SetByServer,
}

fn settable_type(known: &KnownAttributes<'_>, name: &str) -> std::result::Result<Type, Refused> {
    match system(name) {
        Some(attribute) if attribute.settable => Ok(attribute.ty),
        Some(_) => Err(Refused::SetByServer),
        None => known.custom.get(name).and_then(|ty| Type::from_number(*ty)).ok_or(Refused::Unknown),
    }
}

/// The payload with the attribute's own type: a sender's other word for it would mislead every reader.
fn with_type(name: &str, payload: &Payload, ty: Type) -> Result<Payload> {
    if let Err(shown) = value::decode(payload, ty) {
        let ty = ty.name();
        return Err(Error::invalid(format!("invalid value for search attribute {name} of type {ty}: {shown}")));
    }
    let mut payload = payload.clone();
    payload.metadata.insert("type".to_owned(), ty.name().as_bytes().to_vec());
    Ok(payload)
}

fn check_count(count: usize) -> Result<()> {
    if count > COUNT_MAX {
        return Err(Error::invalid(format!("number of search attributes {count} exceeds limit {COUNT_MAX}")));
    }
    Ok(())
}

fn check_sizes(attributes: &SearchAttributes) -> Result<()> {
    for (name, payload) in &attributes.indexed_fields {
        let bytes = payload.data.len();
        if bytes > VALUE_BYTES_MAX {
            let text = format!("search attribute {name} value size {bytes} exceeds size limit {VALUE_BYTES_MAX}");
            return Err(Error::invalid(text));
        }
    }
    let bytes = attributes.encoded_len();
    if bytes > TOTAL_BYTES_MAX {
        let text = format!("total size of search attributes {bytes} exceeds size limit {TOTAL_BYTES_MAX}");
        return Err(Error::invalid(text));
    }
    Ok(())
}

//! What is sent is read again, as its receiver will, and compared: by `==` where its type has it, else by its JSON.
//!
//! The macros write `(&&&Probe(&value)).encode()`: the first of the traits here whose bounds the type meets is taken.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::faults::Fault;
use super::{Payload, try_encode};

/// A value on its way.
pub struct Probe<'a, T>(pub &'a T);

/// Of types that can be compared.
pub trait ByEquality {
    /// The payload of the value.
    fn encode(&self) -> Encoded;
}

/// Of types that can be read again.
pub trait ByForm {
    /// The payload of the value.
    fn encode(&self) -> Encoded;
}

/// Of types that are only written.
pub trait ByParts {
    /// The payload of the value.
    fn encode(&self) -> Encoded;
}

/// A payload, or where and why there is none.
pub struct Encoded(pub(crate) Result<Payload, Fault>);

impl<T: Serialize + DeserializeOwned + PartialEq> ByEquality for &&Probe<'_, T> {
    fn encode(&self) -> Encoded {
        Encoded(exact(self.0, |back| self.0 == back))
    }
}

impl<T: Serialize + DeserializeOwned> ByForm for &Probe<'_, T> {
    fn encode(&self) -> Encoded {
        Encoded(exact(self.0, |back| form(self.0) == form(back)))
    }
}

impl<T: Serialize> ByParts for Probe<'_, T> {
    fn encode(&self) -> Encoded {
        Encoded(try_encode(self.0))
    }
}

/// A value that can be sent: what cannot is named by the compiler.
pub fn writable<T: Serialize>(value: &T) -> &T {
    value
}

fn exact<T: Serialize + DeserializeOwned>(value: &T, is_same: impl Fn(&T) -> bool) -> Result<Payload, Fault> {
    let payload = try_encode(value)?;
    let data: &[u8] = if payload.data.is_empty() { b"null" } else { &payload.data };
    let back: T = serde_json::from_slice(data).map_err(|error| {
        Fault::new(format_args!("it would not be read as {} again ({error})", std::any::type_name::<T>()))
    })?;
    if is_same(&back) {
        return Ok(payload);
    }
    Err(difference(form(value).as_ref(), form(&back).as_ref(), String::new()).unwrap_or_else(|| {
        Fault::new("another value would arrive, which is written alike: a field is skipped, or an untagged variant taken for another")
    }))
}

/// The JSON of a value, in which the order of a set does not count.
fn form<T: Serialize>(value: &T) -> Option<Value> {
    let mut found = serde_json::to_value(value).ok()?;
    sort(&mut found);
    Some(found)
}

fn sort(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(sort);
            list.sort_by_cached_key(Value::to_string);
        }
        Value::Object(map) => map.values_mut().for_each(sort),
        _ => {}
    }
}

/// The deepest first part that arrives as something else.
fn difference(sent: Option<&Value>, arrived: Option<&Value>, place: String) -> Option<Fault> {
    if sent == arrived {
        return None;
    }
    if let (Some(Value::Object(sent)), Some(Value::Object(arrived))) = (sent, arrived) {
        let parts = sent.iter().map(|(name, part)| (name, Some(part), arrived.get(name)));
        let differing =
            parts.into_iter().find_map(|(name, part, other)| difference(part, other, format!("{place}.{name}")));
        if differing.is_some() {
            return differing;
        }
    }
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), |value| short(&value.to_string()));
    Some(Fault { place: Some(place), reason: format!("{} would arrive as {}", text(sent), text(arrived)) })
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut}...") } else { cut }
}

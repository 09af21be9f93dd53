//! Arguments and results as they are stored: JSON, at most 2 MiB. Each arrives equal, or is refused with the place of the fault.

mod exact;
mod faults;

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use temporalio_common::protos::temporal::api::common::v1::Payload;

pub use self::exact::{ByEquality, ByForm, ByParts, Encoded, Probe, writable};
use self::faults::Fault;
use crate::error::{Error, Result};

/// The most that the arguments of one call together, or its result, may take as JSON: 2 MiB.
pub const PAYLOAD_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The payload of a value whose receiver is not known.
///
/// # Errors
/// `InvalidPayload`, with the place, for what JSON cannot carry.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Payload> {
    try_encode(value).map_err(|fault| refused("the value", fault))
}

fn refused(what: impl fmt::Display, fault: Fault) -> Error {
    Error::misuse("InvalidPayload", format_args!("{what}{fault}"))
}

fn try_encode<T: Serialize + ?Sized>(value: &T) -> Result<Payload, Fault> {
    faults::find(value)?;
    let data = serde_json::to_vec(value).map_err(|error| {
        Fault::new(format_args!("{} cannot be written as JSON: {error}", std::any::type_name::<T>()))
    })?;
    Ok(match data.as_slice() {
        b"null" => with_encoding("binary/null", Vec::new()),
        _ => with_encoding("json/plain", data),
    })
}

fn with_encoding(encoding: &str, data: Vec<u8>) -> Payload {
    let metadata = HashMap::from([("encoding".to_owned(), encoding.as_bytes().to_vec())]);
    Payload { metadata, data, ..Default::default() }
}

pub(crate) fn decode<T: DeserializeOwned>(payload: &Payload) -> Result<T> {
    let encoding = payload.metadata.get("encoding").map_or(&b""[..], |encoding| encoding);
    let data = match encoding {
        b"binary/null" | b"" if payload.data.is_empty() => b"null",
        b"json/plain" | b"json/protobuf" | b"json/wf_v1" | b"" => payload.data.as_slice(),
        other => {
            let other = String::from_utf8_lossy(other);
            return Err(Error::misuse(
                "InvalidPayload",
                format_args!("a payload with encoding {other:?} cannot be read: this program reads JSON"),
            ));
        }
    };
    serde_json::from_slice(data).map_err(|error| {
        let found: String = String::from_utf8_lossy(data).chars().take(120).collect();
        Error::misuse("InvalidPayload", format_args!("{found} is no {}: {error}", std::any::type_name::<T>()))
    })
}

pub(crate) fn size(payloads: &[Payload]) -> usize {
    payloads.iter().map(|payload| payload.data.len()).sum()
}

/// Refuses what is over the limit, with size and limit.
pub(crate) fn check(payloads: &[Payload], what: impl std::fmt::Display) -> Result<()> {
    let bytes = size(payloads);
    if bytes <= PAYLOAD_BYTES_MAX {
        return Ok(());
    }
    Err(Error::misuse(
        "PayloadTooLarge",
        format_args!(
            "{what} takes {bytes} bytes as JSON, the limit is {PAYLOAD_BYTES_MAX}: store it (a file, a bucket, a database) and \
             pass where it is"
        ),
    ))
}

/// The result of an activity or workflow, as JSON.
///
/// # Errors
/// `InvalidPayload` where it would not arrive equal.
pub fn encode_output(output: Encoded) -> Result<Payload> {
    output.0.map_err(|fault| refused("the result", fault))
}

/// The arguments of a call while they are written. The first error is kept until the call is awaited.
pub struct Arguments(Result<Vec<Payload>>);

impl Arguments {
    /// None yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Ok(Vec::new()))
    }

    /// Adds the argument `name`, whose receiver is known by name only.
    pub fn with<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Self {
        let encoded = try_encode(value);
        self.push(name, Encoded(encoded))
    }

    /// Adds the argument `name`.
    pub fn push(mut self, name: &str, value: Encoded) -> Self {
        if let Ok(payloads) = &mut self.0 {
            match value.0 {
                Ok(payload) => payloads.push(payload),
                Err(fault) => {
                    let what = format!("argument {}, {name}", payloads.len() + 1);
                    self.0 = Err(refused(what, fault));
                }
            }
        }
        self
    }

    /// The payloads.
    ///
    /// # Errors
    /// The first that was refused.
    pub fn into_payloads(self) -> Result<Vec<Payload>> {
        self.0
    }
}

/// The arguments of a call while they are read.
#[derive(Clone)]
pub struct Payloads {
    payloads: std::vec::IntoIter<Payload>,
    taken: usize,
}

impl Payloads {
    /// Those of a call.
    pub fn new(payloads: Vec<Payload>) -> Self {
        Self { payloads: payloads.into_iter(), taken: 0 }
    }

    /// The next argument. One that the caller left out reads as null, so a trailing `Option` may be left out.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        self.taken += 1;
        match self.payloads.next() {
            Some(payload) => decode(&payload).map_err(|error| named(name, error)),
            None => serde_json::from_slice(b"null").map_err(|_| {
                Error::misuse(
                    "InvalidPayload",
                    format_args!("argument {} `{name}` of type {} is missing", self.taken, std::any::type_name::<T>()),
                )
            }),
        }
    }

    /// Says that all have been read.
    ///
    /// # Errors
    /// There are more than the function takes.
    pub fn finish(mut self) -> Result<()> {
        // A call without arguments is one null to some SDKs.
        let rest = self.payloads.by_ref().filter(|payload| !(self.taken == 0 && payload.data.is_empty())).count();
        if rest == 0 {
            return Ok(());
        }
        let given = self.taken + rest;
        Err(Error::misuse("InvalidPayload", format_args!("{given} arguments were given, {} are taken", self.taken)))
    }
}

fn named(name: &str, error: Error) -> Error {
    Error::misuse("InvalidPayload", format_args!("argument `{name}`: {}", error.message()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_trailing_option_may_be_left_out_and_nothing_else() {
        let mut payloads = Payloads::new(vec![encode("a").unwrap()]);
        assert_eq!(payloads.take::<String>("name").unwrap(), "a");
        assert_eq!(payloads.take::<Option<u32>>("count").unwrap(), None);
        let error = payloads.take::<u32>("size").unwrap_err();
        assert_eq!(error.message(), "argument 3 `size` of type u32 is missing");
    }

    #[test]
    fn a_wrong_argument_is_named() {
        let mut payloads = Payloads::new(vec![encode("many").unwrap()]);
        let message = payloads.take::<u32>("count").unwrap_err().message().to_owned();
        assert!(message.starts_with("argument `count`: \"many\" is no u32"), "{message}");
    }

    #[test]
    fn one_argument_too_many_is_refused_and_a_lone_null_is_none() {
        let one = Payloads::new(vec![encode(&1).unwrap()]);
        assert_eq!(one.finish().unwrap_err().message(), "1 arguments were given, 0 are taken");
        Payloads::new(vec![encode(&()).unwrap()]).finish().unwrap();
    }

    #[test]
    fn the_limit_is_named_with_the_size() {
        let large = [encode(&"x".repeat(PAYLOAD_BYTES_MAX)).unwrap()];
        let error = check(&large, "the result of `f`").unwrap_err();
        assert_eq!(error.type_name(), Some("PayloadTooLarge"));
        assert!(error.message().contains("2097154 bytes"), "{error}");
    }
}

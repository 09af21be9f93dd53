//! Payloads as the official worker writes and reads them (`json/wf_v1`), and as JSON for clients.
//!
//! The server holds no keys: what is encrypted, compressed or offloaded passes through as it is, marked with its options.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use temporalio_protos::temporal::api::common::v1::{Payload, Payloads};
use utoipa::ToSchema;

use crate::model::error::{Error, Result};

const ENCODING: &str = "encoding";

const OPTIONS: &str = "encoding_options";

/// The worker's own format, and its name in older releases.
const WORKER_ENCODINGS: [&[u8]; 2] = [b"json/wf_v1", b"json/abraxas_v1"];

/// Marks a payload that stands for no arguments. The worker writes `bytes(True)`.
const EMPTY: &str = "empty_payload";

/// Bytes that only the client and the worker can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = NetworkEncodedInput)]
pub struct Encoded {
    /// The bytes in base64.
    pub b64payload: String,
    /// What was done to them, in order.
    #[serde(default)]
    pub encoding_options: Vec<EncodingOption>,
    /// Whether it stands for no arguments.
    #[serde(default)]
    pub empty: bool,
}

/// A transformation of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EncodingOption {
    Offloaded,
    Encrypted,
    EncryptedPartial,
    Compressed,
}

impl EncodingOption {
    const fn name(self) -> &'static str {
        match self {
            Self::Offloaded => "offloaded",
            Self::Encrypted => "encrypted",
            Self::EncryptedPartial => "encrypted-partial",
            Self::Compressed => "compressed",
        }
    }
}

/// What a handler of a workflow is called with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// JSON, which can be validated.
    Plain(Value),
    /// Bytes that cannot be read here.
    Encoded { bytes: Vec<u8>, options: Vec<EncodingOption>, empty: bool },
}

impl Input {
    /// Reads the `input` of a signal, a query or an update: an object that is a [`Encoded`] is one.
    pub(crate) fn of(value: Option<Value>) -> Result<Self> {
        let value = value.unwrap_or(Value::Null);
        match value.get("b64payload") {
            Some(Value::String(_)) => Self::encoded(serde_json::from_value(value).map_err(|error| {
                Error::at(&["body", "input"], format!("not an encoded input: {error}"), "value_error")
            })?),
            _ => Ok(Self::Plain(value)),
        }
    }

    /// Reads encoded input.
    pub(crate) fn encoded(encoded: Encoded) -> Result<Self> {
        let bytes = BASE64.decode(&encoded.b64payload).map_err(|error| {
            Error::at(&["body", "input", "b64payload"], format!("not base64: {error}"), "value_error")
        })?;
        Ok(Self::Encoded { bytes, options: encoded.encoding_options, empty: encoded.empty })
    }
}

/// What the worker must know of the execution that a payload belongs to.
pub(crate) struct Context<'a> {
    pub namespace: &'a str,
    /// Never empty: the worker refuses it.
    pub execution_id: &'a str,
    /// The token by which the worker's registration of a run is recognised.
    pub execution_token: Option<&'a str>,
    pub extensions: Option<&'a Map<String, Value>>,
    pub on_behalf_of: Option<bool>,
}

/// The payload of an input.
pub(crate) fn encode(input: &Input, context: &Context<'_>) -> Payload {
    let (data, options, empty) = match input {
        Input::Plain(value) => (value.to_string().into_bytes(), Vec::new(), false),
        Input::Encoded { bytes, options, empty } => (bytes.clone(), options.clone(), *empty),
    };
    let options: Vec<&str> = options.into_iter().map(EncodingOption::name).collect();
    let mut metadata = vec![
        (ENCODING, WORKER_ENCODINGS[0].to_vec()),
        ("namespace", context.namespace.as_bytes().to_vec()),
        ("execution_id", context.execution_id.as_bytes().to_vec()),
        (OPTIONS, options.join(",").into_bytes()),
    ];
    if empty {
        metadata.push((EMPTY, vec![0]));
    }
    if let Some(token) = context.execution_token {
        metadata.push(("__internal_execution_token", token.as_bytes().to_vec()));
    }
    if let Some(extensions) = context.extensions {
        metadata.push(("__internal_extensions", Value::Object(extensions.clone()).to_string().into_bytes()));
    }
    if let Some(on_behalf_of) = context.on_behalf_of {
        metadata.push(("__internal_on_behalf_of", on_behalf_of.to_string().into_bytes()));
    }
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Payload { metadata, data, ..Default::default() }
}

/// A payload of plain JSON, as any SDK reads it.
pub(crate) fn plain(value: &Value) -> Payload {
    Payload {
        metadata: [(ENCODING.to_owned(), b"json/plain".to_vec())].into(),
        data: value.to_string().into_bytes(),
        ..Default::default()
    }
}

/// The JSON of a payload; what cannot be read here is `{"b64payload", "encoding_options"}`.
pub(crate) fn decode(payload: &Payload) -> Value {
    let encoding = payload.metadata.get(ENCODING).map_or(&b""[..], Vec::as_slice);
    let options = payload.metadata.get(OPTIONS).map_or(&b""[..], Vec::as_slice);
    match encoding {
        b"binary/null" => Value::Null,
        b"binary/encrypted" => opaque(payload, &["encrypted"]),
        _ if WORKER_ENCODINGS.contains(&encoding) && !options.is_empty() => {
            let options = String::from_utf8_lossy(options).into_owned();
            opaque(payload, &options.split(',').collect::<Vec<_>>())
        }
        b"binary/plain" => json!({ "b64payload": BASE64.encode(&payload.data), "encoding": "binary/plain" }),
        _ => serde_json::from_slice(&payload.data).unwrap_or_else(|_| opaque(payload, &[])),
    }
}

fn opaque(payload: &Payload, options: &[&str]) -> Value {
    json!({ "b64payload": BASE64.encode(&payload.data), "encoding_options": options })
}

/// The JSON of what a workflow or a handler answered: its one payload, `null` for none, an array for several.
pub(crate) fn decode_result(payloads: Option<&Payloads>) -> Value {
    match payloads.map(|payloads| payloads.payloads.as_slice()) {
        None | Some([]) => Value::Null,
        Some([one]) => decode(one),
        Some(several) => several.iter().map(decode).collect(),
    }
}

/// The JSON of arguments: an array.
pub(crate) fn decode_all(payloads: Option<&Payloads>) -> Value {
    payloads.map_or_else(|| json!([]), |payloads| payloads.payloads.iter().map(decode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        Context { namespace: "n", execution_id: "e", execution_token: Some("t"), extensions: None, on_behalf_of: None }
    }

    #[test]
    fn plain_input_comes_back_and_encoded_input_passes_through_with_its_options() {
        let plain = encode(&Input::Plain(json!({"a": 1})), &context());
        assert_eq!(plain.metadata["encoding"], b"json/wf_v1");
        assert_eq!(plain.metadata["__internal_execution_token"], b"t");
        assert_eq!(decode(&plain), json!({"a": 1}));

        let sent = json!({"b64payload": "AQID", "encoding_options": ["compressed", "encrypted"]});
        let input = Input::of(Some(sent.clone())).expect("an encoded input");
        let payload = encode(&input, &context());
        assert_eq!(payload.data, [1, 2, 3]);
        assert_eq!(payload.metadata["encoding_options"], b"compressed,encrypted");
        assert_eq!(decode(&payload), sent);
    }

    #[test]
    fn results_of_any_sdk_are_json() {
        assert_eq!(decode_result(None), Value::Null);
        let one = Payloads { payloads: vec![super::plain(&json!("x"))] };
        assert_eq!(decode_result(Some(&one)), json!("x"));
        let two = Payloads { payloads: vec![super::plain(&json!(1)), super::plain(&json!(2))] };
        assert_eq!(decode_result(Some(&two)), json!([1, 2]));
        assert!(Input::of(Some(json!({"b64payload": "not base64!"}))).is_err());
    }
}

//! Payloads as the body of a request or a response, and the headers that say what it is.

use std::collections::HashMap;

use axum::http::HeaderMap;
use prost::Message;
use temporalio_protos::temporal::api::common::v1::Payload;

use super::set;

const PREFIX: &str = "content-";
/// A payload as it is: for what has no form of its own.
const WHOLE: &str = "application/x-temporal-payload";
const ENCODING: &str = "encoding";
const MESSAGE_TYPE: &str = "messageType";
const UNKNOWN: &str = "unknown/nexus-content";

/// The body, and what its headers say after `content-`.
pub(super) struct Content {
    pub header: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Content {
    pub(super) fn of(payload: Option<&Payload>) -> Self {
        let Some(payload) = payload else { return Self { header: HashMap::new(), body: Vec::new() } };
        let metadata =
            |key: &str| payload.metadata.get(key).map_or("", |value| str::from_utf8(value).unwrap_or_default());
        let message_type = metadata(MESSAGE_TYPE);
        let kind = match (metadata(ENCODING), payload.metadata.len()) {
            (UNKNOWN, _) => return Self { header: unknown_header(payload), body: payload.data.clone() },
            ("json/plain", 1) => "application/json".to_owned(),
            ("binary/plain", 1) => "application/octet-stream".to_owned(),
            ("binary/null", 1) => return Self { header: HashMap::new(), body: payload.data.clone() },
            ("json/protobuf", 2) if !message_type.is_empty() => {
                format!("application/json; format=protobuf; message-type={message_type:?}")
            }
            ("binary/protobuf", 2) if !message_type.is_empty() => {
                format!("application/x-protobuf; message-type={message_type:?}")
            }
            _ => return Self { header: kind(WHOLE), body: payload.encode_to_vec() },
        };
        Self { header: self::kind(&kind), body: payload.data.clone() }
    }

    /// Adds what says what the body is.
    ///
    /// # Errors
    /// For what can be no header.
    pub(super) fn set_headers(&self, headers: &mut HeaderMap) -> Result<(), String> {
        self.header.iter().try_for_each(|(key, value)| set(headers, &format!("{PREFIX}{key}"), value))
    }
}

fn kind(kind: &str) -> HashMap<String, String> {
    [("type".to_owned(), kind.to_owned())].into()
}

fn unknown_header(payload: &Payload) -> HashMap<String, String> {
    let others = payload.metadata.iter().filter(|(key, _)| *key != ENCODING);
    others.map(|(key, value)| (key.clone(), String::from_utf8_lossy(value).into_owned())).collect()
}

/// The payload that a body is.
///
/// # Errors
/// For a body that is said to be a payload and is none.
pub(super) fn payload(headers: &HeaderMap, body: &[u8]) -> Result<Payload, prost::DecodeError> {
    // The transport has seen to encoding and length.
    let content: HashMap<&str, &str> = headers
        .keys()
        .filter_map(|name| Some((name.as_str().strip_prefix(PREFIX)?, super::text(headers, name.as_str()))))
        .filter(|(name, _)| !matches!(*name, "encoding" | "length"))
        .collect();
    if content.is_empty() && body.is_empty() {
        return Ok(of_kind("binary/null", None, body));
    }
    let media = content.get("type").filter(|_| content.len() == 1).and_then(|kind| MediaType::parse(kind));
    let parameters = media.as_ref().map_or(0, |media| media.parameters.len());
    let message_type =
        media.as_ref().and_then(|media| media.parameters.get("message-type")).filter(|it| !it.is_empty());
    let protobuf =
        media.as_ref().is_some_and(|media| media.parameters.get("format").is_some_and(|it| it == "protobuf"));
    Ok(match (media.as_ref().map_or("", |media| media.name.as_str()), parameters, message_type) {
        (WHOLE, _, _) => Payload::decode(body)?,
        ("application/json", 0, _) => of_kind("json/plain", None, body),
        ("application/json", 2, Some(kind)) if protobuf => of_kind("json/protobuf", Some(kind), body),
        ("application/x-protobuf", 1, Some(kind)) => of_kind("binary/protobuf", Some(kind), body),
        ("application/octet-stream", 0, _) => of_kind("binary/plain", None, body),
        _ => {
            let mut unknown = of_kind(UNKNOWN, None, body);
            unknown
                .metadata
                .extend(content.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())));
            unknown
        }
    })
}

fn of_kind(encoding: &str, message_type: Option<&String>, body: &[u8]) -> Payload {
    let mut metadata = HashMap::from([(ENCODING.to_owned(), encoding.as_bytes().to_vec())]);
    metadata.extend(message_type.map(|kind| (MESSAGE_TYPE.to_owned(), kind.as_bytes().to_vec())));
    Payload { metadata, data: body.to_vec(), ..Default::default() }
}

/// A media type with its parameters.
struct MediaType {
    name: String,
    parameters: HashMap<String, String>,
}

impl MediaType {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let name = parts.next()?.trim().to_ascii_lowercase();
        let parameter = |part: &str| {
            let (key, value) = part.split_once('=')?;
            Some((key.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned()))
        };
        Some(Self { name, parameters: parts.map(parameter).collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(metadata: &[(&str, &str)]) -> Payload {
        let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        Payload { metadata: metadata.collect(), data: b"{}".to_vec(), ..Default::default() }
    }

    #[test]
    fn payloads_survive_the_way() {
        for (payload, kind) in [
            (given(&[("encoding", "json/plain")]), "application/json"),
            (given(&[("encoding", "binary/plain")]), "application/octet-stream"),
            (
                given(&[("encoding", "json/protobuf"), ("messageType", "a.B")]),
                "application/json; format=protobuf; message-type=\"a.B\"",
            ),
            (
                given(&[("encoding", "binary/protobuf"), ("messageType", "a.B")]),
                "application/x-protobuf; message-type=\"a.B\"",
            ),
            (given(&[("encoding", "json/plain"), ("key", "k")]), WHOLE),
            (given(&[("encoding", "mine")]), WHOLE),
            (given(&[]), WHOLE),
            (given(&[("encoding", UNKNOWN), ("type", "text/xml"), ("language", "en")]), "text/xml"),
        ] {
            let content = Content::of(Some(&payload));
            let mut headers = HeaderMap::new();
            content.set_headers(&mut headers).unwrap();
            assert_eq!(headers["content-type"], kind);
            assert_eq!(super::payload(&headers, &content.body).unwrap(), payload);
        }
    }

    #[test]
    fn nothing_is_nothing() {
        let null = Payload { data: Vec::new(), ..given(&[("encoding", "binary/null")]) };
        for nothing in [None, Some(&null)] {
            let content = Content::of(nothing);
            assert!(content.header.is_empty() && content.body.is_empty());
        }
        assert_eq!(payload(&HeaderMap::new(), b"").unwrap(), null);
        let bare = payload(&HeaderMap::new(), b"x").unwrap();
        assert_eq!(bare.metadata["encoding"], UNKNOWN.as_bytes());
    }

    #[test]
    fn a_broken_payload_is_refused() {
        let headers = HeaderMap::from_iter([(axum::http::header::CONTENT_TYPE, WHOLE.parse().unwrap())]);
        assert!(payload(&headers, b"\xff").is_err());
    }
}

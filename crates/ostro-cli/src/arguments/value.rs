//! Parsers of single argument values. Each error says what a right value looks like.

use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use clap::ValueEnum;
use serde_json::Value;

use super::AttributeType;

/// `HOST:PORT` with a name or a number as host.
pub fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let example = "give host:port, such as 127.0.0.1:7233";
    let mut addresses = text.to_socket_addrs().map_err(|error| format!("{error}; {example}"))?;
    addresses.next().ok_or_else(|| format!("the name has no address; {example}"))
}

/// An address to listen on, or `off` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOn(pub Option<SocketAddr>);

impl FromStr for ListenOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self(None)),
            text => socket_address(text).map(Some).map(Self).map_err(|error| format!("{error}, or `off`")),
        }
    }
}

/// A JSON value.
pub fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON ({error}); text needs quotes: '\"text\"'"))
}

/// `KEY=JSON`.
pub fn json_entry(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("give key=JSON, such as priority=3 or note='\"text\"'")?;
    Ok((key.to_owned(), json(value)?))
}

/// `NAME=TYPE` of a search attribute; the type in any case.
pub fn search_attribute(text: &str) -> Result<(String, AttributeType), String> {
    let (name, kind) = text.split_once('=').ok_or("give Name=Type, such as Customer=Keyword")?;
    let kind = <AttributeType as ValueEnum>::from_str(kind, true).map_err(|_| {
        let names: Vec<String> = AttributeType::value_variants().iter().map(|kind| format!("{kind:?}")).collect();
        format!("{kind} is no type of a search attribute; give one of {}", names.join(", "))
    })?;
    Ok((name.to_owned(), kind))
}

/// The address in `temporal://host:port`; `http://` and no scheme will do too.
pub(super) fn engine_address(text: &str) -> Result<String, String> {
    let address = text.strip_prefix("temporal://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(address.to_owned()),
        _ => Err("give temporal://host:port".to_owned()),
    }
}

//! The address to which the workflow behind an operation answers: a token that only this server reads.

use prost::Message;
use temporalio_protos::temporal::api::{
    common::v1::{Callback, Link, Payload, callback},
    failure::v1::Failure,
};

use crate::persistence::{ExecutionId, NamespaceId};
use crate::time::Time;

/// The one URL that is called back: this server itself.
pub const SYSTEM_URL: &str = "temporal://system";
/// The header that carries the [`Address`].
pub const TOKEN_HEADER: &str = "temporal-callback-token";
/// The header in which SDKs hand over the token of the operation.
const OPERATION_TOKEN_HEADER: &str = "nexus-operation-token";

/// Which operation waits.
#[derive(Clone, PartialEq, Message)]
pub struct Address {
    #[prost(int64, tag = "1")]
    pub namespace: NamespaceId,
    #[prost(int64, tag = "2")]
    pub execution: ExecutionId,
    #[prost(string, tag = "3")]
    pub workflow_id: String,
    #[prost(string, tag = "4")]
    pub run_id: String,
    #[prost(int64, tag = "5")]
    pub scheduled_event_id: i64,
    /// The operation's own: tells it from another one of the same number, after a reset.
    #[prost(string, tag = "6")]
    pub request_id: String,
}

/// How an operation that ran by itself ended.
#[derive(Debug, Clone)]
pub struct Completion {
    /// Cancelled where the failure says so.
    pub outcome: Result<Option<Payload>, Box<Failure>>,
    /// When the workflow behind it started, and the link to it, in case the caller has not heard of its start yet.
    pub start_time: Time,
    pub link: Option<Link>,
}

impl Address {
    pub fn to_token(&self) -> String {
        self.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn parse(token: &str) -> Option<Self> {
        let digits = token.as_bytes();
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect::<Option<_>>()?;
        Self::decode(bytes.as_slice()).ok().filter(|address| address.execution > 0)
    }
}

/// Where a callback goes, and the token of the operation that it names; what is wrong with it where it goes nowhere.
pub fn address(callback: &Callback) -> Result<(Address, String), String> {
    let Some(callback::Variant::Nexus(nexus)) = &callback.variant else {
        return Err("unknown callback variant".to_owned());
    };
    if nexus.url != SYSTEM_URL {
        let scheme = nexus.url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("http" | "https" | "temporal")) {
            return Err(format!("invalid url: unknown scheme: {}", nexus.url));
        }
        return Err(format!("invalid url: url does not match any configured callback address: {}", nexus.url));
    }
    let header =
        |name: &str| nexus.header.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let address = header(TOKEN_HEADER).and_then(|token| Address::parse(token));
    let address = address.ok_or_else(|| format!("the header {TOKEN_HEADER} holds no callback token of this server"))?;
    Ok((address, header(OPERATION_TOKEN_HEADER).cloned().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_and_others_are_refused() {
        let address = Address { execution: 3, request_id: "r".into(), scheduled_event_id: 5, ..Default::default() };
        assert_eq!(Address::parse(&address.to_token()), Some(address));
        for token in ["", "0", "zz", "00", "ñ"] {
            assert_eq!(Address::parse(token), None);
        }
    }
}

//! The address to which the workflow behind an operation answers: a token that only this server reads.

use ostro_nesting::shapes::FAILURE_V1_FAILURE;
use prost::Message;
use temporalio_protos::temporal::api::{
    common::v1::{Callback, Link, Payload, callback},
    failure::v1::Failure,
};

use crate::nesting::nested;
use crate::persistence::{ExecutionId, NamespaceId};
use crate::time::typed_times;

/// The URL of this server itself: what is called back there is here.
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
#[derive(Clone, PartialEq, Message)]
pub struct Completion {
    #[prost(message, optional, tag = "1")]
    pub result: Option<Payload>,
    /// It ended without success: cancelled where the failure says so.
    #[prost(message, optional, tag = "2")]
    pub failure: Option<Failure>,
    /// When what is behind it started, and links to that, in case the caller has not heard of its start yet.
    #[prost(int64, tag = "3")]
    pub start_time: i64,
    /// 0 where nobody said it.
    #[prost(int64, tag = "4")]
    pub close_time: i64,
    #[prost(message, repeated, tag = "5")]
    pub links: Vec<Link>,
}

/// Where a callback goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination<'a> {
    /// To an operation that waits in this server, with the token of the operation that the callback names.
    Here(Address, String),
    /// To a URL outside, by HTTP.
    Outside(&'a callback::Nexus),
}

impl Address {
    pub fn to_token(&self) -> String {
        self.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn parse(token: &str) -> Option<Self> {
        let digits = token.as_bytes();
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Vec<u8> = digits.chunks(2).map(byte).collect::<Option<_>>()?;
        Self::decode(bytes.as_slice()).ok().filter(|address| address.execution > 0)
    }
}

/// Where a callback goes; what is wrong with it where it goes nowhere.
///
/// # Errors
/// For one of another kind than Nexus, and for a token that is not of this server.
pub fn destination(callback: &Callback) -> Result<Destination<'_>, String> {
    let Some(callback::Variant::Nexus(nexus)) = &callback.variant else {
        return Err("unknown callback variant".to_owned());
    };
    if nexus.url != SYSTEM_URL {
        return Ok(Destination::Outside(nexus));
    }
    let header =
        |name: &str| nexus.header.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let address = header(TOKEN_HEADER).and_then(|token| Address::parse(token));
    let address = address.ok_or_else(|| format!("the header {TOKEN_HEADER} holds no callback token of this server"))?;
    Ok(Destination::Here(address, header(OPERATION_TOKEN_HEADER).cloned().unwrap_or_default()))
}

typed_times!(Completion: Time start_time, Time close_time);

nested! {
    Completion { 2: &FAILURE_V1_FAILURE }
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

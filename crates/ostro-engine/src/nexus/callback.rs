//! The address to which the workflow behind an operation answers: a token that only this server makes and reads.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::{Callback, callback};

use crate::base::seal::{Kind, Seals};
use crate::stored::persistence::{ExecutionId, NamespaceId};

/// The URL of this server itself: what is called back there is here.
pub const SYSTEM_URL: &str = "temporal://system";
/// The header that carries the [`Address`].
pub const TOKEN_HEADER: &str = "temporal-callback-token";
/// The header in which SDKs hand over the token of the operation.
const OPERATION_TOKEN_HEADER: &str = "nexus-operation-token";

/// Which operation waits.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Address {
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

/// Where a callback goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Destination<'a> {
    /// To an operation that waits in this server, with the token of the operation that the callback names.
    Here(Address, String),
    /// To a URL outside, by HTTP.
    Outside(&'a callback::Nexus),
}

impl Address {
    /// The token that the handler of the operation is given.
    pub(crate) fn to_token(&self, seals: &Seals) -> String {
        hex(&seals.seal(Kind::Callback, &[], &self.encode_to_vec()))
    }

    /// The address that a token names, if this server gave it out.
    pub(crate) fn parse(seals: &Seals, token: &str) -> Option<Self> {
        seals.open(Kind::Callback, &[], &of_hex(token)?).and_then(Self::decode_whole)
    }

    /// One operation of one run, and no other.
    fn decode_whole(body: &[u8]) -> Option<Self> {
        let whole = |address: &Self| {
            let texts = [&address.workflow_id, &address.run_id, &address.request_id];
            let numbers = [address.namespace, address.execution, address.scheduled_event_id];
            texts.iter().all(|text| !text.is_empty()) && numbers.iter().all(|number| *number > 0)
        };
        Self::decode(body).ok().filter(whole)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}

/// Seals the token of a callback that was registered before tokens were sealed.
pub(crate) fn seal_old(callback: &mut Callback, seals: &Seals) {
    let Some(callback::Variant::Nexus(nexus)) = &mut callback.variant else { return };
    if nexus.url != SYSTEM_URL {
        return;
    }
    let tokens = nexus.header.iter_mut().filter(|(key, _)| key.eq_ignore_ascii_case(TOKEN_HEADER));
    for (_, token) in tokens {
        if let Some(address) = of_hex(token).as_deref().and_then(Address::decode_whole) {
            *token = address.to_token(seals);
        }
    }
}

/// Where a callback goes; what is wrong with it where it goes nowhere.
///
/// # Errors
/// For one of another kind than Nexus, and for a token that is not of this server.
pub(crate) fn destination<'c>(callback: &'c Callback, seals: &Seals) -> Result<Destination<'c>, String> {
    let Some(callback::Variant::Nexus(nexus)) = &callback.variant else {
        return Err("unknown callback variant".to_owned());
    };
    if nexus.url != SYSTEM_URL {
        return Ok(Destination::Outside(nexus));
    }
    let header =
        |name: &str| nexus.header.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let address = header(TOKEN_HEADER).and_then(|token| Address::parse(seals, token));
    let address = address.ok_or_else(|| {
        format!(
            "the header {TOKEN_HEADER} holds no callback token of this server: hand on that of the request unchanged"
        )
    })?;
    Ok(Destination::Here(address, header(OPERATION_TOKEN_HEADER).cloned().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seals() -> Seals {
        Seals::new(&[1; 32])
    }

    fn address() -> Address {
        Address {
            namespace: 1,
            execution: 3,
            workflow_id: "w".into(),
            run_id: "run".into(),
            request_id: "r".into(),
            scheduled_event_id: 5,
        }
    }

    #[test]
    fn addresses_survive_and_others_are_refused() {
        assert_eq!(Address::parse(&seals(), &address().to_token(&seals())), Some(address()));
        for token in ["", "0", "zz", "00", "ñ", &hex(&address().encode_to_vec())] {
            assert_eq!(Address::parse(&seals(), token), None, "{token}");
        }
        assert_eq!(Address::parse(&Seals::new(&[2; 32]), &address().to_token(&seals())), None);
    }

    #[test]
    fn an_address_names_exactly_one_operation() {
        for open in [
            Address { run_id: String::new(), ..address() },
            Address { request_id: String::new(), ..address() },
            Address { workflow_id: String::new(), ..address() },
            Address { scheduled_event_id: 0, ..address() },
            Address { namespace: 0, ..address() },
            Address { execution: 0, ..address() },
        ] {
            assert_eq!(Address::parse(&seals(), &open.to_token(&seals())), None, "{open:?}");
        }
    }

    #[test]
    fn a_callback_of_a_store_without_seals_gets_one() {
        let plain = hex(&address().encode_to_vec());
        let header = [("Temporal-Callback-Token".to_owned(), plain)].into();
        let nexus = callback::Nexus { url: SYSTEM_URL.into(), header };
        let mut callback = Callback { variant: Some(callback::Variant::Nexus(nexus)), ..Default::default() };
        assert!(destination(&callback, &seals()).is_err());
        seal_old(&mut callback, &seals());
        assert_eq!(destination(&callback, &seals()), Ok(Destination::Here(address(), String::new())));
    }
}

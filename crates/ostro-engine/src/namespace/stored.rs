//! A namespace as a row. New fields get new numbers; old rows read as if they were not set.

use std::collections::BTreeMap;

use prost::Message;
use temporalio_protos::temporal::api::enums::v1::NamespaceState;

use super::Namespace;
use crate::base::time::{Span, Time};
use crate::stored::persistence::{Damaged, DamagedPart, DamagedRow, NamespaceRow, Write};

#[derive(Clone, PartialEq, Message)]
struct Stored {
    #[prost(string, tag = "1")]
    uuid: String,
    #[prost(enumeration = "NamespaceState", tag = "2")]
    state: i32,
    #[prost(string, tag = "3")]
    description: String,
    #[prost(string, tag = "4")]
    owner_email: String,
    #[prost(btree_map = "string, string", tag = "5")]
    data: BTreeMap<String, String>,
    /// Nanoseconds.
    #[prost(int64, tag = "6")]
    retention: i64,
    #[prost(btree_map = "string, int32", tag = "7")]
    search_attributes: BTreeMap<String, i32>,
    #[prost(int64, tag = "8")]
    created: i64,
}

pub(super) fn from_row(row: NamespaceRow) -> Result<Namespace, DamagedRow> {
    let NamespaceRow { id, name, blob } = row;
    let stored = Stored::decode(blob).map_err(|error| DamagedRow {
        of: DamagedPart::Namespace { id, name: name.clone() },
        what: Damaged(error.to_string()),
    })?;
    Ok(Namespace {
        id,
        name,
        state: stored.state(),
        uuid: stored.uuid,
        description: stored.description,
        owner_email: stored.owner_email,
        data: stored.data,
        retention: Span::from_nanos(stored.retention),
        search_attributes: stored.search_attributes,
        created: Time::from_nanos(stored.created),
    })
}

pub(super) fn write(namespace: &Namespace) -> Write {
    let Namespace { id, uuid, name, state, description, owner_email, data, retention, search_attributes, created } =
        namespace.clone();
    let stored = Stored {
        uuid,
        state: state as i32,
        description,
        owner_email,
        data,
        retention: retention.nanos(),
        search_attributes,
        created: created.nanos(),
    };
    Write::PutNamespace(NamespaceRow { id, name, blob: stored.encode_to_vec().into() })
}

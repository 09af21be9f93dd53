//! Search attributes.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex};
use std::time::SystemTime;

use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::SearchAttributes as ProtoSearchAttributes;
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::AddSearchAttributesRequest;
use temporalio_common::search_attributes::{SearchAttributeKey, SearchAttributeUpdate, SearchAttributes, Timestamp};
use tonic::Code;

use crate::client::rpc;
use crate::error::Result;
use crate::ostro_handle::Ostro;
use crate::payload;

/// A value that workflows are found by. The namespace must know the attribute's name and type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SearchAttribute {
    /// Found as a whole.
    Keyword(String),
    /// Found by its words.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Bool(bool),
    /// A point in time.
    Datetime(SystemTime),
    /// Found by each of them.
    KeywordList(Vec<String>),
    /// Takes a keyword away.
    Unset,
}

/// What values a search attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchAttributeKind {
    /// Texts, found as a whole.
    Keyword,
    /// Texts, found by their words.
    Text,
    /// Whole numbers.
    Int,
    /// Numbers.
    Double,
    /// Yes or no.
    Bool,
    /// Points in time.
    Datetime,
    /// Lists of texts, found by each of them.
    KeywordList,
}

impl From<SearchAttributeKind> for IndexedValueType {
    fn from(kind: SearchAttributeKind) -> Self {
        match kind {
            SearchAttributeKind::Keyword => Self::Keyword,
            SearchAttributeKind::Text => Self::Text,
            SearchAttributeKind::Int => Self::Int,
            SearchAttributeKind::Double => Self::Double,
            SearchAttributeKind::Bool => Self::Bool,
            SearchAttributeKind::Datetime => Self::Datetime,
            SearchAttributeKind::KeywordList => Self::KeywordList,
        }
    }
}

/// Makes one known to the namespace.
pub(crate) async fn add(ostro: &Ostro, name: &str, kind: SearchAttributeKind) -> Result<()> {
    let request = AddSearchAttributesRequest {
        search_attributes: HashMap::from([(name.to_owned(), IndexedValueType::from(kind).into())]),
        namespace: ostro.namespace().to_owned(),
    };
    match ostro.caller().ask(&request).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(rpc::refused(format_args!("search attribute {name:?} cannot be added"), &status)),
    }
}

macro_rules! from {
    ($($kind:ty => $variant:ident),*) => {
        $(impl From<$kind> for SearchAttribute {
            fn from(value: $kind) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
from!(&str => Keyword, String => Keyword, i64 => Int, i32 => Int, u32 => Int, f64 => Double, bool => Bool, SystemTime => Datetime, Vec<String> => KeywordList);

impl SearchAttribute {
    pub(crate) fn update(self, name: String) -> SearchAttributeUpdate {
        let name = interned(name);
        match self {
            Self::Keyword(value) => SearchAttributeKey::keyword(name).value_set(value),
            Self::Text(value) => SearchAttributeKey::text(name).value_set(value),
            Self::Int(value) => SearchAttributeKey::int(name).value_set(value),
            Self::Double(value) => {
                SearchAttributeKey::float(name).value_set(if value.is_finite() { value } else { 0.0 })
            }
            Self::Bool(value) => SearchAttributeKey::bool(name).value_set(value),
            Self::Datetime(value) => {
                let value = prost_types::Timestamp::from(value);
                SearchAttributeKey::datetime(name).value_set(Timestamp::new(value.seconds, value.nanos))
            }
            Self::KeywordList(value) => SearchAttributeKey::keyword_list(name).value_set(value),
            Self::Unset => SearchAttributeKey::<String>::keyword(name).value_unset(),
        }
    }
}

/// The SDK wants names that live for ever. A namespace knows a few dozen at most.
fn interned(name: String) -> &'static str {
    static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match names.get(name.as_str()) {
        Some(known) => known,
        None => {
            let name: &'static str = name.leak();
            names.insert(name);
            name
        }
    }
}

pub(crate) fn attributes(values: Vec<(String, SearchAttribute)>) -> SearchAttributes {
    SearchAttributes::new(values.into_iter().map(|(name, value)| value.update(name)))
}

pub(crate) fn to_json(attributes: &ProtoSearchAttributes) -> Vec<(String, Value)> {
    let mut values: Vec<_> = attributes
        .indexed_fields
        .iter()
        .filter_map(|(name, payload)| Some((name.clone(), payload::decode(payload).ok()?)))
        .collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

pub(crate) fn memo_to_json(fields: &HashMap<String, payload::Payload>) -> Vec<(String, Value)> {
    to_json(&ProtoSearchAttributes { indexed_fields: fields.clone() })
}

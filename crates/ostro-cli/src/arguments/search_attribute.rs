//! `ostro search-attribute`.

use clap::{Subcommand, ValueEnum};
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

use super::value::search_attribute;

/// What to do with search attributes.
#[derive(Subcommand, Debug)]
pub enum SearchAttributeCommand {
    /// List the search attributes of the namespace and their types
    List,
    /// Add search attributes
    Create {
        /// Name and type, such as Customer=Keyword
        #[arg(required = true, value_parser = search_attribute, value_name = "NAME=TYPE")]
        attributes: Vec<(String, AttributeType)>,
    },
    /// Remove search attributes
    Remove {
        /// Which ones
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

/// Types of search attributes, as Temporal names them.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
#[value(rename_all = "PascalCase")]
pub enum AttributeType {
    Text,
    Keyword,
    Int,
    Double,
    Bool,
    Datetime,
    KeywordList,
}

impl From<AttributeType> for IndexedValueType {
    fn from(kind: AttributeType) -> Self {
        match kind {
            AttributeType::Text => Self::Text,
            AttributeType::Keyword => Self::Keyword,
            AttributeType::Int => Self::Int,
            AttributeType::Double => Self::Double,
            AttributeType::Bool => Self::Bool,
            AttributeType::Datetime => Self::Datetime,
            AttributeType::KeywordList => Self::KeywordList,
        }
    }
}

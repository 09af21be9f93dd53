//! Temporal's list filters: a language like SQL's `WHERE`, compiled to SQL with bound parameters.
//!
//! ```text
//! text --lexer--> tokens --parser--> ast --sql--> SQL with parameters --page--> rows and a token for the next page
//!                                          ^ attribute: what a name means; value: what a literal means for its type
//! ```
//!
//! What it accepts, and which error it gives, follows Temporal 1.32 on SQLite, with these differences:
//!
//! - `ORDER BY` works, as on Temporal with Elasticsearch: unset values come last, ties are broken by the age of the run.
//! - `STARTS_WITH` and KeywordList compare case-sensitively, as on Temporal with Elasticsearch or PostgreSQL.
//! - `=` works on custom Datetime attributes; Temporal's development server never finds equal times.
//! - Text matches where any word of the filter is a word of the value, upper and lower case alike.
//! - The default order is: open runs first, then the latest closed; within these the latest started; then the newest.

mod ast;
mod attribute;
mod condition;
mod count;
mod duration;
mod errors;
mod lexer;
mod order;
mod page;
mod parser;
mod predicate;
mod sql;
mod status;
pub(crate) mod text;
mod token;
mod value;

use std::collections::BTreeMap;

use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

pub use attribute::system_search_attributes;
pub(crate) use attribute::{SearchIndex, is_search_index, search_index};
pub use count::Count;
pub(crate) use count::count;
pub use page::Page;
pub(crate) use page::list;
pub use predicate::Predicate;

/// The custom search attributes of a namespace, by name.
pub type SearchAttributeTypes = BTreeMap<String, IndexedValueType>;

/// Whether a filter would be accepted: for those who store one for later.
pub fn validate(types: &SearchAttributeTypes, query: &str) -> ostro_engine::error::Result<()> {
    let compiled = sql::compile(types, query)?;
    order::Order::new(&compiled.order_by, compiled.closed_only).map(drop)
}

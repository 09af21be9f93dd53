use crate::error::Result;
use crate::namespace::Namespace;
use crate::persistence::SearchValue;
use temporalio_protos::temporal::api::common::v1::{Payload, SearchAttributes};
pub fn validate(_n: &Namespace, a: &SearchAttributes) -> Result<SearchAttributes> { Ok(a.clone()) }
pub fn typed(_a: &SearchAttributes) -> std::collections::BTreeMap<String, SearchValue> { Default::default() }
pub fn merge(a: SearchAttributes, _b: &SearchAttributes) -> SearchAttributes { a }
pub fn is_null(_p: &Payload) -> bool { false }

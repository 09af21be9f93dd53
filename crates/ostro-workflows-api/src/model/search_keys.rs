//! Search keys: a few words on an execution by which it is found.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

const KEYS_MAX: usize = 64;

const KEY_CHARACTERS_MAX: usize = 256;

const VALUE_CHARACTERS_MAX: usize = 8192;

/// Characters of a value by which it is found.
const TERM_CHARACTERS_MAX: usize = 200;

/// Whether all search keys were kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetadataStatus {
    Ok,
    Partial,
}

/// What became of search keys.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub dropped: Vec<String>,
    pub truncated: Vec<String>,
}

impl Outcome {
    pub(crate) fn status(&self) -> MetadataStatus {
        if self.dropped.is_empty() && self.truncated.is_empty() { MetadataStatus::Ok } else { MetadataStatus::Partial }
    }
}

/// The term by which a key with a value is found.
pub(crate) fn term(key: &str, value: &str) -> String {
    let value: String = value.chars().take(TERM_CHARACTERS_MAX).collect();
    format!("key:{key}:{}", value.to_lowercase())
}

/// Adds search keys: ill-formed ones and those beyond the limit are dropped, long values cut.
pub(crate) fn merge(keys: &mut BTreeMap<String, Option<String>>, added: BTreeMap<String, Option<String>>) -> Outcome {
    let mut outcome = Outcome::default();
    for (key, value) in added {
        let fits = !key.is_empty() && key.chars().count() <= KEY_CHARACTERS_MAX && !key.contains(':');
        if !fits || (keys.len() >= KEYS_MAX && !keys.contains_key(&key)) {
            outcome.dropped.push(key);
            continue;
        }
        let cut = value.as_ref().is_some_and(|value| value.chars().count() > VALUE_CHARACTERS_MAX);
        if cut {
            outcome.truncated.push(key.clone());
        }
        keys.insert(key, value.map(|value| value.chars().take(VALUE_CHARACTERS_MAX).collect()));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ill_formed_keys_are_dropped_and_long_values_cut() {
        let mut keys = BTreeMap::from([("old".to_owned(), Some("1".to_owned()))]);
        let added = BTreeMap::from([
            ("a:b".to_owned(), Some("x".to_owned())),
            ("long".to_owned(), Some("x".repeat(VALUE_CHARACTERS_MAX + 1))),
            ("none".to_owned(), None),
        ]);
        let outcome = merge(&mut keys, added);
        assert_eq!((outcome.dropped, outcome.truncated), (vec!["a:b".to_owned()], vec!["long".to_owned()]));
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["long", "none", "old"]);
        assert_eq!(term("Customer", "ACME"), "key:Customer:acme");
    }
}

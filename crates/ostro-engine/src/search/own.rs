//! Attributes that the server itself sets on an execution.

use temporalio_protos::temporal::api::common::v1::{Payload, SearchAttributes};

use super::names::Type;

/// Values to set, and names to clear.
#[derive(Debug, Default)]
pub(crate) struct SystemValues {
    values: Vec<(&'static str, Option<Payload>)>,
}

impl SystemValues {
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Sets a keyword; the empty one clears it.
    pub(crate) fn set_keyword(&mut self, name: &'static str, value: &str) {
        let payload = (!value.is_empty()).then(|| payload(Type::Keyword, &serde_json::Value::from(value)));
        self.values.push((name, payload));
    }

    /// Adds a word to a list, once.
    pub(crate) fn add_to_list(&mut self, before: Option<&SearchAttributes>, name: &'static str, word: &str) {
        let mut words = list_of(before, name);
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
            self.values.push((name, Some(payload(Type::KeywordList, &serde_json::Value::from(words)))));
        }
    }

    /// Sets a list; the empty one clears it.
    pub(crate) fn set_list(&mut self, name: &'static str, words: &[String]) {
        let payload = (!words.is_empty()).then(|| payload(Type::KeywordList, &serde_json::Value::from(words.to_vec())));
        self.values.push((name, payload));
    }

    pub(crate) fn merge_into(self, mut attributes: SearchAttributes) -> SearchAttributes {
        for (name, value) in self.values {
            match value {
                Some(payload) => drop(attributes.indexed_fields.insert(name.to_owned(), payload)),
                None => drop(attributes.indexed_fields.remove(name)),
            }
        }
        attributes
    }
}

/// The keyword of that name; empty where it is not set.
pub fn keyword_of(attributes: Option<&SearchAttributes>, name: &str) -> String {
    let payload = attributes.and_then(|attributes| attributes.indexed_fields.get(name));
    payload.and_then(|payload| serde_json::from_slice(&payload.data).ok()).unwrap_or_default()
}

/// The list of that name; empty where it is not set.
pub(crate) fn list_of(attributes: Option<&SearchAttributes>, name: &str) -> Vec<String> {
    let payload = attributes.and_then(|attributes| attributes.indexed_fields.get(name));
    payload.and_then(|payload| serde_json::from_slice(&payload.data).ok()).unwrap_or_default()
}

fn payload(ty: Type, value: &serde_json::Value) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec()), ("type".to_owned(), ty.name().as_bytes().to_vec())]
            .into(),
        data: value.to_string().into_bytes(),
        ..Default::default()
    }
}

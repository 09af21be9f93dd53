//! Inputs against the JSON schemas that workflows were registered with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use jsonschema::paths::LocationSegment;
use serde_json::Value;

use crate::model::error::{Error, Fault, Result, Step};
use crate::model::payload::Input;

/// Compiled schemas kept at most; then the cache starts over.
const COMPILED_MAX: usize = 2000;

/// Faults told at most.
const FAULTS_MAX: usize = 20;

/// Compiled schemas by their text.
#[derive(Default)]
pub(crate) struct Schemas {
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Schemas {
    /// Refuses input that does not fit, with the path of each fault under `place`. Encoded input cannot be looked into,
    /// `null` stands for no arguments.
    pub(crate) fn validate(&self, schema: &Value, input: &Input, place: &[&str]) -> Result<()> {
        let Input::Plain(value) = input else { return Ok(()) };
        let empty = Value::Object(serde_json::Map::new());
        let value = if value.is_null() { &empty } else { value };
        let validator = self.compiled(schema, place)?;
        // The worker takes a bare value for the one parameter of a handler.
        if !value.is_object() && !value.is_array() && takes_bare(schema) {
            return Ok(());
        }
        let faults: Vec<Fault> =
            validator.iter_errors(value).take(FAULTS_MAX).map(|error| fault(&error, place)).collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// Refuses a schema that is none.
    pub(crate) fn check(&self, schema: &Value, place: &[&str]) -> Result<()> {
        self.compiled(schema, place).map(drop)
    }

    fn compiled(&self, schema: &Value, place: &[&str]) -> Result<Arc<Validator>> {
        let text = schema.to_string();
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled.get(&text) {
            return Ok(validator.clone());
        }
        let validator = jsonschema::validator_for(schema)
            .map_err(|error| Error::at(place, format!("not a JSON schema: {error}"), "json_schema"))?;
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        let validator = Arc::new(validator);
        compiled.insert(text, validator.clone());
        Ok(validator)
    }
}

/// Whether the schema is of an object with exactly one property.
fn takes_bare(schema: &Value) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|properties| properties.len() == 1)
}

fn fault(error: &jsonschema::ValidationError<'_>, place: &[&str]) -> Fault {
    let steps = error.instance_path().iter().map(|segment| match segment {
        LocationSegment::Property(name) => Step::Key(name.to_string()),
        LocationSegment::Index(index) => Step::Index(index as u64),
    });
    Fault {
        loc: place.iter().map(|key| Step::Key((*key).to_owned())).chain(steps).collect(),
        msg: error.to_string(),
        kind: error.kind().keyword().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_names_its_path_and_encoded_input_is_not_looked_into() {
        let schemas = Schemas::default();
        let schema = json!({
            "type": "object",
            "properties": {"items": {"type": "array", "items": {"type": "integer"}}, "name": {"type": "string"}},
            "required": ["items"],
            "additionalProperties": false,
        });
        let check = |value| schemas.validate(&schema, &Input::Plain(value), &["body", "input"]);
        assert!(check(json!({"items": [1, 2]})).is_ok());
        let Err(Error::Invalid(faults)) = check(json!({"items": [1, "x"]})) else { panic!("must be refused") };
        let path = [Step::Key("body".into()), Step::Key("input".into()), Step::Key("items".into()), Step::Index(1)];
        assert_eq!(faults[0].loc, path);
        assert_eq!(faults[0].kind, "type");
        assert!(check(Value::Null).is_err(), "no arguments where one is required");
        assert!(check(json!({"items": [], "more": 1})).is_err());
        let encoded = Input::Encoded { bytes: vec![1], options: Vec::new(), empty: false };
        assert!(schemas.validate(&schema, &encoded, &["body"]).is_ok());
        assert!(schemas.check(&json!({"type": "no such type"}), &["body"]).is_err());
    }
}

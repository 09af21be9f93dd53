//! Forms from JSON schemas: what a workflow's input, or a person's answer, is to look like.

use serde_json::{Map, Value};

use crate::form::{Field, Kind, Sent};

/// Names of fields of such forms begin with this.
const PREFIX: &str = "in.";
/// A form of a schema that is no object has one field.
const WHOLE: &str = "in.";
/// References that are followed, one after another.
const REFERENCES_MAX: usize = 8;

/// The fields for a schema.
pub(crate) fn fields(schema: &Value) -> Vec<Field> {
    match properties(schema) {
        Some(properties) => {
            let required = required(schema);
            properties.iter().map(|(name, part)| field(schema, name, part, required.contains(&name.as_str()))).collect()
        }
        None => vec![field(schema, "", schema, true)],
    }
}

/// What was sent, as a value of the schema. Whether it fits in every way is for whoever takes it to say.
///
/// # Errors
/// What cannot be read, in which field.
pub(crate) fn value(schema: &Value, sent: &Sent) -> Result<Value, String> {
    let Some(properties) = properties(schema) else {
        return read(schema, schema, sent, WHOLE).map(|value| value.unwrap_or_default());
    };
    let mut object = Map::new();
    for (name, part) in properties {
        let read = read(schema, part, sent, &format!("{PREFIX}{name}"));
        let value = read.map_err(|error| format!("{}: {error}", label(schema, name, part)))?;
        object.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(Value::Object(object))
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    resolve(schema, schema).get("properties")?.as_object()
}

fn required(schema: &Value) -> Vec<&str> {
    let list = resolve(schema, schema).get("required").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a reference within the document leads to, and the one part of an `anyOf` that is not null.
fn resolve<'s>(root: &'s Value, mut part: &'s Value) -> &'s Value {
    for _ in 0..REFERENCES_MAX {
        let reference = part.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        let alone = part.get("anyOf").and_then(Value::as_array).and_then(|parts| {
            let mut others = parts.iter().filter(|part| part["type"] != "null");
            others.next().filter(|_| others.next().is_none())
        });
        part = match (reference.and_then(|path| root.pointer(path)), alone) {
            (Some(found), _) => found,
            (None, Some(one)) => one,
            (None, None) => return part,
        };
    }
    part
}

fn label(root: &Value, name: &str, given: &Value) -> String {
    let own = given["title"].as_str();
    own.or_else(|| resolve(root, given)["title"].as_str())
        .filter(|title| !title.is_empty())
        .unwrap_or(if name.is_empty() { "Input" } else { name })
        .to_owned()
}

/// The values that one may choose, with their texts: `enum`, or `oneOf` of constants.
fn choices(part: &Value) -> Option<Vec<(String, String)>> {
    if let Some(values) = part["enum"].as_array() {
        return Some(values.iter().map(|value| (value.to_string(), plain(value))).collect());
    }
    let options = part["oneOf"].as_array().or_else(|| part["anyOf"].as_array())?;
    let option = |option: &Value| {
        let value = option.get("const")?;
        let text = [&option["title"], &option["description"]].into_iter().find_map(Value::as_str);
        Some((value.to_string(), text.map_or_else(|| plain(value), str::to_owned)))
    };
    options.iter().map(option).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn field(root: &Value, name: &str, given: &Value, required: bool) -> Field {
    let part = resolve(root, given);
    let kind = match (part["type"].as_str(), choices(part)) {
        (_, Some(_)) => Kind::Choice,
        (Some("boolean"), _) => Kind::Check,
        (Some("string" | "integer" | "number"), _) => Kind::Line,
        _ => Kind::Json,
    };
    let default = given.get("default").or_else(|| part.get("default")).filter(|default| !default.is_null());
    let value = match (kind, default) {
        (_, None) => String::new(),
        (Kind::Check, Some(value)) => if *value == Value::Bool(true) { "yes" } else { "" }.to_owned(),
        (Kind::Choice | Kind::Json, Some(value)) => value.to_string(),
        (_, Some(value)) => plain(value),
    };
    let mut options = choices(part).unwrap_or_default();
    if kind == Kind::Choice && !required {
        options.insert(0, (String::new(), "(none)".to_owned()));
    }
    let described = given["description"].as_str().or_else(|| part["description"].as_str()).unwrap_or_default();
    let mut field = Field::new(kind, &format!("{PREFIX}{name}"), &label(root, name, given));
    field.required = required && kind != Kind::Check;
    field.value(&value).help(described).options(options)
}

/// A field as a value; nothing where it was left empty.
fn read(root: &Value, part: &Value, sent: &Sent, name: &str) -> Result<Option<Value>, String> {
    let part = resolve(root, part);
    let text = sent.text(name);
    let json = || serde_json::from_str::<Value>(text).map(Some).map_err(|error| format!("this is not JSON: {error}"));
    match (part["type"].as_str(), choices(part)) {
        (_, Some(_)) if text.is_empty() => Ok(None),
        (_, Some(choices)) => match choices.iter().any(|(value, _)| value == text) {
            true => json(),
            false => Err("choose one of those that there are".to_owned()),
        },
        (Some("boolean"), _) => Ok(Some(Value::Bool(sent.has(name)))),
        (Some("string"), _) if text.is_empty() => Ok(None),
        (Some("string"), _) => Ok(Some(Value::String(sent.raw(name).to_owned()))),
        _ if text.is_empty() => Ok(None),
        (Some("integer"), _) => {
            text.parse::<i64>().map(|n| Some(n.into())).map_err(|_| "give a whole number".to_owned())
        }
        (Some("number"), _) => match json() {
            Ok(Some(number @ Value::Number(_))) => Ok(Some(number)),
            _ => Err("give a number".to_owned()),
        },
        _ => json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn approval() -> Value {
        json!({
            "$defs": {"Choice": {"oneOf": [{"const": "yes", "title": "Ship it"}, {"const": "no"}]}},
            "type": "object",
            "required": ["choice", "count"],
            "properties": {
                "choice": {"$ref": "#/$defs/Choice", "description": "What to do"},
                "count": {"type": "integer", "title": "How many", "default": 3},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "A note", "default": null},
                "sure": {"type": "boolean", "default": true},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        })
    }

    #[test]
    fn a_schema_is_a_form_with_labels_choices_and_defaults() {
        let fields = fields(&approval());
        let seen: Vec<_> =
            fields.iter().map(|f| (f.name.as_str(), f.label.as_str(), f.kind, f.value.as_str(), f.required)).collect();
        assert_eq!(
            seen,
            [
                ("in.choice", "choice", Kind::Choice, "", true),
                ("in.count", "How many", Kind::Line, "3", true),
                ("in.note", "A note", Kind::Line, "", false),
                ("in.sure", "sure", Kind::Check, "yes", false),
                ("in.tags", "tags", Kind::Json, "", false),
            ]
        );
        assert_eq!(fields[0].options, [("\"yes\"".into(), "Ship it".into()), ("\"no\"".into(), "no".into())]);
        assert_eq!(fields[0].help, "What to do");
    }

    #[test]
    fn what_is_sent_is_a_value_of_the_schema_or_said_where_it_is_not() {
        let sent = |form: &str| Sent::read(form.as_bytes()).unwrap();
        let whole = sent("in.choice=%22yes%22&in.count=4&in.note=a&in.sure=yes&in.tags=%5B%22x%22%5D");
        let expected = json!({"choice": "yes", "count": 4, "note": "a", "sure": true, "tags": ["x"]});
        assert_eq!(value(&approval(), &whole).unwrap(), expected);
        assert_eq!(value(&approval(), &sent("in.note=")).unwrap(), json!({"sure": false}));
        for (form, error) in [
            ("in.count=many", "How many: give a whole number"),
            ("in.choice=%22maybe%22", "choice: choose one of those that there are"),
            ("in.tags=%5B", "tags: this is not JSON"),
        ] {
            let said = value(&approval(), &sent(form)).unwrap_err();
            assert!(said.starts_with(error), "{said}");
        }
    }

    #[test]
    fn schemas_that_lead_nowhere_or_round_in_circles_are_forms_all_the_same() {
        for schema in [
            json!(null),
            json!({"$ref": "#"}),
            json!({"$ref": "#/no"}),
            json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
        ] {
            assert_eq!(fields(&schema).len(), 1, "{schema}");
        }
        assert_eq!(value(&json!({"type": "string"}), &Sent::read(b"in.=x").unwrap()).unwrap(), json!("x"));
    }
}

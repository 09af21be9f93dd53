//! JSON by the schemas of the OpenAPI document, with what does not fit in between.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::source::Source;

/// How deep a value nests that is made by a schema.
const DEPTH_MAX: usize = 8;
const TEXTS: [&str; 12] = [
    "default", "w0", "w1", "", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z",
    "00000000-0000-0000-0000-000000000001", "PT1H", "@every 2540400h", "\u{0}\u{1f}\u{10ffff}", "*",
];

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(ostro_workflows_api::document()).expect("the document is plain data"));

/// A method with its path and the schema of its body.
pub struct Route {
    pub method: String,
    pub path: String,
    pub query: Vec<String>,
    pub body: Option<Value>,
}

/// Every route of the document.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().expect("the document has paths");
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().cloned().unwrap_or_default();
        methods.into_iter().filter(|(method, _)| ["get", "post", "put", "patch", "delete"].contains(&method.as_str())).map(
            |(method, operation)| Route {
                method: method.to_uppercase(),
                path: path.clone(),
                query: operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query")
                    .filter_map(|p| p["name"].as_str().map(str::to_owned)).collect(),
                body: operation.pointer("/requestBody/content/application~1json/schema").cloned(),
            },
        ).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
});

pub fn text(source: &mut Source<'_>) -> String {
    if source.rarely(8) { String::from_utf8_lossy(source.raw(60)).into_owned() } else { source.pick(&TEXTS).to_owned() }
}

/// A value that fits the schema, mostly.
pub fn value(schema: &Value, source: &mut Source<'_>, depth: usize) -> Value {
    if depth > DEPTH_MAX || source.rarely(24) {
        return stray(source);
    }
    if let Some(name) = schema["$ref"].as_str() {
        let found = DOCUMENT.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
        return value(found, source, depth + 1);
    }
    for several in ["oneOf", "anyOf", "allOf", "enum"] {
        if let Some(all) = schema[several].as_array().filter(|all| !all.is_empty()) {
            let one = &all[source.below(all.len())];
            return if several == "enum" { one.clone() } else { value(one, source, depth + 1) };
        }
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].as_array()?.first()?.as_str()).unwrap_or_default();
    match kind {
        "object" => object(schema, source, depth),
        "array" => (0..source.below(4)).map(|_| value(&schema["items"], source, depth + 1)).collect(),
        "integer" => source.number().into(),
        "number" => json!(source.number() as f64 / 3.0),
        "boolean" => source.rarely(2).into(),
        "string" => text(source).into(),
        _ => stray(source),
    }
}

fn object(schema: &Value, source: &mut Source<'_>, depth: usize) -> Value {
    let mut object = Map::new();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if (required.contains(&name.as_str()) && !source.rarely(16)) || source.rarely(3) {
            object.insert(name.clone(), value(schema, source, depth + 1));
        }
    }
    if source.rarely(8) {
        object.insert(text(source), stray(source));
    }
    object.into()
}

/// What nobody asked for.
fn stray(source: &mut Source<'_>) -> Value {
    match source.below(8) {
        0 => Value::Null,
        1 => source.number().into(),
        2 => text(source).into(),
        3 => json!(f64::from_bits(source.number() as u64)),
        4 => json!({"a": [text(source)]}),
        5 => json!([]),
        6 => (0..120).fold(Value::Null, |inner, _| json!({ "cause": inner })),
        _ => serde_json::from_slice(source.raw(80)).unwrap_or(Value::Bool(true)),
    }
}

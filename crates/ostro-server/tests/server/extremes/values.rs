//! Every scalar field of a message, and the extremes of its type.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// Messages within messages that are gone into.
const LEVELS_MAX: usize = 6;

/// The way to a field: through messages, and through the first element of lists.
pub type Path = Vec<FieldDescriptor>;

/// The ways to all fields with an extreme, however deep. A message is not gone into within itself, nor is a map.
pub fn paths(of: &MessageDescriptor) -> Vec<Path> {
    let mut found = Vec::new();
    collect(of, &mut Vec::new(), &mut found);
    found
}

fn collect(of: &MessageDescriptor, way: &mut Path, found: &mut Vec<Path>) {
    for field in of.fields().filter(|field| !field.is_map()) {
        way.push(field.clone());
        match field.kind() {
            Kind::Message(inner) if !is_time(&inner) => {
                let again = way.iter().filter(|passed| passed.parent_message() == &inner).count() > 0;
                if way.len() < LEVELS_MAX && !again {
                    collect(&inner, way, found);
                }
            }
            _ => found.push(way.clone()),
        }
        way.pop();
    }
}

fn is_time(message: &MessageDescriptor) -> bool {
    matches!(message.full_name(), "google.protobuf.Timestamp" | "google.protobuf.Duration")
}

/// What is tried in a field.
pub fn extremes(field: &FieldDescriptor) -> Vec<Value> {
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30, -1e30, 1e-39, 0.0, -1.0];
    match field.kind() {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => [i32::MIN, -1, 0, 1, i32::MAX].map(Value::I32).into(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => [i64::MIN, -1, 0, 1, i64::MAX].map(Value::I64).into(),
        Kind::Uint32 | Kind::Fixed32 => [0, 1, u32::MAX].map(Value::U32).into(),
        Kind::Uint64 | Kind::Fixed64 => [0, 1, u64::MAX].map(Value::U64).into(),
        Kind::Float => floats.map(|float| Value::F32(float as f32)).into(),
        Kind::Double => floats.map(Value::F64).into(),
        Kind::Bool => vec![Value::Bool(true)],
        Kind::Enum(_) => [i32::MIN, 1, 2, 99].map(Value::EnumNumber).into(),
        Kind::String => ["", "@every 2540400h", "x"].map(|text| Value::String(text.to_owned())).into(),
        Kind::Bytes => [&b""[..], b"\xff\x00"].map(|bytes| Value::Bytes(bytes.to_vec().into())).into(),
        Kind::Message(time) => times(&time),
    }
}

/// Seconds and nanoseconds: of Go's zero time, of the last times that protobuf and Go have, 285 years, and nonsense.
fn times(kind: &MessageDescriptor) -> Vec<Value> {
    [
        (i64::MIN, i32::MIN),
        (i64::MAX, i32::MAX),
        (-62_135_596_800, 0),
        (253_402_300_799, 999_999_999),
        (9_000_000_000, 0),
        (-1, 0),
        (0, -1),
        (0, 1),
        (1, i32::MIN),
        (0, 0),
    ]
    .map(|(seconds, nanos)| {
        let mut time = DynamicMessage::new(kind.clone());
        time.set_field_by_number(1, Value::I64(seconds));
        time.set_field_by_number(2, Value::I32(nanos));
        Value::Message(time)
    })
    .into()
}

/// Puts `value` where the path leads; what is not there yet on the way is made.
pub fn set(message: &mut DynamicMessage, path: &[FieldDescriptor], value: Value) {
    let [field, rest @ ..] = path else { return };
    let place = message.get_field_mut(field);
    if rest.is_empty() {
        *place = if field.is_list() { Value::List(vec![value]) } else { value };
        return;
    }
    let inner = match place {
        Value::List(list) => {
            if list.is_empty() {
                let Kind::Message(kind) = field.kind() else { return };
                list.push(Value::Message(DynamicMessage::new(kind)));
            }
            &mut list[0]
        }
        single => single,
    };
    if let Value::Message(inner) = inner {
        set(inner, rest, value);
    }
}

/// The path in words.
pub fn written(path: &[FieldDescriptor]) -> String {
    path.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".")
}

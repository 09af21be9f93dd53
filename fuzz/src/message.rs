//! Messages of any type out of bytes: well-formed ones, with whatever in them.

use std::collections::{BTreeMap, HashMap};

use prost::Message;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};

use crate::source::Source;
use crate::words;

const DEPTH_MAX: usize = 7;
/// Links of a chain of messages that hold themselves, such as the causes of a failure.
const CHAIN_MAX: usize = 120;
/// Fields set beside the usual ones, at most.
const EXTRAS: usize = 6;

/// Texts and tokens that answers brought, by the names of their fields: later requests hand them back.
#[derive(Default)]
pub struct Learned(BTreeMap<String, Vec<Value>>);

impl Learned {
    /// Takes what an answer tells.
    pub fn learn(&mut self, message: &DynamicMessage) {
        for (field, value) in message.fields() {
            match value {
                Value::Message(inner) => self.learn(inner),
                Value::List(values) => {
                    values.iter().filter_map(Value::as_message).for_each(|inner| self.learn(inner));
                }
                Value::String(_) | Value::Bytes(_) if is_handed_back(field.name()) => {
                    let known = self.0.entry(field.name().to_owned()).or_default();
                    if !known.contains(value) {
                        known.push(value.clone());
                    }
                }
                _ => {}
            }
        }
    }

    fn pick(&self, name: &str, source: &mut Source<'_>) -> Option<Value> {
        let known = self.0.get(name).filter(|known| !known.is_empty())?;
        // The latest first: it is the one that is still good.
        known.iter().rev().nth(source.below(known.len())).cloned()
    }
}

fn is_handed_back(name: &str) -> bool {
    name.ends_with("token") || matches!(name, "run_id" | "protocol_instance_id" | "id" | "activity_id" | "update_id")
}

/// A message of the type.
pub fn message(descriptor: &MessageDescriptor, source: &mut Source<'_>, learned: &Learned) -> DynamicMessage {
    Generator { source, learned }.message(descriptor, 0)
}

struct Generator<'a, 'b> {
    source: &'a mut Source<'b>,
    learned: &'a Learned,
}

impl Generator<'_, '_> {
    fn message(&mut self, descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            "google.protobuf.Duration" | "google.protobuf.Timestamp" => self.time(&mut message),
            "google.protobuf.Any" => self.any(&mut message, depth),
            "temporal.api.command.v1.Command" => self.command(&mut message, depth),
            _ if depth < DEPTH_MAX => self.fields(&mut message, depth),
            _ => {}
        }
        message
    }

    fn fields(&mut self, message: &mut DynamicMessage, depth: usize) {
        let fields: Vec<FieldDescriptor> = message.descriptor().fields().collect();
        for field in fields.iter().filter(|field| words::is_usual(field.name())) {
            if !self.source.rarely(16) {
                self.set(message, field, depth);
            }
        }
        for _ in 0..self.source.below(EXTRAS) {
            if !fields.is_empty() {
                let field = &fields[self.source.below(fields.len())];
                self.set(message, field, depth);
            }
        }
    }

    fn set(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: usize) {
        let value = if field.is_map() {
            self.map(field, depth)
        } else if field.is_list() {
            let count = if field.name() == "commands" { self.source.below(4) } else { 1 + self.source.below(2) };
            Value::List((0..count).map(|_| self.value(field, depth)).collect())
        } else {
            self.value(field, depth)
        };
        message.set_field(field, value);
    }

    fn map(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let Kind::Message(entry) = field.kind() else { return Value::Map(HashMap::new()) };
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        let count = self.source.below(3);
        let entries = (0..count).filter_map(|_| {
            let key = match self.value(&key, depth) {
                Value::String(text) => MapKey::String(text),
                Value::I32(number) => MapKey::I32(number),
                Value::I64(number) => MapKey::I64(number),
                Value::Bool(is) => MapKey::Bool(is),
                _ => return None,
            };
            Some((key, self.value(&value, depth)))
        });
        Value::Map(entries.collect())
    }

    /// The message, rarely as the innermost of a chain: what may hold itself may do so deeper than anything decodes.
    fn nested(&mut self, kind: &MessageDescriptor, innermost: DynamicMessage) -> DynamicMessage {
        let itself = kind.fields().find(|field| !field.is_list() && field.kind().as_message() == Some(kind));
        let Some(itself) = itself.filter(|_| self.source.rarely(16)) else { return innermost };
        (0..self.source.below(CHAIN_MAX)).fold(innermost, |inner, _| {
            let mut outer = DynamicMessage::new(kind.clone());
            outer.set_field(&itself, Value::Message(inner));
            outer
        })
    }

    fn value(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        match field.kind() {
            Kind::Message(inner) => {
                let message = self.message(&inner, depth + 1);
                Value::Message(self.nested(&inner, message))
            }
            Kind::Enum(values) => Value::EnumNumber(self.enumeration(&values)),
            Kind::String => self.text(field.name()),
            Kind::Bytes => self.bytes(field.name()),
            Kind::Bool => Value::Bool(self.source.byte() & 1 == 0),
            Kind::Double => Value::F64(self.source.number() as f64 / 8.0),
            Kind::Float => Value::F32(self.source.number() as f32 / 8.0),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.source.number() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.source.number()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.source.number() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.source.number() as u64),
        }
    }

    fn enumeration(&mut self, values: &EnumDescriptor) -> i32 {
        let numbers: Vec<i32> = values.values().map(|value| value.number()).collect();
        if self.source.rarely(32) { self.source.number() as i32 } else { numbers[self.source.below(numbers.len())] }
    }

    fn text(&mut self, name: &str) -> Value {
        if name != "run_id" && self.source.rarely(16) {
            let raw = self.source.raw(64);
            let length = if self.source.rarely(16) { 1_200 } else { 1 };
            return Value::String(String::from_utf8_lossy(raw).repeat(length));
        }
        if let Some(words) = words::of_field(name) {
            return Value::String(self.source.pick(words).to_owned());
        }
        // Mostly no run id: the newest run.
        let learned = if self.source.below(3) == 2 { self.learned.pick(name, self.source) } else { None };
        learned.unwrap_or_else(|| Value::String(String::new()))
    }

    fn bytes(&mut self, name: &str) -> Value {
        if name.ends_with("token") && !self.source.rarely(8) {
            let wants = name == "task_token" || self.source.below(2) == 1;
            let learned = if wants { self.learned.pick(name, self.source) } else { None };
            return learned.unwrap_or(Value::Bytes(Default::default()));
        }
        Value::Bytes(self.source.raw(40).to_vec().into())
    }

    fn time(&mut self, message: &mut DynamicMessage) {
        const SPANS: [(i64, i32); 10] = [
            (1, 0),
            (0, 1_000_000),
            (10, 0),
            (0, 0),
            (3600, 0),
            (86_400_000, 0),
            (-1, 0),
            (i64::MAX, 999_999_999),
            (315_576_000_000, 0),
            (1_800_000_000, 0),
        ];
        let (seconds, nanos) = match self.source.below(12) {
            listed @ 0..10 => SPANS[listed],
            _ => (self.source.number(), self.source.number() as i32),
        };
        message.set_field_by_name("seconds", Value::I64(seconds));
        message.set_field_by_name("nanos", Value::I32(nanos));
    }

    /// A command whose kind is that of its attributes, mostly.
    fn command(&mut self, message: &mut DynamicMessage, depth: usize) {
        let fields: Vec<FieldDescriptor> =
            message.descriptor().fields().filter(|field| field.name().ends_with("_command_attributes")).collect();
        let field = &fields[self.source.below(fields.len())];
        self.set(message, field, depth);
        let kind = field.name().trim_end_matches("_command_attributes").to_uppercase();
        let Some(kinds) = message.descriptor().get_field_by_name("command_type") else { return };
        let Kind::Enum(values) = kinds.kind() else { return };
        let fitting = values.get_value_by_name(&format!("COMMAND_TYPE_{kind}")).map(|value| value.number());
        let number = fitting.filter(|_| !self.source.rarely(16)).unwrap_or_else(|| self.enumeration(&values));
        message.set_field(&kinds, Value::EnumNumber(number));
    }

    /// A message of an update's protocol.
    fn any(&mut self, message: &mut DynamicMessage, depth: usize) {
        let Value::String(url) = self.text("type_url") else { return };
        let name = url.rsplit('/').next().unwrap_or_default();
        let inner = message.descriptor().parent_pool().get_message_by_name(name);
        let value = match inner {
            Some(inner) if depth < DEPTH_MAX => self.message(&inner, depth + 1).encode_to_vec(),
            _ => self.source.raw(40).to_vec(),
        };
        message.set_field_by_name("type_url", Value::String(url));
        message.set_field_by_name("value", Value::Bytes(value.into()));
    }
}

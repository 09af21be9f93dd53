//! Writes down where in the protocol's messages maps are, from the descriptors that `temporalio-protos` publishes.
//!
//! Output, in `OUT_DIR`: `maps.rs`, a table for each message in which a map is, however deep.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// Messages that are stored as they are; the others are parts of these and of the engine's own.
const STORED: [&str; 6] = [
    "temporal.api.common.v1.Memo",
    "temporal.api.common.v1.SearchAttributes",
    "temporal.api.history.v1.History",
    "temporal.api.history.v1.HistoryEvent",
    "temporal.api.nexus.v1.Endpoint",
    "temporal.api.taskqueue.v1.TaskQueueConfig",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let path = env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH").map_err(
        |_| "temporalio-protos must be a direct dependency: it publishes the descriptor path to direct dependents only",
    )?;
    println!("cargo:rerun-if-changed={path}");
    let set = FileDescriptorSet::decode(fs::read(&path)?.as_slice())?;
    let mut messages = BTreeMap::new();
    for file in set.file.iter().filter(|file| file.package().starts_with("temporal.api.")) {
        file.message_type.iter().for_each(|message| collect(file.package(), message, &mut messages));
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("maps.rs");
    fs::write(out, tables(&messages)?)?;
    Ok(())
}

fn collect<'a>(scope: &str, message: &'a DescriptorProto, into: &mut BTreeMap<String, &'a DescriptorProto>) {
    let name = format!("{scope}.{}", message.name());
    message.nested_type.iter().for_each(|nested| collect(&name, nested, into));
    into.insert(name, message);
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

/// The message that the field holds.
fn message_of(field: &FieldDescriptorProto) -> Option<&str> {
    (field.r#type() == Type::Message).then(|| field.type_name().trim_start_matches('.'))
}

/// Messages with a map in them, and the entries of maps whose values have one.
fn with_maps(messages: &BTreeMap<String, &DescriptorProto>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for (name, message) in messages {
            let has = message
                .field
                .iter()
                .filter_map(message_of)
                .any(|of| found.contains(of) || messages.get(of).is_some_and(|message| is_map_entry(message)));
            if has {
                found.insert(name.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn tables(messages: &BTreeMap<String, &DescriptorProto>) -> Result<String, Box<dyn Error>> {
    let found = with_maps(messages);
    let mut out = String::new();
    for name in &found {
        writeln!(out, "pub static {}: Maps = Maps {{ fields: &[", constant(name))?;
        let mut fields: Vec<_> = messages[name].field.iter().collect();
        fields.sort_by_key(|field| field.number());
        for field in fields {
            let Some(of) = message_of(field) else { continue };
            let table = if found.contains(of) { format!("&{}", constant(of)) } else { "&NONE".to_owned() };
            if messages.get(of).is_some_and(|message| is_map_entry(message)) {
                writeln!(out, "    ({}, Field::Map({table})),", field.number())?;
            } else if found.contains(of) {
                writeln!(out, "    ({}, Field::Message({table})),", field.number())?;
            }
        }
        writeln!(out, "] }};")?;
    }
    for name in STORED {
        let path = name.replace('.', "::");
        writeln!(out, "impl Ordered for ::temporalio_protos::{path} {{")?;
        writeln!(out, "    const MAPS: &'static Maps = &{};\n}}", constant(name))?;
    }
    Ok(out)
}

fn constant(name: &str) -> String {
    name.trim_start_matches("temporal.api.").replace('.', "_").to_uppercase()
}

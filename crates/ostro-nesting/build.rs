//! Writes down in which messages of the protocol a failure is, however deep, from the descriptors that `temporalio-protos` publishes.
//!
//! Output, in `OUT_DIR`: `shapes.rs`, a [`Shape`] for each such message.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// Holds any message; what it holds is looked up by its name when it is met.
const ANY: &str = "google.protobuf.Any";

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
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("shapes.rs"), shapes(&messages)?)?;
    Ok(())
}

fn collect<'a>(scope: &str, message: &'a DescriptorProto, into: &mut BTreeMap<String, &'a DescriptorProto>) {
    let name = format!("{scope}.{}", message.name());
    message.nested_type.iter().for_each(|nested| collect(&name, nested, into));
    into.insert(name, message);
}

/// The message that the field holds.
fn message_of(field: &FieldDescriptorProto) -> Option<&str> {
    (field.r#type() == Type::Message).then(|| field.type_name().trim_start_matches('.'))
}

/// Messages that may hold themselves, and all those that may hold one of them.
fn nesting(messages: &BTreeMap<String, &DescriptorProto>) -> BTreeSet<String> {
    let holds_itself = |(name, message): &(&String, &&DescriptorProto)| {
        message.field.iter().filter_map(message_of).any(|of| of == name.as_str())
    };
    let mut found: BTreeSet<String> =
        messages.iter().filter(holds_itself).map(|(name, _)| name.clone()).chain([ANY.to_owned()]).collect();
    loop {
        let before = found.len();
        for (name, message) in messages {
            if message.field.iter().filter_map(message_of).any(|of| found.contains(of)) {
                found.insert(name.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn shapes(messages: &BTreeMap<String, &DescriptorProto>) -> Result<String, Box<dyn Error>> {
    let found = nesting(messages);
    let mut out = String::new();
    for name in found.iter().filter(|name| *name != ANY) {
        writeln!(out, "/// `{name}`.\npub static {}: Shape = Shape {{ fields: &[", constant(name))?;
        let mut fields: Vec<_> = messages[name].field.iter().collect();
        fields.sort_by_key(|field| field.number());
        for field in fields {
            let Some(of) = message_of(field).filter(|of| found.contains(*of)) else { continue };
            let next = if of == ANY { "Next::Any".to_owned() } else { format!("Next::Message(&{})", constant(of)) };
            let next = if of == name { "Next::Itself".to_owned() } else { next };
            writeln!(out, "    ({}, {next}),", field.number())?;
        }
        writeln!(out, "] }};")?;
    }
    writeln!(out, "/// By full name, in order.\npub(super) static ALL: &[(&str, &Shape)] = &[")?;
    for name in found.iter().filter(|name| *name != ANY) {
        writeln!(out, "    ({name:?}, &{}),", constant(name))?;
    }
    writeln!(out, "];")?;
    Ok(out)
}

fn constant(name: &str) -> String {
    name.trim_start_matches("temporal.api.").replace('.', "_").to_uppercase()
}

//! Generates the service traits, their dispatch functions and the types of their calls from the descriptors that `temporalio-protos` publishes.
//!
//! Only services are generated: every message type is `temporalio_protos`' own. Output, in `OUT_DIR`:
//! `descriptors.bin` (the whole set, for reflection) and one `<proto package>.rs` per service.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_build::{Method, Service, ServiceGenerator};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Proto packages whose services Ostro serves.
const PACKAGES: [&str; 4] = [
    "temporal.api.workflowservice.v1",
    "temporal.api.operatorservice.v1",
    "temporal.api.testservice.v1",
    "grpc.health.v1",
];

/// The message of methods that take nothing.
const EMPTY: &str = ".google.protobuf.Empty";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let descriptors_path = env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH").map_err(
        |_| "temporalio-protos must be a direct dependency: it publishes the descriptor path to direct dependents only",
    )?;
    println!("cargo:rerun-if-changed={descriptors_path}");
    let encoded = fs::read(&descriptors_path)?;
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join("descriptors.bin"), &encoded)?;
    generate_services(FileDescriptorSet::decode(encoded.as_slice())?)
}

fn generate_services(mut descriptors: FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    let namespaced = namespaced(&descriptors);
    descriptors.file.retain(|file| !file.service.is_empty() && PACKAGES.contains(&file.package()));
    prost_build::Config::new()
        .extern_path(".temporal.api", "::temporalio_protos::temporal::api")
        .extern_path(".grpc.health.v1", "::temporalio_protos::grpc::health::v1")
        .service_generator(Box::new(DispatchGenerator { namespaced }))
        .compile_fds(descriptors)?;
    Ok(())
}

/// Full names, with a dot before them, of the messages that have a text field `namespace`.
fn namespaced(descriptors: &FileDescriptorSet) -> HashSet<String> {
    let names_one = |message: &&DescriptorProto| {
        message.field.iter().any(|field| field.name() == "namespace" && field.r#type() == Type::String)
    };
    let of_file = |package: &str, messages: &[DescriptorProto]| {
        let names = messages.iter().filter(names_one).map(|message| format!(".{package}.{}", message.name()));
        names.collect::<Vec<_>>()
    };
    descriptors.file.iter().flat_map(|file| of_file(file.package(), &file.message_type)).collect()
}

/// Emits, per service: its name, its method names, an object-safe trait, `dispatch`, and `Rpc` of each request.
struct DispatchGenerator {
    /// Requests that name a namespace.
    namespaced: HashSet<String>,
}

impl ServiceGenerator for DispatchGenerator {
    fn generate(&mut self, service: Service, buf: &mut String) {
        let methods: Vec<&Method> =
            service.methods.iter().filter(|method| !method.client_streaming && !method.server_streaming).collect();
        names(&service, &methods, buf).expect("writing to a String cannot fail");
        service_trait(&service, &methods, buf).expect("writing to a String cannot fail");
        dispatch(&service, &methods, buf).expect("writing to a String cannot fail");
        for method in &methods {
            self.rpc(method, owns_request(method, &methods), buf).expect("writing to a String cannot fail");
        }
    }
}

/// Whether a request message is the method's own: no other method takes it, or the one that is named like the message does.
fn owns_request(method: &Method, methods: &[&Method]) -> bool {
    let input = &method.input_proto_type;
    let takers = methods.iter().filter(|other| &other.input_proto_type == input).count();
    input != EMPTY && (takers == 1 || input.ends_with(&format!(".{}Request", method.proto_name)))
}

impl DispatchGenerator {
    fn rpc(&self, method: &Method, owns_request: bool, out: &mut String) -> std::fmt::Result {
        let (name, input, answer) = (&method.proto_name, &method.input_type, &method.output_type);
        let (request, message) = if owns_request { (input, "self") } else { (name, "&self.0") };
        if !owns_request {
            writeln!(out, "/// A call of `{name}`: its message is no request of its own.")?;
            writeln!(out, "#[derive(Clone, Debug, Default, PartialEq)]")?;
            writeln!(out, "pub struct {name}(pub {input});\n")?;
        }
        writeln!(out, "impl crate::Rpc for {request} {{")?;
        writeln!(out, "    type Answer = {answer};")?;
        writeln!(out, "    const SERVICE: &'static str = SERVICE;")?;
        writeln!(out, "    const METHOD: &'static str = {name:?};")?;
        if owns_request && self.namespaced.contains(&method.input_proto_type) {
            writeln!(out, "    fn namespace(&self) -> &str {{\n        &self.namespace\n    }}")?;
        }
        writeln!(out, "    fn encoded(&self) -> ::bytes::Bytes {{")?;
        writeln!(out, "        ::prost::Message::encode_to_vec({message}).into()\n    }}\n}}\n")
    }
}

fn names(service: &Service, methods: &[&Method], out: &mut String) -> std::fmt::Result {
    let full_name = format!("{}.{}", service.package, service.proto_name);
    writeln!(out, "/// Full protobuf name of the service.")?;
    writeln!(out, "pub const SERVICE: &str = {full_name:?};")?;
    writeln!(out, "/// Every unary method of the service, in the order of its proto file.")?;
    writeln!(out, "pub const METHODS: [&str; {}] = [", methods.len())?;
    for method in methods {
        writeln!(out, "    {:?},", method.proto_name)?;
    }
    writeln!(out, "];\n")
}

fn service_trait(service: &Service, methods: &[&Method], out: &mut String) -> std::fmt::Result {
    writeln!(out, "/// `{}.{}`: a method not overridden answers UNIMPLEMENTED.", service.package, service.proto_name)?;
    writeln!(out, "#[::async_trait::async_trait]")?;
    writeln!(out, "pub trait {}: Send + Sync + 'static {{", service.name)?;
    for method in methods {
        trait_method(service, method, out)?;
    }
    writeln!(out, "}}\n")
}

fn trait_method(service: &Service, method: &Method, out: &mut String) -> std::fmt::Result {
    let (name, proto_name) = (&method.name, &method.proto_name);
    let (request, response) = (&method.input_type, &method.output_type);
    writeln!(out, "    /// The method `{proto_name}`.")?;
    writeln!(
        out,
        "    async fn {name}(&self, _context: &crate::CallContext, _request: {request}) -> crate::Answer<{response}> {{"
    )?;
    writeln!(out, "        Err(crate::status::method_not_implemented({:?}, {proto_name:?}))", service.proto_name)?;
    writeln!(out, "    }}")
}

fn dispatch(service: &Service, methods: &[&Method], out: &mut String) -> std::fmt::Result {
    let service_name = &service.name;
    writeln!(out, "/// Decodes `request`, runs the method named `method` and encodes its answer.")?;
    writeln!(out, "///")?;
    writeln!(
        out,
        "/// UNIMPLEMENTED for a method that the service does not have, INTERNAL for bytes that do not decode."
    )?;
    writeln!(
        out,
        "pub fn dispatch(service: ::std::sync::Arc<dyn {service_name}>, context: crate::CallContext, method: &str, request: ::bytes::Bytes) -> crate::BoxFuture<crate::EncodedAnswer> {{"
    )?;
    writeln!(out, "    match method {{")?;
    for method in methods {
        writeln!(
            out,
            "        {:?} => Box::pin(async move {{ crate::reply::encode(service.{}(&context, crate::reply::decode::<{}>({:?}, const {{ ::ostro_nesting::shape_of({:?}) }}, request)?).await) }}),",
            method.proto_name,
            method.name,
            method.input_type,
            method.proto_name,
            method.input_proto_type.trim_start_matches('.')
        )?;
    }
    writeln!(out, "        unknown => crate::status::unknown_method(SERVICE, unknown),")?;
    writeln!(out, "    }}\n}}")
}

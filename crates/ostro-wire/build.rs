//! Generates the service traits and their dispatch functions from the descriptors that `temporalio-protos` publishes.
//!
//! Only services are generated: every message type is `temporalio_protos`' own. Output, in `OUT_DIR`:
//! `descriptors.bin` (the whole set, for reflection) and one `<proto package>.rs` per service.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_build::{Method, Service, ServiceGenerator};
use prost_types::FileDescriptorSet;

/// Proto packages whose services Ostro serves.
const PACKAGES: [&str; 4] = [
    "temporal.api.workflowservice.v1",
    "temporal.api.operatorservice.v1",
    "temporal.api.testservice.v1",
    "grpc.health.v1",
];

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
    descriptors.file.retain(|file| !file.service.is_empty() && PACKAGES.contains(&file.package()));
    prost_build::Config::new()
        .extern_path(".temporal.api", "::temporalio_protos::temporal::api")
        .extern_path(".grpc.health.v1", "::temporalio_protos::grpc::health::v1")
        .service_generator(Box::new(DispatchGenerator))
        .compile_fds(descriptors)?;
    Ok(())
}

/// Emits, per service: its name, its method names, an object-safe trait, and `dispatch`.
struct DispatchGenerator;

impl ServiceGenerator for DispatchGenerator {
    fn generate(&mut self, service: Service, buf: &mut String) {
        let methods: Vec<&Method> =
            service.methods.iter().filter(|method| !method.client_streaming && !method.server_streaming).collect();
        names(&service, &methods, buf).expect("writing to a String cannot fail");
        service_trait(&service, &methods, buf).expect("writing to a String cannot fail");
        dispatch(&service, &methods, buf).expect("writing to a String cannot fail");
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
            "        {:?} => Box::pin(async move {{ crate::reply::encode(service.{}(&context, crate::reply::decode::<{}>({:?}, request)?).await) }}),",
            method.proto_name, method.name, method.input_type, method.proto_name
        )?;
    }
    writeln!(out, "        unknown => crate::status::unknown_method(SERVICE, unknown),")?;
    writeln!(out, "    }}\n}}")
}

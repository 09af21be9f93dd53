//! gRPC reflection (v1 and v1alpha), made when somebody first asks: it decodes every descriptor, comments included, and
//! hardly any server is asked.

use std::sync::OnceLock;

use tonic::service::Routes;

use crate::DESCRIPTORS;

/// What the paths of reflection begin with.
const PREFIX: &str = "/grpc.reflection.";

static SERVED: OnceLock<Routes> = OnceLock::new();

pub(crate) fn is_asked(path: &str) -> bool {
    path.starts_with(PREFIX)
}

pub(crate) fn routes() -> Routes {
    SERVED.get_or_init(|| make().expect("the descriptors that this crate was generated from decode")).clone()
}

fn make() -> Result<Routes, tonic_reflection::server::Error> {
    Ok(Routes::default().add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?))
}

fn builder() -> tonic_reflection::server::Builder<'static> {
    crate::generated::services().fold(
        tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(DESCRIPTORS),
        |builder, service| builder.with_service_name(service),
    )
}

//! What `build.rs` generates: one module per service with `SERVICE`, `METHODS`, the trait and `dispatch`.

macro_rules! service_module {
    ($(#[$documentation:meta])* $module:ident, $file:literal) => {
        $(#[$documentation])*
        #[allow(clippy::all, deprecated)]
        pub mod $module {
            include!(concat!(env!("OUT_DIR"), "/", $file));
        }
    };
}

service_module!(
    /// `temporal.api.workflowservice.v1.WorkflowService`.
    workflow_service, "temporal.api.workflowservice.v1.rs"
);
service_module!(
    /// `temporal.api.operatorservice.v1.OperatorService`.
    operator_service, "temporal.api.operatorservice.v1.rs"
);
service_module!(
    /// `temporal.api.testservice.v1.TestService`.
    test_service, "temporal.api.testservice.v1.rs"
);
service_module!(
    /// `grpc.health.v1.Health` without its streaming method `Watch`.
    health_service, "grpc.health.v1.rs"
);

pub use health_service::Health;
pub use operator_service::OperatorService;
pub use test_service::TestService;
pub use workflow_service::WorkflowService;

/// The encoded `FileDescriptorSet` of everything that `temporalio-protos` compiles.
pub static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Every (service, method) that [`crate::Services`] dispatches, with full protobuf service names.
pub fn methods() -> impl Iterator<Item = (&'static str, &'static str)> {
    fn of(
        service: &'static str,
        methods: &'static [&'static str],
    ) -> impl Iterator<Item = (&'static str, &'static str)> {
        methods.iter().map(move |method| (service, *method))
    }
    of(workflow_service::SERVICE, &workflow_service::METHODS)
        .chain(of(operator_service::SERVICE, &operator_service::METHODS))
        .chain(of(test_service::SERVICE, &test_service::METHODS))
        .chain(of(health_service::SERVICE, &health_service::METHODS))
}

/// Full protobuf names of the services that [`crate::Services`] dispatches.
pub fn services() -> impl Iterator<Item = &'static str> {
    [workflow_service::SERVICE, operator_service::SERVICE, test_service::SERVICE, health_service::SERVICE].into_iter()
}

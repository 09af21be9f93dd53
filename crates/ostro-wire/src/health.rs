//! `grpc.health.v1.Health` over a settable table of services.

use std::collections::HashMap;
use std::sync::RwLock;

use temporalio_protos::grpc::health::v1::health_check_response::ServingStatus as Serving;
use temporalio_protos::grpc::health::v1::{HealthCheckRequest, HealthCheckResponse};
use tonic::Status;

use crate::generated::{operator_service, workflow_service};
use crate::{Answer, CallContext, Health};

/// Which services say SERVING; `""` stands for the whole server.
///
/// The default has `""`, `WorkflowService` and `OperatorService` serving.
pub struct ServingStatus {
    serving: RwLock<HashMap<String, bool>>,
}

impl Default for ServingStatus {
    fn default() -> Self {
        let names = ["", workflow_service::SERVICE, operator_service::SERVICE];
        Self { serving: RwLock::new(names.into_iter().map(|name| (name.to_owned(), true)).collect()) }
    }
}

impl ServingStatus {
    /// Makes `service` (full protobuf name, or `""`) known, serving or not.
    pub fn set(&self, service: &str, serving: bool) {
        let mut table = self.serving.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        table.insert(service.to_owned(), serving);
    }

    /// Sets every known service, for example to not serving when the server begins to stop.
    pub fn set_all(&self, serving: bool) {
        let mut table = self.serving.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        table.values_mut().for_each(|value| *value = serving);
    }

    fn get(&self, service: &str) -> Option<bool> {
        let table = self.serving.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        table.get(service).copied()
    }
}

#[async_trait::async_trait]
impl Health for ServingStatus {
    async fn check(&self, _context: &CallContext, request: HealthCheckRequest) -> Answer<HealthCheckResponse> {
        let serving = self.get(&request.service).ok_or_else(|| Status::not_found("unknown service"))?;
        let status = if serving { Serving::Serving } else { Serving::NotServing };
        Ok(HealthCheckResponse { status: status.into() }.into())
    }
}

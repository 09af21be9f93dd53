//! The one thing the API needs of an engine: calls of Temporal's services, in process or over the network.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ostro_wire::{CallContext, Client, Services, operator_service, workflow_service};
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// Wait for a call that answers at once.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Any implementation of Temporal's gRPC services.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Calls `method` of `service` (full protobuf name) with an encoded request; DEADLINE_EXCEEDED after `timeout`.
    async fn call(
        &self,
        service: &'static str,
        method: &'static str,
        request: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, Status>;
}

#[async_trait]
impl Engine for Services {
    async fn call(
        &self,
        service: &'static str,
        method: &'static str,
        request: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, Status> {
        Services::call(self, service, method, CallContext::in_process().with_timeout(timeout), request).await
    }
}

#[async_trait]
impl Engine for Client {
    async fn call(
        &self,
        service: &'static str,
        method: &'static str,
        request: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, Status> {
        self.call_raw(service, method, request, MetadataMap::new(), Some(timeout)).await
    }
}

impl dyn Engine {
    /// Calls a method of `WorkflowService` that answers at once.
    pub async fn workflow<Req, Resp>(&self, method: &'static str, request: &Req) -> Result<Resp, Status>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.typed(workflow_service::SERVICE, method, request, CALL_TIMEOUT).await
    }

    /// Calls a method of `WorkflowService` that may wait up to `timeout`.
    pub async fn wait<Req, Resp>(&self, method: &'static str, request: &Req, timeout: Duration) -> Result<Resp, Status>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.typed(workflow_service::SERVICE, method, request, timeout).await
    }

    /// Calls a method of `OperatorService`.
    pub async fn operator<Req, Resp>(&self, method: &'static str, request: &Req) -> Result<Resp, Status>
    where
        Req: Message,
        Resp: Message + Default,
    {
        self.typed(operator_service::SERVICE, method, request, CALL_TIMEOUT).await
    }

    async fn typed<Req, Resp>(
        &self,
        service: &'static str,
        method: &'static str,
        request: &Req,
        timeout: Duration,
    ) -> Result<Resp, Status>
    where
        Req: Message,
        Resp: Message + Default,
    {
        let answer = self.call(service, method, request.encode_to_vec().into(), timeout).await?;
        Resp::decode(answer)
            .map_err(|error| Status::internal(format!("{method} answered bytes that do not decode: {error}")))
    }
}

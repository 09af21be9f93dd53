//! One way to call a server: over the network, or one that this process runs.

use bytes::Bytes;
use ostro_wire::{CallContext, Client, Services, workflow_service};
use prost::Message;
use tonic::Status;
use tonic::metadata::MetadataMap;

#[derive(Clone)]
pub enum Caller {
    Network(Client),
    Within(Services),
}

impl Caller {
    /// Calls a method of `WorkflowService`.
    pub async fn call<Q: Message, A: Message + Default>(&self, method: &str, request: Q) -> Result<A, Status> {
        let request = Bytes::from(request.encode_to_vec());
        let service = workflow_service::SERVICE;
        let answer = match self {
            Self::Network(client) => client.call_raw(service, method, request, MetadataMap::new(), None).await?,
            Self::Within(services) => services.call(service, method, CallContext::in_process(), request).await?,
        };
        A::decode(answer).map_err(|error| Status::internal(error.to_string()))
    }
}

//! From the client's calls to the engine's services, without a socket between.

use std::sync::Arc;

use ostro_wire::{BoxFuture, CallContext, Services};
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use tonic::Status;

pub(crate) fn service_override(services: Services) -> CallbackBasedGrpcService {
    let callback = move |request: GrpcRequest| -> BoxFuture<Result<GrpcSuccessResponse, Status>> {
        let GrpcRequest { service, rpc, headers, proto } = request;
        let answer = services.call(&service, &rpc, CallContext::in_process_with(headers), proto);
        // `into` takes the bytes over without a copy where nobody else holds them.
        Box::pin(async move { Ok(GrpcSuccessResponse { headers: Default::default(), proto: answer.await?.into() }) })
    };
    CallbackBasedGrpcService { callback: Arc::new(callback) }
}

//! Batch operations: the engine keeps them, `crate::batch` does their work.

use ostro_engine::error::Error;
use ostro_wire::{Answer, CallContext};
use temporalio_protos::temporal::api::workflowservice::v1 as service;

use crate::batch::attribute_types;
use crate::frontend::status::status;
use crate::frontend::validate::Check;
use crate::frontend::{Frontend, refuse};

/// `StartBatchOperation`: a filter that cannot be read is refused here rather than when the work begins.
pub(crate) async fn start(
    frontend: &Frontend,
    _context: &CallContext,
    mut request: service::StartBatchOperationRequest,
) -> Answer<service::StartBatchOperationResponse> {
    request.check(&frontend.limits).map_err(status)?;
    if !request.visibility_query.is_empty() {
        let namespace = frontend.namespace(&request.namespace).await?;
        let (types, query) = (attribute_types(&namespace), request.visibility_query.clone());
        let counted =
            frontend.read_list(&request.namespace, move |reads| reads.count(namespace.id, &types, &query)).await?;
        if let Err(error) = counted {
            return refuse(Error::invalid(format!("invalid visibility query: {}", error.message)));
        }
    }
    let answer = frontend.ask(request).await?;
    frontend.batch_started.notify_one();
    Ok(answer.into())
}

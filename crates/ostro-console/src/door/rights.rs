//! What a visitor may do in a namespace, as the guard says: it is asked of one call of each kind, which is not made.

use std::sync::Arc;

use http::HeaderMap;
use ostro_wire::{Guard, Rpc};
use temporalio_protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, RegisterNamespaceRequest, StartWorkflowExecutionRequest,
};

/// What is shown; what is refused is the guard's to say, whatever is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rights {
    pub read: bool,
    /// Starts, signals, cancels...
    pub operate: bool,
    /// Makes namespaces.
    pub administer: bool,
}

impl Rights {
    /// Those of somebody with these headers.
    pub(crate) async fn of(guard: Option<&Arc<dyn Guard>>, headers: &HeaderMap, namespace: &str) -> Self {
        let Some(guard) = guard else { return Self { read: true, operate: true, administer: true } };
        let read = DescribeWorkflowExecutionRequest { namespace: namespace.to_owned(), ..Default::default() };
        let operate = StartWorkflowExecutionRequest { namespace: namespace.to_owned(), ..Default::default() };
        let administer = RegisterNamespaceRequest { namespace: namespace.to_owned(), ..Default::default() };
        Self {
            read: admits(guard, headers, &read).await,
            operate: admits(guard, headers, &operate).await,
            administer: admits(guard, headers, &administer).await,
        }
    }
}

async fn admits<R: Rpc>(guard: &Arc<dyn Guard>, headers: &HeaderMap, request: &R) -> bool {
    guard.admit(R::SERVICE, R::METHOD, headers, &request.encoded()).await.is_ok()
}

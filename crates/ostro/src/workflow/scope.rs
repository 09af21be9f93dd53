//! What surrounds workflow code: its run, and how activities are called there.

use std::future::Future;
use std::rc::Rc;

use temporalio_workflow::WorkflowCancellationToken;

use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::workflow::operations::OperationId;
use crate::workflow::run::Run;
use crate::workflow::session::StickyWorkerSession;

#[derive(Clone)]
pub(crate) struct Scope {
    pub run: Rc<Run>,
    /// Activities run in this worker.
    pub local: bool,
    /// Sticky activities run where it is.
    pub session: Option<StickyWorkerSession>,
    /// Cancels what is awaited in it.
    pub token: WorkflowCancellationToken,
}

impl Scope {
    pub fn of(run: Rc<Run>) -> Self {
        let token = run.sdk.cancellation_token();
        Self { run, local: false, session: None, token }
    }

    /// Keeps a future among the run's operations, to be polled by its id.
    pub fn begin(self, operation: impl Future<Output = Result<Payload>> + 'static) -> OperationId {
        let key = self.run.operations.insert(Box::pin(operation));
        OperationId::new(self.run.number, key)
    }
}

/// The scope, or an error that says where `what` belongs.
pub(crate) fn required(what: &str) -> Result<Scope> {
    crate::context::scope().ok_or_else(|| {
        Error::misuse(
            "NotInWorkflow",
            format_args!("{what} works in a workflow: in an entrypoint, a signal handler or an update handler"),
        )
    })
}

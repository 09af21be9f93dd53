//! Requests that come in by HTTP for operations that workers of this server handle.
//!
//! None is state of an execution: whoever asks waits on the line, and asks again where this server goes down meanwhile.

use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::nexus::v1 as nexus;
use temporalio_protos::temporal::api::nexus::v1::response;

use crate::base::time::Span;

/// Asks whichever worker polls this Nexus queue first; answered with what it says, or with nothing once the time is over.
#[derive(Debug, Clone)]
pub struct AskNexusWorker {
    pub namespace: String,
    pub task_queue: String,
    /// Its header may say how long the operation may take; how long this request may take is added for the worker.
    pub request: nexus::Request,
    /// The wait for a worker included.
    pub within: Span,
}

/// What a worker says to a Nexus request.
#[derive(Debug, Clone, PartialEq)]
pub enum NexusWorkerAnswer {
    Completed(Option<response::Variant>),
    Failed(Failure),
    /// A failure in the older form.
    HandlerError(nexus::HandlerError),
}

//! Requests that leave the server by HTTP: the engine says what is to be sent, the shell sends it and says how it went.
//!
//! Each is state of an execution with a deadline. So one that the shell has taken and not answered in time, since its
//! process died or whoever it asked did, is sent again.

use std::collections::HashMap;

use temporalio_protos::temporal::api::workflowservice::v1::PollNexusTaskQueueResponse;

use crate::base::time::Time;
use crate::stored::execution::Completion;
use crate::stored::persistence::ExecutionId;

/// Asks for the next request that is to be sent; answered when there is one.
#[derive(Debug, Clone, Copy)]
pub struct TakeOutgoing;

/// A request to a URL outside.
#[derive(Debug, Clone, PartialEq)]
pub enum OutgoingRequest {
    /// To the handler of an operation. It is answered as a worker answers its task, or by [`OperationNotDelivered`].
    Operation {
        /// The endpoint's target.
        url: String,
        /// The namespace of the caller, which the handler calls back.
        namespace: String,
        task: PollNexusTaskQueueResponse,
    },
    /// The end of what a callback waited for. It is answered by [`CallbackAnswered`].
    Callback { attempt: CallbackAttempt, url: String, header: HashMap<String, String>, completion: Completion },
}

/// One attempt to deliver a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackAttempt {
    pub execution: ExecutionId,
    /// The number of the callback in its execution.
    pub callback: i64,
    /// When the attempt is over; tells it from the others.
    pub due: Time,
}

/// Says how an attempt to deliver a callback went.
#[derive(Debug, Clone)]
pub struct CallbackAnswered {
    pub attempt: CallbackAttempt,
    pub outcome: Result<(), NotDelivered>,
}

/// Says that the request of this task brought no answer of a handler.
#[derive(Debug, Clone)]
pub struct OperationNotDelivered {
    pub task_token: Vec<u8>,
    pub error: NotDelivered,
}

/// Why a request was not delivered, or not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDelivered {
    pub message: String,
    pub retryable: bool,
}

/// Says how an operation ended whose handler is outside.
#[derive(Debug, Clone)]
pub struct CompleteNexusOperation {
    /// The namespace that the URL names, where it names one: it must be the caller's.
    pub namespace: Option<String>,
    /// The token that the handler was given.
    pub callback_token: String,
    pub operation_token: String,
    pub completion: Completion,
}

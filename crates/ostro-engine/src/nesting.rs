//! Where in the engine's own messages failures lie.
//!
//! What comes in is cut to a depth that can be stored and read back (`ostro_nesting`). Files of older servers may hold more than decoders
//! take: what is read is cut as well.

use ostro_nesting::shapes::{
    FAILURE_V1_FAILURE, HISTORY_V1_HISTORY, HISTORY_V1_HISTORYEVENT,
    HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES, UPDATE_V1_OUTCOME, WORKFLOW_V1_CALLBACKINFO,
};
use ostro_nesting::{Next, Shape};
use prost::{DecodeError, Message};
use temporalio_protos::temporal::api::history::v1::{History, HistoryEvent};

use crate::execution::state::{
    AcceptedUpdate, Activity, CallbackState, Core, NexusCancel, NexusOperation, NexusRequest, Standalone,
    StandaloneOperation, Start,
};
use crate::nexus::callback::Completion;
use crate::schedule::Record;

/// A stored message in which failures may be.
pub trait Nested: Message + Default {
    const SHAPE: &'static Shape;

    /// Reads it, however deep its failures nest.
    ///
    /// # Errors
    /// For bytes that are not such a message.
    fn decode_nested(encoded: &[u8]) -> Result<Self, DecodeError> {
        ostro_nesting::decode(Self::SHAPE, encoded)
    }
}

/// `Message { number of a field: what is in it }`.
macro_rules! nested {
    ($($message:ty { $($number:literal: $of:expr),* })*) => {
        $(impl Nested for $message {
            const SHAPE: &'static Shape = &Shape { fields: &[$(($number, Next::Message($of))),*] };
        })*
    };
}

nested! {
    Core { 31: &FAILURE_V1_FAILURE, 60: Standalone::SHAPE }
    Start { 1: &HISTORY_V1_WORKFLOWEXECUTIONSTARTEDEVENTATTRIBUTES }
    Activity { 13: &FAILURE_V1_FAILURE }
    Standalone { 2: &FAILURE_V1_FAILURE, 8: Activity::SHAPE, 9: StandaloneOperation::SHAPE }
    StandaloneOperation { 1: NexusOperation::SHAPE }
    AcceptedUpdate { 4: &UPDATE_V1_OUTCOME }
    CallbackState { 1: &WORKFLOW_V1_CALLBACKINFO, 3: Completion::SHAPE }
    Completion { 2: &FAILURE_V1_FAILURE }
    NexusOperation { 4: NexusRequest::SHAPE, 7: NexusCancel::SHAPE }
    NexusCancel { 3: NexusRequest::SHAPE }
    NexusRequest { 6: &FAILURE_V1_FAILURE }
    Record { 12: &FAILURE_V1_FAILURE }
}

impl Nested for History {
    const SHAPE: &'static Shape = &HISTORY_V1_HISTORY;
}

impl Nested for HistoryEvent {
    const SHAPE: &'static Shape = &HISTORY_V1_HISTORYEVENT;
}

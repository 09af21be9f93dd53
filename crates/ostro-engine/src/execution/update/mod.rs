//! Updates: requests that the workflow accepts or rejects, and answers.
//!
//! ```text
//! (none)   --admit--> Admitted --send with a workflow task--> Sent
//! Sent     --accept-> Accepted | --reject--> (none) | --task fails--> Admitted
//! Accepted --respond-> Completed
//! ```
//!
//! Only what was accepted is stored: a client whose update was merely admitted when the server died asks again.

mod admit;
mod messages;
mod wait;

pub(crate) use messages::{accepts_any, check_messages};
pub(crate) use wait::{aborted_by_close, completed_response, poll_response, wait_until};

use prost_wkt_types::Any;
use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    protocol::v1::{Message, message::SequencingId},
    update::v1::UpdateRef,
};

use super::{Execution, Transition};
use crate::execution::state::live::{LiveUpdate, UpdateStage};
use prost::Message as _;

const REQUEST: &str = "type.googleapis.com/temporal.api.update.v1.Request";
const ACCEPTANCE: &str = "type.googleapis.com/temporal.api.update.v1.Acceptance";
const REJECTION: &str = "type.googleapis.com/temporal.api.update.v1.Rejection";
const RESPONSE: &str = "type.googleapis.com/temporal.api.update.v1.Response";

impl Execution {
    /// Whether an update waits for a workflow task to ride on.
    pub(crate) fn has_unsent_updates(&self) -> bool {
        self.live.updates.iter().any(|u| u.stage == UpdateStage::Admitted)
    }

    pub fn update_ref(&self, update_id: &str) -> Option<UpdateRef> {
        Some(UpdateRef {
            workflow_execution: Some(WorkflowExecution {
                workflow_id: self.core.workflow_id.clone(),
                run_id: self.core.run_id.clone(),
            }),
            update_id: update_id.to_owned(),
        })
    }
}

impl Transition<'_> {
    /// Marks the admitted updates as sent with the workflow task that starts.
    pub(super) fn send_updates(&mut self) {
        let started = self.started_event_id();
        for update in self.exec.live.updates.iter_mut().filter(|u| u.stage == UpdateStage::Admitted) {
            (update.stage, update.sent_with) = (UpdateStage::Sent, started);
        }
    }

    /// The workflow task in flight failed: its updates ride on the next.
    pub(super) fn resend_updates(&mut self) {
        for update in self.exec.live.updates.iter_mut().filter(|u| u.stage == UpdateStage::Sent) {
            update.stage = UpdateStage::Admitted;
        }
    }

    /// The messages of the updates that ride on the workflow task in flight. After a heartbeat the worker has those of
    /// before.
    pub(super) fn update_messages(&self) -> Vec<Message> {
        let started = self.started_event_id();
        let sent = self.exec.live.updates.iter().filter(|u| u.stage == UpdateStage::Sent && u.sent_with == started);
        sent.filter(|u| !u.in_history).map(|update| request_message(update, started - 1)).collect()
    }

    /// That of the workflow task in flight.
    fn started_event_id(&self) -> i64 {
        self.exec.core.workflow_task.as_ref().map_or(0, |task| task.started_event_id)
    }
}

fn request_message(update: &LiveUpdate, event_id: i64) -> Message {
    Message {
        id: format!("{}/request", update.id()),
        protocol_instance_id: update.id().to_owned(),
        sequencing_id: Some(SequencingId::EventId(event_id)),
        body: Some(Any { type_url: REQUEST.to_owned(), value: update.request.encode_to_vec() }),
    }
}

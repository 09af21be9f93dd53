//! What workers say of updates: accepted, rejected, answered.

use prost::Message as _;
use temporalio_protos::temporal::api::{
    enums::v1::EventType,
    history::v1::{WorkflowExecutionUpdateAcceptedEventAttributes, WorkflowExecutionUpdateCompletedEventAttributes},
    protocol::v1::Message,
    update::v1::{Acceptance, Outcome, Rejection, Request, Response, outcome},
    workflow::v1::RequestIdInfo,
};

use super::{ACCEPTANCE, REJECTION, RESPONSE};
use crate::execution::history::Extras;
use crate::execution::state::live::{LiveUpdate, UpdateStage};
use crate::execution::{Execution, Transition, failures};
use crate::stored::execution::AcceptedUpdate;

enum Body {
    Acceptance(Acceptance),
    Rejection(Rejection),
    Response(Response),
}

fn body(message: &Message) -> Result<Body, String> {
    let any = message.body.as_ref().ok_or_else(|| format!("message {} has no body", message.id))?;
    let value = any.value.as_slice();
    let decoded = match any.type_url.as_str() {
        ACCEPTANCE => Acceptance::decode(value).map(Body::Acceptance),
        REJECTION => Rejection::decode(value).map(Body::Rejection),
        RESPONSE => Response::decode(value).map(Body::Response),
        other => return Err(format!("message {} is of an unknown type: {other}", message.id)),
    };
    decoded.map_err(|error| format!("message {} cannot be read: {error}", message.id))
}

/// Whether any of the messages accepts an update.
pub(crate) fn accepts_any(messages: &[Message]) -> bool {
    messages.iter().any(|m| m.body.as_ref().is_some_and(|b| b.type_url == ACCEPTANCE || b.type_url == RESPONSE))
}

/// Checks a workflow task's messages in order, changing nothing.
pub(crate) fn check_messages(execution: &Execution, messages: &[Message]) -> Result<(), String> {
    let mut accepted: Vec<&str> = Vec::new();
    for message in messages {
        let id = message.protocol_instance_id.as_str();
        let sent = execution.live.updates.iter().any(|u| u.id() == id && u.stage == UpdateStage::Sent);
        let open = execution.updates.get(id).is_some_and(|u| u.outcome.is_none()) || accepted.contains(&id);
        let known = execution.updates.contains_key(id) || accepted.contains(&id);
        match body(message)? {
            Body::Acceptance(_) if known => return Err(format!("update {id} was accepted before")),
            Body::Acceptance(a) if sent || a.accepted_request.is_some() => accepted.push(id),
            Body::Rejection(_) if sent => {}
            Body::Response(_) if open => {}
            Body::Rejection(_) | Body::Acceptance(_) => {
                return Err(format!(
                    "update {id} wasn't found on the server. This is most likely a transient error which will be resolved automatically by retries"
                ));
            }
            Body::Response(_) => return Err(format!("update {id} was not accepted, or has its response already")),
        }
    }
    Ok(())
}

impl Transition<'_> {
    /// Applies messages that [`check_messages`] found good.
    pub(in crate::execution) fn apply_update_messages(&mut self, messages: &[Message], _completed: i64) {
        for message in messages {
            if !self.exec.is_open() {
                // The run was closed by a command before: its last event stays the last.
                return;
            }
            let id = message.protocol_instance_id.clone();
            match body(message) {
                Ok(Body::Acceptance(acceptance)) => self.accept_update(&id, acceptance),
                Ok(Body::Rejection(rejection)) => self.reject_update(&id, rejection.failure),
                Ok(Body::Response(response)) => self.complete_update(&id, response),
                Err(_) => {}
            }
        }
    }

    /// Rejections come first: they write nothing, and hold even where a command ends the run.
    pub(in crate::execution) fn apply_rejections(&mut self, messages: &[Message]) {
        for message in messages {
            if let Ok(Body::Rejection(rejection)) = body(message) {
                self.reject_update(&message.protocol_instance_id, rejection.failure);
            }
        }
    }

    fn accept_update(&mut self, id: &str, acceptance: Acceptance) {
        if let Some(request) = acceptance.accepted_request.clone().filter(|_| self.exec.live.update(id).is_none()) {
            self.exec.live.updates.push(LiveUpdate::new(request, UpdateStage::Sent, Vec::new()));
        }
        let Some(live) = self.exec.live.update(id) else { return };
        live.stage = UpdateStage::Accepted;
        let request = live.request.clone();
        let in_event = (!live.in_history).then(|| request.clone());
        live.in_history = false;
        let accepted = WorkflowExecutionUpdateAcceptedEventAttributes {
            protocol_instance_id: id.to_owned(),
            accepted_request_message_id: acceptance.accepted_request_message_id,
            accepted_request_sequencing_event_id: acceptance.accepted_request_sequencing_event_id,
            accepted_request: in_event,
        };
        let extras = Extras { links: request.links.clone(), ..Default::default() };
        let accepted_event_id = self.record_with(accepted, extras);
        self.exec.core.update_count += 1;
        self.exec.remove_admitted_update(id);
        self.note_update_request(id, accepted_event_id, &request);
        self.answer_reached(id);
    }

    /// Remembers what the request of an accepted update wants later: links to it, and callbacks.
    fn note_update_request(&mut self, id: &str, accepted_event_id: i64, request: &Request) {
        let (update_id, request_id) = (id.to_owned(), request.request_id.clone());
        if !request_id.is_empty() {
            let event_type = EventType::WorkflowExecutionUpdateAccepted as i32;
            let info = RequestIdInfo { event_type, event_id: accepted_event_id, buffered: false };
            self.exec.core.request_ids.insert(request_id.clone(), info);
        }
        self.exec.add_update_callbacks(id, request, self.now);
        self.exec.insert_update(AcceptedUpdate { update_id, accepted_event_id, request_id, ..Default::default() });
    }

    fn complete_update(&mut self, id: &str, response: Response) {
        let Some(accepted_event_id) = self.exec.updates.get(id).map(|u| u.accepted_event_id) else { return };
        let completed_event_id = self.record(WorkflowExecutionUpdateCompletedEventAttributes {
            meta: response.meta,
            accepted_event_id,
            outcome: response.outcome.clone(),
        });
        if let Some(update) = self.exec.update_mut(id) {
            update.completed_event_id = completed_event_id;
            update.outcome = Some(response.outcome.unwrap_or_default());
        }
        self.answer_reached(id);
        self.exec.live.updates.retain(|u| u.id() != id);
        if let Some(outcome) = self.exec.update_outcome(id) {
            self.call_back_of_update(id, &outcome);
        }
    }

    fn reject_update(&mut self, id: &str, failure: Option<temporalio_protos::temporal::api::failure::v1::Failure>) {
        let outcome = Outcome { value: Some(outcome::Value::Failure(failure.unwrap_or_default())) };
        self.exec.remove_admitted_update(id);
        self.finish_live_update(id, Ok(outcome));
    }

    /// Rejects updates that rode on the completed workflow task and that its worker ignored.
    pub(in crate::execution) fn reject_unprocessed_updates(&mut self) {
        let ignored: Vec<String> =
            self.exec.live.updates.iter().filter(|u| u.stage == UpdateStage::Sent).map(|u| u.id().to_owned()).collect();
        for id in ignored {
            let message = "Workflow Update is rejected because it wasn't processed by worker. Probably, Workflow Update is not supported by the worker.";
            self.reject_update(&id, Some(failures::application("UnprocessedUpdate", message)));
        }
    }
}

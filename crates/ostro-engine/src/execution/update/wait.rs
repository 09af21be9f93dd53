//! Clients that wait for updates, and what they are told.

use temporalio_protos::temporal::api::{
    common::v1::{
        Link, link,
        link::workflow_event::{Reference, RequestIdReference},
    },
    enums::v1::{EventType, UpdateWorkflowExecutionLifecycleStage as Stage},
    update::v1::{Outcome, outcome},
    workflowservice::v1::{PollWorkflowExecutionUpdateResponse, UpdateWorkflowExecutionResponse},
};

use crate::base::error::{Error, Result};
use crate::base::time::{Span, Time};
use crate::call::{Answer, ReplyId};
use crate::execution::state::live::{LiveUpdate, UpdateStage, UpdateWaiter};
use crate::execution::{Execution, Transition, failures};

impl Transition<'_> {
    /// Waits for an update that exists.
    ///
    /// # Errors
    /// NOT_FOUND where it does not.
    pub(crate) fn poll_update(&mut self, reply: ReplyId, update_id: &str, stage: Stage) -> Result<()> {
        let waiter = UpdateWaiter { reply, stage: stage as i32 };
        if self.join_update(update_id, waiter) {
            return Ok(());
        }
        Err(Error::not_found(format!("update \"{update_id}\" not found")))
    }

    /// Adds a waiter to an update that is known; false where there is none of this id.
    pub(super) fn join_update(&mut self, update_id: &str, waiter: UpdateWaiter) -> bool {
        if let Some(live) = self.exec.live.update(update_id) {
            live.waiters.push(waiter);
        } else if let Some(stored) = self.exec.updates.get(update_id) {
            let request = stored_request(stored.update_id.clone());
            let live = LiveUpdate::new(request, UpdateStage::Accepted, vec![waiter]);
            self.exec.live.updates.push(live);
        } else {
            return false;
        }
        self.answer_reached(update_id);
        if self.exec.updates.get(update_id).is_some_and(|u| u.outcome.is_some()) || !self.exec.is_open() {
            self.exec.live.updates.retain(|u| u.id() != update_id);
        }
        true
    }

    /// Answers the waiters whose stage the update has reached.
    pub(super) fn answer_reached(&mut self, update_id: &str) {
        let (stage, outcome) = self.exec.update_progress(update_id);
        let Some(live) = self.exec.live.update(update_id) else { return };
        let (reached, waiting) = std::mem::take(&mut live.waiters).into_iter().partition(|w| w.stage <= stage as i32);
        live.waiters = waiting;
        self.answer_waiters(reached, update_id, stage, outcome);
    }

    fn answer_waiters(&mut self, waiters: Vec<UpdateWaiter>, update_id: &str, stage: Stage, outcome: Option<Outcome>) {
        for waiter in waiters {
            let response = UpdateWorkflowExecutionResponse {
                update_ref: self.exec.update_ref(update_id),
                outcome: outcome.clone(),
                stage: stage as i32,
                link: self.exec.link_to_update(&self.namespace.name, update_id),
            };
            self.answer(waiter.reply, Ok(Answer::UpdateWorkflow(Box::new(response))));
        }
    }

    /// A waiter's deadline has come: it is told how far the update is, and asks again.
    pub(crate) fn expire_update_waiter(&mut self, reply: ReplyId) -> bool {
        let found = self.exec.live.updates.iter_mut().find_map(|live| {
            let at = live.waiters.iter().position(|w| w.reply == reply)?;
            Some((live.id().to_owned(), live.waiters.remove(at)))
        });
        let Some((update_id, waiter)) = found else { return false };
        let (stage, outcome) = self.exec.update_progress(&update_id);
        self.answer_waiters(vec![waiter], &update_id, stage, outcome);
        true
    }

    /// Ends a live update with an outcome or an error for everybody who waits.
    pub(super) fn finish_live_update(&mut self, update_id: &str, end: Result<Outcome>) {
        let Some(at) = self.exec.live.updates.iter().position(|u| u.id() == update_id) else { return };
        let live = self.exec.live.updates.remove(at);
        match end {
            Ok(outcome) => self.answer_waiters(live.waiters, update_id, Stage::Completed, Some(outcome)),
            Err(error) => {
                for waiter in live.waiters {
                    self.answer(waiter.reply, Err(error.clone()));
                }
            }
        }
    }

    /// The server refused what the worker said of the task in flight: nobody knows what became of the updates that it took
    /// along. Those of history come again.
    pub(in crate::execution) fn abort_sent_updates(&mut self) {
        let sent = self.exec.live.updates.iter().filter(|u| u.stage == UpdateStage::Sent && !u.in_history);
        let aborted: Vec<String> = sent.map(|u| u.id().to_owned()).collect();
        for id in aborted {
            let message = "Unable to perform workflow execution update due to unexpected workflow task failure.";
            self.finish_live_update(&id, Err(Error::workflow_not_ready(message)));
        }
    }

    /// The run closed: updates under way end with it, queries ask the closed run.
    pub(in crate::execution) fn end_live_calls(&mut self, goes_on: bool) {
        let updates: Vec<_> = self.exec.live.updates.iter().map(|u| (u.id().to_owned(), u.stage)).collect();
        for (id, stage) in updates {
            let end = match stage {
                UpdateStage::Accepted => Ok(closed_outcome()),
                // The next run of the chain takes it, when the client asks again.
                _ if goes_on => {
                    Err(Error::workflow_busy("workflow operation can not be applied because workflow is closing"))
                }
                _ => Err(aborted_by_close()),
            };
            self.finish_live_update(&id, end);
        }
        // Nor does the run, when it is loaded again, know of those that nobody will accept any more.
        let admitted: Vec<String> = self.exec.admitted_updates.keys().cloned().collect();
        admitted.iter().for_each(|id| drop(self.exec.remove_admitted_update(id)));
        // They ask the closed run.
        self.release_queries();
    }
}

impl Execution {
    /// The outcome of an update that the workflow has answered.
    pub(crate) fn update_outcome(&self, update_id: &str) -> Option<Outcome> {
        self.updates.get(update_id)?.outcome.clone()
    }

    /// The event with which the update was accepted, if it was.
    fn link_to_update(&self, namespace: &str, update_id: &str) -> Option<Link> {
        let request_id = self.updates.get(update_id)?.request_id.clone();
        let event_type = EventType::WorkflowExecutionUpdateAccepted as i32;
        let reference = RequestIdReference { request_id, event_type };
        Some(Link {
            variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
                namespace: namespace.to_owned(),
                workflow_id: self.core.workflow_id.clone(),
                run_id: self.core.run_id.clone(),
                reference: Some(Reference::RequestIdRef(reference)),
            })),
        })
    }

    /// Whether an update of this id was admitted, or more.
    pub(crate) fn knows_update(&self, update_id: &str) -> bool {
        self.updates.contains_key(update_id) || self.live.updates.iter().any(|update| update.id() == update_id)
    }

    /// How far an update has come.
    fn update_progress(&self, update_id: &str) -> (Stage, Option<Outcome>) {
        let open = self.is_open();
        match self.updates.get(update_id) {
            Some(update) if update.outcome.is_some() => (Stage::Completed, update.outcome.clone()),
            Some(_) if !open => (Stage::Completed, Some(closed_outcome())),
            Some(_) => (Stage::Accepted, None),
            None => (Stage::Admitted, None),
        }
    }

    /// Forgets a waiter whose client is gone.
    pub(crate) fn drop_update_waiter(&mut self, reply: ReplyId) {
        for live in &mut self.live.updates {
            live.waiters.retain(|w| w.reply != reply);
        }
    }
}

/// The outcome of an update that was accepted and not answered when its run closed.
fn closed_outcome() -> Outcome {
    let message = "Workflow Update failed because the Workflow completed before the Update completed.";
    Outcome { value: Some(outcome::Value::Failure(failures::application("AcceptedUpdateCompletedWorkflow", message))) }
}

fn stored_request(update_id: String) -> temporalio_protos::temporal::api::update::v1::Request {
    temporalio_protos::temporal::api::update::v1::Request {
        meta: Some(temporalio_protos::temporal::api::update::v1::Meta { update_id, ..Default::default() }),
        ..Default::default()
    }
}

/// What a client is told whose update the run did not take before it closed.
pub(crate) fn aborted_by_close() -> Error {
    Error::not_found("workflow update was aborted by closing workflow")
}

/// The answer to an update that has its outcome.
pub(crate) fn completed_response(
    execution: &Execution,
    update_id: &str,
    outcome: Outcome,
) -> UpdateWorkflowExecutionResponse {
    UpdateWorkflowExecutionResponse {
        update_ref: execution.update_ref(update_id),
        outcome: Some(outcome),
        stage: Stage::Completed as i32,
        ..Default::default()
    }
}

/// A poll's answer has the form of an update's.
pub(crate) fn poll_response(response: UpdateWorkflowExecutionResponse) -> PollWorkflowExecutionUpdateResponse {
    PollWorkflowExecutionUpdateResponse {
        outcome: response.outcome,
        stage: response.stage,
        update_ref: response.update_ref,
    }
}

/// When a wait of at most `longest` must end, given the client's own deadline: a `margin` before that, or a fifth of what is
/// left where that is less, so that a client with little patience does not ask again without a pause.
pub(crate) fn wait_until(
    now: Time,
    longest: crate::base::time::Span,
    deadline: Time,
    margin: crate::base::time::Span,
) -> Time {
    let ours = now + longest;
    let fifth = Span::from_nanos((deadline - now).nanos().max(0) / 5);
    let margin = margin.min(fifth);
    ours.min((deadline - margin).max(now))
}

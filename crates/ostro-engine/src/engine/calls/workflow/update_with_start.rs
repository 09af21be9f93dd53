//! ExecuteMultiOperation: an update, with the start of its workflow where no run is there to take it.
//!
//! Both go into one commit. The client is answered when the update has reached its stage.

use temporalio_protos::temporal::api::{
    enums::v1::{WorkflowExecutionStatus, WorkflowIdConflictPolicy as ConflictPolicy},
    update::v1::{Outcome as UpdateOutcome, Request},
    workflowservice::v1::{
        ExecuteMultiOperationResponse, StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
        UpdateWorkflowExecutionResponse,
        execute_multi_operation_response::{Response, response::Response as Part},
    },
};

use super::start::Conflict;
use super::update::wanted;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::Time;
use crate::call::ReplyId;
use crate::call::{Answer, UpdateWithStart, WithDeadline};
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers_later};
use crate::engine::memory::waits::WithStart;
use crate::execution::update::{aborted_by_close, completed_response};
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

type Both = ExecuteMultiOperationResponse;

answers_later! {
    WithDeadline<UpdateWithStart>: |engine, reply, request| engine.update_with_start(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn update_with_start(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<UpdateWithStart>,
    ) -> Result<Outcome<Both>> {
        let WithDeadline { mut request, deadline } = call;
        let meta = request.update.request.get_or_insert_default().meta.get_or_insert_default();
        if meta.update_id.is_empty() {
            meta.update_id = self.ids.uuid();
        }
        self.try_update_with_start(reply, request, deadline, false)
    }

    fn try_update_with_start(
        &mut self,
        reply: ReplyId,
        request: UpdateWithStart,
        deadline: Time,
        retried: bool,
    ) -> Result<Outcome<Both>> {
        let namespace = self.namespaces.get(&request.start.namespace)?.id;
        let update = request.update.request.clone().unwrap_or_default();
        // Where it cannot be read the start has the last word.
        let existing = self.newest(namespace, &request.start.workflow_id).unwrap_or_default();
        if let Some(existing) = existing {
            if let Some(outcome) = self.execution(existing).update_outcome(update_id(&update)) {
                return Ok(Outcome::Now(self.outcome_of(existing, &update, outcome)));
            }
            if self.takes_update(existing, &request, update_id(&update)) {
                let mut start = self.start_answer(existing, false, &request.start.namespace, None).response;
                start.status = WorkflowExecutionStatus::Running as i32;
                start.first_execution_run_id = String::new();
                return self.update_started(reply, existing, WithStart { request, start, deadline, retried });
            }
        }
        let started =
            self.start_for_update(namespace, request.start.clone()).map_err(|error| both_failed(Some(error), None))?;
        let start = self.start_answer(started, true, &request.start.namespace, None).response;
        self.update_started(reply, started, WithStart { request, start, deadline, retried })
    }

    /// Whether the run that is there takes the update, rather than a new one.
    fn takes_update(&self, existing: ExecutionId, request: &UpdateWithStart, update_id: &str) -> bool {
        let execution = self.execution(existing);
        execution.is_open()
            && (execution.core.request_ids.contains_key(&request.start.request_id)
                || execution.knows_update(update_id)
                || request.start.workflow_id_conflict_policy() == ConflictPolicy::UseExisting)
    }

    fn start_for_update(
        &mut self,
        namespace: NamespaceId,
        request: StartWorkflowExecutionRequest,
    ) -> Result<ExecutionId> {
        self.check_callbacks(&request.completion_callbacks)?;
        let attributes = match (&request.search_attributes, self.namespaces.by_id(namespace)) {
            (Some(attributes), Some(namespace)) => Some(namespace.check_attributes(attributes)?),
            _ => None,
        };
        let (reuse, conflict) = (request.workflow_id_reuse_policy(), request.workflow_id_conflict_policy());
        let found = self.find_conflict(namespace, &request.workflow_id, &request.request_id, reuse, conflict)?;
        if let Conflict::Use(_) = found {
            let message = "Workflow was not started: its run of the same request id has closed";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let run = self.requested_run(namespace, request, attributes)?;
        if let Conflict::Terminate(existing) = found {
            self.terminate_for_reuse(existing, &run.run_id);
        }
        Ok(self.start_run(run))
    }

    fn update_started(&mut self, reply: ReplyId, id: ExecutionId, with: WithStart) -> Result<Outcome<Both>> {
        let update = with.request.update.request.clone().unwrap_or_default();
        let started = with.start.started;
        let stage = wanted(with.request.update.wait_policy.map_or(0, |policy| policy.lifecycle_stage))?;
        let deadline = with.deadline;
        self.waits.keep_start(reply, with);
        let admitted = self.admit_update(reply, id, update, stage, deadline);
        admitted.map(|()| Outcome::Later).map_err(|error| failed_update(error, started))
    }

    /// The answer of an update-with-start in its own form; `None` where it is tried again instead: a run that closed
    /// before it took the update leaves the way free for a new one. Other answers stay as they are.
    pub(in crate::engine) fn with_start(&mut self, reply: ReplyId, answer: Result<Answer>) -> Option<Result<Answer>> {
        let Some(with) = self.waits.take_start(reply) else { return Some(answer) };
        match answer {
            Ok(Answer::UpdateWorkflow(update)) => Some(Ok(both(with.start, *update))),
            Err(error) if error == aborted_by_close() && !with.start.started => self.once_more(reply, with, error),
            Err(error) if error.kind == ErrorKind::DeadlineExceeded => Some(Err(error)),
            Err(error) => Some(Err(failed_update(error, with.start.started))),
            answer => Some(answer),
        }
    }

    fn once_more(&mut self, reply: ReplyId, with: WithStart, error: Error) -> Option<Result<Answer>> {
        if with.retried {
            // The client is to try again, which a missing run would tell it not to.
            let error = Error::new(ErrorKind::Aborted, error.message);
            return Some(Err(failed_update(error, false)));
        }
        self.waits.remove(reply);
        match self.try_update_with_start(reply, with.request, with.deadline, true) {
            Ok(Outcome::Now(both)) => Some(Ok(Answer::UpdateWithStart(Box::new(both)))),
            Ok(Outcome::Later) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn outcome_of(&self, existing: ExecutionId, update: &Request, outcome: UpdateOutcome) -> Both {
        let execution = self.execution(existing);
        let start = StartWorkflowExecutionResponse {
            run_id: execution.core.run_id.clone(),
            status: execution.core.status,
            ..Default::default()
        };
        responses(start, completed_response(execution, update_id(update), outcome))
    }
}

fn update_id(update: &Request) -> &str {
    update.meta.as_ref().map_or("", |meta| &meta.update_id)
}

fn both(start: StartWorkflowExecutionResponse, update: UpdateWorkflowExecutionResponse) -> Answer {
    Answer::UpdateWithStart(Box::new(responses(start, update)))
}

fn responses(start: StartWorkflowExecutionResponse, update: UpdateWorkflowExecutionResponse) -> Both {
    let parts = [Part::StartWorkflow(start), Part::UpdateWorkflow(update)];
    Both { responses: parts.map(|part| Response { response: Some(part) }).into() }
}

/// The update failed; the start is undone with it, or stands.
fn failed_update(error: Error, started: bool) -> Error {
    let start = (!started).then(Error::operation_aborted);
    Error::update_with_start([start, Some(error)])
}

fn both_failed(start: Option<Error>, update: Option<Error>) -> Error {
    let aborted = |error: Option<Error>| Some(error.unwrap_or_else(Error::operation_aborted));
    Error::update_with_start([aborted(start), aborted(update)])
}

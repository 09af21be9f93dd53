//! UpdateWorkflowExecution and PollWorkflowExecutionUpdate.

use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage,
    update::v1::Request,
    workflowservice::v1::{
        PollWorkflowExecutionUpdateRequest, PollWorkflowExecutionUpdateResponse, UpdateWorkflowExecutionRequest,
        UpdateWorkflowExecutionResponse,
    },
};

use crate::base::error::{Error, Result};
use crate::base::time::Time;
use crate::call::ReplyId;
use crate::call::WithDeadline;
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers_later};
use crate::engine::memory::waits::{Wait, WaitKind};
use crate::stored::persistence::{ExecutionId, Loader};

answers_later! {
    WithDeadline<UpdateWorkflowExecutionRequest>: |engine, reply, request| engine.update_workflow(reply, request);
    WithDeadline<PollWorkflowExecutionUpdateRequest>: |engine, reply, request| engine.poll_update(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn update_workflow(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<UpdateWorkflowExecutionRequest>,
    ) -> Result<Outcome<UpdateWorkflowExecutionResponse>> {
        let WithDeadline { request, deadline } = call;
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.unwrap_or_default();
        let id = self.find_in_chain(namespace, &execution, &request.first_execution_run_id)?;
        let mut update = request.request.unwrap_or_default();
        let meta = update.meta.get_or_insert_with(Default::default);
        if meta.update_id.is_empty() {
            meta.update_id = self.ids.uuid();
        }
        let stage = wanted(request.wait_policy.map_or(0, |p| p.lifecycle_stage))?;
        self.admit_update(reply, id, update, stage, deadline).map(|()| Outcome::Later)
    }

    /// Hands an update to a run; the call is answered when the update has reached `stage`, or at the client's `deadline`.
    pub(crate) fn admit_update(
        &mut self,
        reply: ReplyId,
        id: ExecutionId,
        update: Request,
        stage: Stage,
        deadline: Time,
    ) -> Result<()> {
        self.check_callbacks(&update.completion_callbacks)?;
        if self.execution(id).is_paused() {
            return Err(Error::failed_precondition("Workflow is paused. Cannot update the workflow."));
        }
        self.wait_for_update(reply, id, deadline, false);
        let result = self.view(id, |t| t.update(reply, update, stage));
        result.inspect_err(|_| {
            self.waits.remove(reply);
        })
    }

    pub(crate) fn poll_update(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<PollWorkflowExecutionUpdateRequest>,
    ) -> Result<Outcome<PollWorkflowExecutionUpdateResponse>> {
        let WithDeadline { request, deadline } = call;
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let update = request.update_ref.ok_or_else(|| Error::invalid("UpdateRef is not set on request."))?;
        let execution: WorkflowExecution = update.workflow_execution.unwrap_or_default();
        let id = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        let stage = request.wait_policy.map_or(0, |p| p.lifecycle_stage);
        let stage = if stage == 0 { Stage::Unspecified } else { wanted(stage)? };
        self.wait_for_update(reply, id, deadline, true);
        let result = self.view(id, |t| t.poll_update(reply, &update.update_id, stage));
        result.map(|()| Outcome::Later).inspect_err(|_| {
            self.waits.remove(reply);
        })
    }

    /// Until its client's deadline, or until it is told how far the update is, whichever comes first. Unlike other long
    /// polls it is not answered a little before the client's deadline: SDKs ask again at once, and would never come to it.
    fn wait_for_update(&mut self, reply: ReplyId, execution: ExecutionId, until: Time, polled: bool) {
        let deadline = until.min(self.now + self.config.long_poll_timeout);
        self.waits.add(reply, Wait { execution, kind: WaitKind::Update { until, polled }, deadline });
    }
}

/// The stage that a client may wait for.
pub(crate) fn wanted(stage: i32) -> Result<Stage> {
    match Stage::try_from(stage) {
        Ok(stage @ (Stage::Accepted | Stage::Completed)) => Ok(stage),
        Ok(Stage::Unspecified) => Ok(Stage::Accepted),
        Ok(Stage::Admitted) => Err(Error::new(
            crate::base::error::ErrorKind::PermissionDenied,
            "waiting for the ADMITTED stage is not supported: wait for ACCEPTED or COMPLETED",
        )),
        Err(_) => Err(Error::invalid(format!("{stage} is not a stage of an update: wait for ACCEPTED or COMPLETED"))),
    }
}

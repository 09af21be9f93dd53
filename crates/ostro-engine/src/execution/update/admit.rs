//! `(none) --admit--> Admitted`.

use temporalio_protos::temporal::api::{
    common::v1::Callback, enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage, update::v1::Request,
};

use crate::base::error::{Error, ErrorKind, Result};
use crate::call::ReplyId;
use crate::execution::Transition;
use crate::execution::state::live::{LiveUpdate, UpdateStage, UpdateWaiter};

impl Transition<'_> {
    /// Takes an update in, or joins the one of the same id; `reply` is answered when it reaches `stage`.
    ///
    /// # Errors
    /// NOT_FOUND on a closed run, FAILED_PRECONDITION while workflow tasks keep failing, RESOURCE_EXHAUSTED beyond
    /// the limits.
    pub(crate) fn update(&mut self, reply: ReplyId, request: Request, stage: Stage) -> Result<()> {
        let update_id = request.meta.as_ref().map(|m| m.update_id.clone()).unwrap_or_default();
        let waiter = UpdateWaiter { reply, stage: stage as i32 };
        self.attach_update_callbacks(&update_id, &request);
        if self.join_update(&update_id, waiter) {
            return Ok(());
        }
        self.check_admission()?;
        self.exec.live.updates.push(LiveUpdate::new(request, UpdateStage::Admitted, vec![waiter]));
        self.answer_reached(&update_id);
        self.end_first_wait();
        self.schedule_speculative_workflow_task();
        Ok(())
    }

    /// Another request for an update that is under way is called back as well.
    fn attach_update_callbacks(&mut self, update_id: &str, request: &Request) {
        match self.exec.updates.get(update_id).map(|update| update.outcome.is_some()) {
            Some(true) => {}
            Some(false) if self.exec.has_callback(request.completion_callbacks.first()) => {}
            Some(false) => self.exec.add_update_callbacks(update_id, request, self.now),
            None => {
                let Some(live) = self.exec.live.update(update_id) else { return };
                let new = |callback: &&Callback| !live.request.completion_callbacks.contains(*callback);
                let more: Vec<Callback> = request.completion_callbacks.iter().filter(new).cloned().collect();
                live.request.completion_callbacks.extend(more);
            }
        }
    }

    fn check_admission(&self) -> Result<()> {
        if !self.exec.is_open() {
            return Err(Error::not_found("workflow execution already completed"));
        }
        if self.exec.core.workflow_task_attempt >= self.config.workflow_task_attempts_failing {
            let message = "Unable to perform workflow execution update due to Workflow Task in failed state.";
            return Err(Error::workflow_not_ready(message));
        }
        let accepted = self.exec.updates.values().filter(|u| u.outcome.is_none()).count();
        let under_way = self.exec.live.updates.iter().filter(|u| u.stage != UpdateStage::Accepted).count();
        let limit = self.config.updates_in_flight_max;
        if accepted + under_way >= limit {
            let message = format!("limit on number of concurrent in-flight updates has been reached ({limit})");
            return Err(Error::new(ErrorKind::ResourceExhausted, message));
        }
        let limit = self.config.updates_total_max;
        if self.exec.core.update_count as usize + under_way >= limit {
            let message = format!("limit on number of total updates has been reached ({limit}): continue as new first");
            return Err(Error::failed_precondition(message));
        }
        Ok(())
    }
}

//! What operators do with activities: pause, unpause, reset, change of options.

use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    workflowservice::v1::{
        PauseActivityRequest, PauseActivityResponse, ResetActivityRequest, ResetActivityResponse,
        UnpauseActivityRequest, UnpauseActivityResponse, UpdateActivityOptionsRequest, UpdateActivityOptionsResponse,
        pause_activity_request::Activity as Pausing, reset_activity_request::Activity as Resetting,
        unpause_activity_request::Activity as Unpausing, update_activity_options_request::Activity as Updating,
    },
};

use crate::base::error::{Error, Result};
use crate::base::time::from_duration;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::execution::activity::{Pause, Reset, Selection, Unpause};
use crate::stored::persistence::{ExecutionId, Loader};

answers! {
    PauseActivityRequest: |engine, request| engine.pause_activity(request);
    UnpauseActivityRequest: |engine, request| engine.unpause_activity(request);
    ResetActivityRequest: |engine, request| engine.reset_activity(request);
    UpdateActivityOptionsRequest: |engine, request| engine.update_activity_options(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn pause_activity(&mut self, request: PauseActivityRequest) -> Result<PauseActivityResponse> {
        let id = self.activity_owner(&request.namespace, request.execution)?;
        let selection = match request.activity {
            Some(Pausing::Id(id)) => Selection::Id(id),
            Some(Pausing::Type(name)) => Selection::Type(name),
            None => return Err(not_named()),
        };
        let pause = Pause { identity: request.identity, reason: request.reason, request_id: request.request_id };
        self.view(id, |t| t.pause_activities(&selection, &pause))?;
        Ok(PauseActivityResponse::default())
    }

    pub(crate) fn unpause_activity(&mut self, request: UnpauseActivityRequest) -> Result<UnpauseActivityResponse> {
        let id = self.activity_owner(&request.namespace, request.execution)?;
        let selection = match request.activity {
            Some(Unpausing::Id(id)) => Selection::Id(id),
            Some(Unpausing::Type(name)) => Selection::Type(name),
            Some(Unpausing::UnpauseAll(_)) => Selection::All,
            None => return Err(not_named()),
        };
        let unpause = Unpause {
            reset_attempts: request.reset_attempts,
            reset_heartbeat: request.reset_heartbeat,
            jitter: from_duration(&request.jitter),
        };
        self.view(id, |t| t.unpause_activities(&selection, unpause))?;
        Ok(UnpauseActivityResponse::default())
    }

    pub(crate) fn reset_activity(&mut self, request: ResetActivityRequest) -> Result<ResetActivityResponse> {
        let id = self.activity_owner(&request.namespace, request.execution)?;
        let selection = match request.activity {
            Some(Resetting::Id(id)) => Selection::Id(id),
            Some(Resetting::Type(name)) => Selection::Type(name),
            Some(Resetting::MatchAll(_)) => Selection::All,
            None => return Err(not_named()),
        };
        let reset = Reset {
            heartbeat: request.reset_heartbeat,
            keep_paused: request.keep_paused,
            options: request.restore_original_options,
            jitter: from_duration(&request.jitter),
        };
        self.view(id, |t| t.reset_activities(&selection, reset))?;
        Ok(ResetActivityResponse::default())
    }

    pub(crate) fn update_activity_options(
        &mut self,
        request: UpdateActivityOptionsRequest,
    ) -> Result<UpdateActivityOptionsResponse> {
        let mask = request.update_mask.map(|mask| mask.paths);
        if request.restore_original && mask.as_ref().is_some_and(|paths| !paths.is_empty()) {
            return Err(Error::invalid("Both UpdateMask and RestoreOriginal are provided"));
        }
        let id = self.activity_owner(&request.namespace, request.execution)?;
        let selection = match request.activity {
            Some(Updating::Id(id)) => Selection::Id(id),
            Some(Updating::Type(name)) => Selection::Type(name),
            Some(Updating::MatchAll(_)) => Selection::All,
            None => return Err(not_named()),
        };
        let options = if request.restore_original {
            self.view(id, |t| t.restore_activity_options(&selection))?
        } else {
            if !self.execution(id).is_open() {
                return Err(Error::not_found("workflow execution already completed"));
            }
            let options = request.activity_options.ok_or_else(|| Error::invalid("ActivityOptions are not provided"))?;
            self.execution(id).select_activities(&selection)?;
            let mask = mask.ok_or_else(|| Error::invalid("UpdateMask is not provided"))?;
            self.view(id, |t| t.update_activity_options(&selection, &options, &mask))?
        };
        Ok(UpdateActivityOptionsResponse { activity_options: Some(options) })
    }

    fn activity_owner(&mut self, namespace: &str, execution: Option<WorkflowExecution>) -> Result<ExecutionId> {
        let namespace = self.namespaces.get(namespace)?.id;
        let execution = execution.unwrap_or_default();
        self.find(namespace, &execution.workflow_id, &execution.run_id)
    }
}

fn not_named() -> Error {
    Error::invalid("Either Activity.Id or Activity.Type should be set on request.")
}

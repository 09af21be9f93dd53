//! What workers, or others by id, say of activities.

use temporalio_protos::temporal::api::{
    common::v1::Payloads,
    failure::v1::Failure,
    workflowservice::v1::{
        RecordActivityTaskHeartbeatByIdRequest, RecordActivityTaskHeartbeatByIdResponse,
        RecordActivityTaskHeartbeatRequest, RecordActivityTaskHeartbeatResponse,
        RespondActivityTaskCanceledByIdRequest, RespondActivityTaskCanceledByIdResponse,
        RespondActivityTaskCanceledRequest, RespondActivityTaskCanceledResponse,
        RespondActivityTaskCompletedByIdRequest, RespondActivityTaskCompletedByIdResponse,
        RespondActivityTaskCompletedRequest, RespondActivityTaskCompletedResponse,
        RespondActivityTaskFailedByIdRequest, RespondActivityTaskFailedByIdResponse, RespondActivityTaskFailedRequest,
        RespondActivityTaskFailedResponse,
    },
};

use crate::base::error::{Error, Result};
use crate::call::DetachActivity;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::execution::activity::ActivityRef;
use crate::stored::persistence::{ExecutionId, Loader};

type Target = (ExecutionId, ActivityRef);

answers! {
    RecordActivityTaskHeartbeatRequest: |engine, request| engine.heartbeat_activity(request);
    RecordActivityTaskHeartbeatByIdRequest: |engine, request| engine.heartbeat_activity_by_id(request);
    RespondActivityTaskCompletedRequest: |engine, request| engine.complete_activity(request);
    RespondActivityTaskCompletedByIdRequest: |engine, request| engine.complete_activity_by_id(request);
    RespondActivityTaskFailedRequest: |engine, request| engine.fail_activity(request);
    RespondActivityTaskFailedByIdRequest: |engine, request| engine.fail_activity_by_id(request);
    RespondActivityTaskCanceledRequest: |engine, request| engine.cancel_activity(request);
    RespondActivityTaskCanceledByIdRequest: |engine, request| engine.cancel_activity_by_id(request);
    DetachActivity: |engine, request| engine.detach_activity(&request);
}

impl<L: Loader> Engine<L> {
    fn by_token(&mut self, namespace: &str, token: &[u8]) -> Result<Target> {
        let token = self.token(namespace, token)?;
        let missing = || Error::not_found(format!("workflow not found for ID: {}", token.workflow_id));
        let id = self.execution_of(&token, missing)?;
        Ok((id, ActivityRef::Token(Box::new(token))))
    }

    fn by_id(&mut self, namespace: &str, workflow_id: &str, run_id: &str, activity_id: &str) -> Result<Target> {
        let namespace = self.namespaces.get(namespace)?.id;
        if activity_id.is_empty() {
            return Err(Error::invalid("ActivityId is not set on request."));
        }
        let id = match workflow_id.is_empty() {
            true => self.find_standalone_activity(namespace, activity_id, run_id)?,
            false => self.find(namespace, workflow_id, run_id)?,
        };
        Ok((id, ActivityRef::Id(activity_id.to_owned())))
    }

    pub(crate) fn detach_activity(&mut self, request: &DetachActivity) -> Result<()> {
        let (id, activity) = self.by_token("", &request.task_token)?;
        self.execution(id).running_activity(&activity)?;
        self.step(id, |t| t.detach_activity(&activity))
    }

    fn complete_target(&mut self, (id, activity): Target, result: Option<Payloads>, identity: String) -> Result<()> {
        self.execution(id).running_activity(&activity)?;
        self.step(id, |t| t.complete_activity(&activity, result, identity))
    }

    fn fail_target(
        &mut self,
        (id, activity): Target,
        failure: Option<Failure>,
        details: Option<Payloads>,
        identity: String,
    ) -> Result<()> {
        self.execution(id).running_activity(&activity)?;
        self.step(id, |t| t.fail_activity(&activity, failure.unwrap_or_default(), details, identity))
    }

    fn cancel_target(&mut self, (id, activity): Target, details: Option<Payloads>, identity: String) -> Result<()> {
        self.execution(id).running_activity(&activity)?;
        self.step(id, |t| t.cancel_activity(&activity, details, identity))
    }

    fn heartbeat_target(
        &mut self,
        (id, activity): Target,
        details: Option<Payloads>,
    ) -> Result<RecordActivityTaskHeartbeatResponse> {
        self.execution(id).running_activity(&activity)?;
        self.step(id, |t| t.heartbeat_activity(&activity, details))
    }

    pub(crate) fn heartbeat_activity(
        &mut self,
        r: RecordActivityTaskHeartbeatRequest,
    ) -> Result<RecordActivityTaskHeartbeatResponse> {
        let target = self.by_token(&r.namespace, &r.task_token)?;
        self.heartbeat_target(target, r.details)
    }

    pub(crate) fn heartbeat_activity_by_id(
        &mut self,
        r: RecordActivityTaskHeartbeatByIdRequest,
    ) -> Result<RecordActivityTaskHeartbeatByIdResponse> {
        let target = self.by_id(&r.namespace, &r.workflow_id, &r.run_id, &r.activity_id)?;
        let answer = self.heartbeat_target(target, r.details)?;
        Ok(RecordActivityTaskHeartbeatByIdResponse {
            cancel_requested: answer.cancel_requested,
            activity_paused: answer.activity_paused,
            activity_reset: answer.activity_reset,
        })
    }

    pub(crate) fn complete_activity(
        &mut self,
        r: RespondActivityTaskCompletedRequest,
    ) -> Result<RespondActivityTaskCompletedResponse> {
        let target = self.by_token(&r.namespace, &r.task_token)?;
        self.complete_target(target, r.result, r.identity)?;
        Ok(RespondActivityTaskCompletedResponse::default())
    }

    pub(crate) fn complete_activity_by_id(
        &mut self,
        r: RespondActivityTaskCompletedByIdRequest,
    ) -> Result<RespondActivityTaskCompletedByIdResponse> {
        let target = self.by_id(&r.namespace, &r.workflow_id, &r.run_id, &r.activity_id)?;
        // Whoever knows the result need not wait for a worker.
        self.view(target.0, |t| t.start_activity_by_hand(&r.activity_id, &r.identity));
        self.complete_target(target, r.result, r.identity)?;
        Ok(RespondActivityTaskCompletedByIdResponse::default())
    }

    pub(crate) fn fail_activity(
        &mut self,
        r: RespondActivityTaskFailedRequest,
    ) -> Result<RespondActivityTaskFailedResponse> {
        let target = self.by_token(&r.namespace, &r.task_token)?;
        self.fail_target(target, r.failure, r.last_heartbeat_details, r.identity)?;
        Ok(RespondActivityTaskFailedResponse::default())
    }

    pub(crate) fn fail_activity_by_id(
        &mut self,
        r: RespondActivityTaskFailedByIdRequest,
    ) -> Result<RespondActivityTaskFailedByIdResponse> {
        let target = self.by_id(&r.namespace, &r.workflow_id, &r.run_id, &r.activity_id)?;
        self.fail_target(target, r.failure, r.last_heartbeat_details, r.identity)?;
        Ok(RespondActivityTaskFailedByIdResponse::default())
    }

    pub(crate) fn cancel_activity(
        &mut self,
        r: RespondActivityTaskCanceledRequest,
    ) -> Result<RespondActivityTaskCanceledResponse> {
        let target = self.by_token(&r.namespace, &r.task_token)?;
        self.cancel_target(target, r.details, r.identity)?;
        Ok(RespondActivityTaskCanceledResponse::default())
    }

    pub(crate) fn cancel_activity_by_id(
        &mut self,
        r: RespondActivityTaskCanceledByIdRequest,
    ) -> Result<RespondActivityTaskCanceledByIdResponse> {
        let target = self.by_id(&r.namespace, &r.workflow_id, &r.run_id, &r.activity_id)?;
        self.cancel_target(target, r.details, r.identity)?;
        Ok(RespondActivityTaskCanceledByIdResponse::default())
    }
}

//! Workers that serve Nexus operations: their polls and answers.

use temporalio_protos::temporal::api::workflowservice::v1::{
    PollNexusTaskQueueRequest, PollNexusTaskQueueResponse, RespondNexusTaskCompletedRequest,
    RespondNexusTaskCompletedResponse, RespondNexusTaskFailedRequest, RespondNexusTaskFailedResponse,
};

use super::super::Engine;
use super::worker::worker_of;
use crate::command::{Answer, WithDeadline};
use crate::error::{Error, Result};
use crate::execution::nexus::{Response, What};
use crate::nexus::failures;
use crate::nexus::outgoing::OperationNotDelivered;
use crate::persistence::{Loader, QueueKind};
use crate::queue::{Poller, QueueKey};
use crate::reply::ReplyId;
use crate::token::TaskToken;

impl<L: Loader> Engine<L> {
    pub(super) fn poll_nexus_task(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<PollNexusTaskQueueRequest>,
    ) -> Result<Option<Answer>> {
        let WithDeadline { request, deadline } = call;
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let deadline = self.poll_deadline(deadline);
        if deadline <= self.now {
            return Ok(Some(Answer::PollNexusTask(Box::<PollNexusTaskQueueResponse>::default())));
        }
        let poller = Poller {
            reply,
            identity: request.identity,
            since: self.now,
            deadline,
            worker_instance_key: request.worker_instance_key,
            deployment: worker_of(request.deployment_options, request.worker_version_capabilities, String::new()),
            ..Default::default()
        };
        let name = request.task_queue.map(|queue| queue.name).unwrap_or_default();
        self.add_poller(QueueKey::new(namespace, QueueKind::Nexus, name), poller)?;
        Ok(None)
    }

    pub(super) fn complete_nexus_task(
        &mut self,
        request: RespondNexusTaskCompletedRequest,
    ) -> Result<RespondNexusTaskCompletedResponse> {
        let answer = request.response.and_then(|response| response.variant);
        self.nexus_answered(&request.task_token, Response::Completed(answer))?;
        Ok(RespondNexusTaskCompletedResponse {})
    }

    pub(super) fn fail_nexus_task(
        &mut self,
        request: RespondNexusTaskFailedRequest,
    ) -> Result<RespondNexusTaskFailedResponse> {
        let old = request.error.map(failures::of_handler_error);
        let failure = request.failure.or(old);
        let failure = failure.ok_or_else(|| Error::invalid("request must contain error or failure"))?;
        self.nexus_answered(&request.task_token, Response::Failed(failure))?;
        Ok(RespondNexusTaskFailedResponse {})
    }

    pub(super) fn operation_not_delivered(&mut self, request: OperationNotDelivered) -> Result<()> {
        self.nexus_answered(&request.task_token, Response::NotDelivered(request.error))
    }

    fn nexus_answered(&mut self, token: &[u8], response: Response) -> Result<()> {
        let token = TaskToken::parse(token)?;
        let what = What::of_number(token.nexus).ok_or_else(|| Error::invalid("the task token is not that of Nexus"))?;
        if !self.load(token.execution) {
            return Err(Error::not_found("Nexus task not found or already expired"));
        }
        self.step(token.execution, |t| {
            let answered = t.nexus_answered(&token, what, response);
            t.terminate_if_too_large();
            answered
        })
    }
}

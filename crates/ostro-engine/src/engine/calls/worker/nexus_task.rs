//! Workers that serve Nexus operations: their polls and answers.

use temporalio_protos::temporal::api::workflowservice::v1::{
    PollNexusTaskQueueRequest, PollNexusTaskQueueResponse, RespondNexusTaskCompletedRequest,
    RespondNexusTaskCompletedResponse, RespondNexusTaskFailedRequest, RespondNexusTaskFailedResponse,
};

use crate::base::error::{Error, Result};
use crate::base::token::TaskToken;
use crate::call::ReplyId;
use crate::call::WithDeadline;
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers, answers_later};
use crate::engine::calls::worker::workflow_task::worker_of;
use crate::execution::nexus::{Response, What};
use crate::nexus::failures;
use crate::nexus::incoming::NexusWorkerAnswer;
use crate::nexus::outgoing::OperationNotDelivered;
use crate::queue::{Poller, QueueKey};
use crate::stored::persistence::{Loader, NamespaceId, QueueKind};

/// In the place of a handler's namespace: it is at a URL.
const OUTSIDE: NamespaceId = 0;

answers! {
    RespondNexusTaskCompletedRequest: |engine, request| engine.complete_nexus_task(request);
    RespondNexusTaskFailedRequest: |engine, request| engine.fail_nexus_task(request);
    OperationNotDelivered: |engine, request| engine.operation_not_delivered(request);
}

answers_later! {
    WithDeadline<PollNexusTaskQueueRequest>: |engine, reply, request| engine.poll_nexus_task(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn poll_nexus_task(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<PollNexusTaskQueueRequest>,
    ) -> Result<Outcome<PollNexusTaskQueueResponse>> {
        let WithDeadline { request, deadline } = call;
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let deadline = self.poll_deadline(deadline);
        if deadline <= self.now {
            return Ok(Outcome::Now(Default::default()));
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
        Ok(Outcome::Later)
    }

    pub(crate) fn complete_nexus_task(
        &mut self,
        request: RespondNexusTaskCompletedRequest,
    ) -> Result<RespondNexusTaskCompletedResponse> {
        let answer = NexusWorkerAnswer::Completed(request.response.and_then(|response| response.variant));
        self.worker_answered(&request.namespace, &request.task_token, answer)?;
        Ok(RespondNexusTaskCompletedResponse {})
    }

    pub(crate) fn fail_nexus_task(
        &mut self,
        request: RespondNexusTaskFailedRequest,
    ) -> Result<RespondNexusTaskFailedResponse> {
        let answer = match (request.error, request.failure) {
            (Some(error), _) => NexusWorkerAnswer::HandlerError(error),
            (None, Some(failure)) => NexusWorkerAnswer::Failed(failure),
            (None, None) => return Err(Error::invalid("request must contain error or failure")),
        };
        self.worker_answered(&request.namespace, &request.task_token, answer)?;
        Ok(RespondNexusTaskFailedResponse {})
    }

    pub(crate) fn operation_not_delivered(&mut self, request: OperationNotDelivered) -> Result<()> {
        let token = TaskToken::parse(&self.seals, &request.task_token)?;
        self.nexus_answered(&token, token.namespace, Response::NotDelivered(request.error))
    }

    fn worker_answered(&mut self, namespace: &str, token: &[u8], answer: NexusWorkerAnswer) -> Result<()> {
        let token = TaskToken::parse(&self.seals, token)?;
        if token.incoming > 0 {
            return self.answer_incoming(namespace, &token, answer);
        }
        let response = match answer {
            NexusWorkerAnswer::Completed(answer) => Response::Completed(answer),
            NexusWorkerAnswer::Failed(failure) => Response::Failed(failure),
            NexusWorkerAnswer::HandlerError(error) => Response::Failed(failures::of_handler_error(error)),
        };
        let worker = self.namespaces.get(namespace)?.id;
        self.nexus_answered(&token, worker, response)
    }

    /// Takes the answer of the handler in namespace `handler`; its token is that of the caller's execution. One at a URL
    /// outside is answered for in the caller's own namespace.
    fn nexus_answered(&mut self, token: &TaskToken, handler: NamespaceId, response: Response) -> Result<()> {
        let what = What::of_number(token.nexus).ok_or_else(|| Error::invalid("the task token is not that of Nexus"))?;
        let missing = || Error::not_found("Nexus task not found or already expired");
        let id = self.execution_of(token, missing)?;
        let asked = self.execution(id).nexus_handler(token, what);
        if asked.is_some_and(|asked| if asked == OUTSIDE { token.namespace } else { asked } != handler) {
            return Err(Error::invalid("Operation requested with a token from a different namespace."));
        }
        self.step(id, |t| {
            let answered = t.nexus_answered(token, what, response);
            t.terminate_if_too_large();
            answered
        })
    }
}

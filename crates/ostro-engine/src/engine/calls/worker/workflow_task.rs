//! Workers: polls for workflow tasks, their completion and failure, and the end of a worker.

use temporalio_protos::temporal::api::{
    common::v1::WorkerVersionCapabilities,
    deployment::v1::WorkerDeploymentOptions,
    enums::v1::{TaskQueueKind, WorkflowTaskFailedCause},
    workflowservice::v1::{
        PollActivityTaskQueueRequest, PollActivityTaskQueueResponse, PollWorkflowTaskQueueRequest,
        RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse, RespondWorkflowTaskFailedRequest,
        RespondWorkflowTaskFailedResponse, ShutdownWorkerRequest, ShutdownWorkerResponse,
    },
};

use crate::base::error::{Error, Result};
use crate::base::time::{Span, Time};
use crate::base::token::TaskToken;
use crate::base::version::Version;
use crate::call::WithDeadline;
use crate::call::{ReplyId, WorkflowTaskAnswer, WorkflowTaskCompletedAnswer};
use crate::engine::Engine;
use crate::engine::calls::handle::{Outcome, answers, answers_later};
use crate::execution::update::wait_until;
use crate::execution::workflow::close::SERVER_IDENTITY;
use crate::execution::workflow_task::{Completion, StartedBy};
use crate::queue::{Leaving, Poller, QueueKey, Task, Work};
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId, QueueKind};

/// Why a run ends whose worker's answer no server takes; in the reference server's words.
const MESSAGE_TOO_LARGE: &str = "GrpcMessageTooLarge";

answers! {
    RespondWorkflowTaskCompletedRequest: |engine, request| engine.complete_workflow_task(request);
    RespondWorkflowTaskFailedRequest: |engine, request| engine.fail_workflow_task(request);
    ShutdownWorkerRequest: |engine, request| engine.shutdown_worker(request);
}

answers_later! {
    WithDeadline<PollWorkflowTaskQueueRequest>: |engine, reply, request| engine.poll_workflow_task(reply, request);
    WithDeadline<PollActivityTaskQueueRequest>: |engine, reply, request| engine.poll_activity_task(reply, request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn poll_workflow_task(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<PollWorkflowTaskQueueRequest>,
    ) -> Result<Outcome<WorkflowTaskAnswer>> {
        let WithDeadline { request, deadline } = call;
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let queue = request.task_queue.unwrap_or_default();
        let sticky_of = match queue.kind() {
            TaskQueueKind::Sticky if queue.normal_name.is_empty() => queue.name.clone(),
            TaskQueueKind::Sticky => queue.normal_name,
            _ => String::new(),
        };
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
            max_tasks_per_second: None,
            deployment: worker_of(
                request.deployment_options,
                request.worker_version_capabilities,
                request.binary_checksum,
            ),
            sticky_of,
        };
        let key = QueueKey::new(namespace, QueueKind::Workflow, queue.name);
        self.add_poller(key, poller)?;
        Ok(Outcome::Later)
    }

    pub(crate) fn poll_activity_task(
        &mut self,
        reply: ReplyId,
        call: WithDeadline<PollActivityTaskQueueRequest>,
    ) -> Result<Outcome<PollActivityTaskQueueResponse>> {
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
            max_tasks_per_second: request.task_queue_metadata.and_then(|m| m.max_tasks_per_second),
            deployment: worker_of(request.deployment_options, request.worker_version_capabilities, String::new()),
            sticky_of: String::new(),
        };
        let name = request.task_queue.map(|q| q.name).unwrap_or_default();
        self.add_poller(QueueKey::new(namespace, QueueKind::Activity, name), poller)?;
        Ok(Outcome::Later)
    }

    pub(crate) fn poll_deadline(&self, deadline: Time) -> Time {
        wait_until(self.now, self.config.poll_timeout, deadline, self.config.poll_deadline_margin)
    }

    pub(crate) fn complete_workflow_task(
        &mut self,
        request: RespondWorkflowTaskCompletedRequest,
    ) -> Result<WorkflowTaskCompletedAnswer> {
        let id = self.execution_of_workflow_task(&request.namespace, &request.task_token)?;
        let by = StartedBy {
            identity: request.identity.clone(),
            deployment: request.deployment_options.clone(),
            sticky: request.sticky_attributes.is_some(),
        };
        let wants_next = request.return_new_workflow_task;
        let completion = self.step(id, |t| {
            let completion = t.complete_workflow_task(request);
            t.terminate_if_too_large();
            completion
        });
        self.settle_but_for(wants_next.then_some(id));
        let completion = match completion {
            Ok(completion) => completion,
            Err(error) => {
                self.offer_workflow_task(id);
                return Err(error);
            }
        };
        let workflow_task = wants_next.then(|| self.next_workflow_task(id, by)).flatten().map(Box::new);
        Ok(completed_answer(completion, workflow_task))
    }

    /// The execution's next workflow task, if one waits already: the same worker goes on at once.
    fn next_workflow_task(&mut self, id: ExecutionId, by: StartedBy) -> Option<WorkflowTaskAnswer> {
        let execution = self.execution(id);
        let waits = execution.core.workflow_task.as_ref().is_some_and(|t| !t.is_started());
        // A run that is to move, or is pinned elsewhere, goes on with other workers.
        let stays = execution.version() == Version::of_worker(by.deployment.as_ref());
        if waits && !stays {
            self.offer_workflow_task(id);
            self.settle();
            return None;
        }
        waits.then(|| self.start_workflow_task(id, by))
    }

    pub(crate) fn fail_workflow_task(
        &mut self,
        request: RespondWorkflowTaskFailedRequest,
    ) -> Result<RespondWorkflowTaskFailedResponse> {
        let id = self.execution_of_workflow_task(&request.namespace, &request.task_token)?;
        let cause = WorkflowTaskFailedCause::try_from(request.cause).unwrap_or_default();
        self.step(id, |t| {
            // Another attempt would be answered by the same: the run ends, as on the reference server.
            if cause == WorkflowTaskFailedCause::GrpcMessageTooLarge {
                return t.terminate(MESSAGE_TOO_LARGE.to_owned(), None, SERVER_IDENTITY.to_owned(), Vec::new());
            }
            t.give_up_workflow_task(cause, request.failure, &request.identity);
            t.terminate_if_too_large();
        });
        Ok(RespondWorkflowTaskFailedResponse::default())
    }

    /// The task that a worker of `namespace` hands back. Nobody answers for another namespace.
    pub(crate) fn token(&self, namespace: &str, token: &[u8]) -> Result<TaskToken> {
        let token = TaskToken::parse(&self.seals, token)?;
        if !namespace.is_empty() {
            self.answers_for(namespace, token.namespace)?;
        }
        Ok(token)
    }

    /// Refuses what a worker of namespace `claimed` says of a task of another.
    pub(in crate::engine) fn answers_for(&self, claimed: &str, namespace: NamespaceId) -> Result<()> {
        match self.namespaces.get(claimed)?.id == namespace {
            true => Ok(()),
            false => Err(Error::invalid("Operation requested with a token from a different namespace.")),
        }
    }

    /// The execution that gave out the token, in memory. Whoever has its number now need not be the one that had it: data
    /// that was restored gives numbers anew.
    ///
    /// # Errors
    /// `missing` where there is none; DATA_LOSS where it is set aside.
    pub(in crate::engine) fn execution_of(
        &mut self,
        token: &TaskToken,
        missing: impl Fn() -> Error,
    ) -> Result<ExecutionId> {
        self.load_or(token.execution, &missing)?;
        let core = &self.execution(token.execution).core;
        let same = core.namespace == token.namespace && core.run_id == token.run_id;
        if same { Ok(token.execution) } else { Err(missing()) }
    }

    fn execution_of_workflow_task(&mut self, namespace: &str, token: &[u8]) -> Result<ExecutionId> {
        let token = self.token(namespace, token)?;
        let missing = || Error::not_found(format!("workflow not found for ID: {}", token.workflow_id));
        let id = self.execution_of(&token, missing)?;
        match self.execution(id).matches_workflow_task(&token) {
            true => Ok(id),
            false => Err(Error::not_found("Workflow task not found.")),
        }
    }

    /// A worker goes: its polls are answered, and what waits on its sticky queue moves to the normal ones.
    pub(crate) fn shutdown_worker(&mut self, request: ShutdownWorkerRequest) -> Result<ShutdownWorkerResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let worker = Leaving {
            identity: &request.identity,
            worker_instance_key: &request.worker_instance_key,
            sticky_queue: &request.sticky_task_queue,
        };
        for (key, poller) in self.queues.shut_down_worker(namespace, &worker, self.now) {
            self.answer_empty(&key, &poller);
            self.leave_sticky_queue(&key, &poller);
        }
        self.drain_sticky_queue(&QueueKey::new(namespace, QueueKind::Workflow, request.sticky_task_queue));
        Ok(ShutdownWorkerResponse::default())
    }

    /// A worker's poll is gone with the worker. What waits on its own queue, where no other of its polls does, is for others.
    pub(in crate::engine) fn leave_sticky_queue(&mut self, key: &QueueKey, poller: &Poller) {
        if !poller.sticky_of.is_empty() && !self.queues.has_recent_poller(key, self.now, Span::ZERO) {
            self.drain_sticky_queue(key);
        }
    }

    fn drain_sticky_queue(&mut self, sticky: &QueueKey) {
        for task in self.queues.drain(sticky) {
            self.move_to_normal_queue(task);
        }
    }

    fn move_to_normal_queue(&mut self, task: Task) {
        if !self.load(task.execution) {
            return;
        }
        match task.work {
            Work::WorkflowTask => self.step(task.execution, |t| t.unstick_workflow_task()),
            Work::Query(number) => self.offer_query(task.execution, number),
            Work::Activity(_) | Work::NexusStart(_) | Work::NexusCancel(_) | Work::NexusIncoming(_) => {}
        }
    }
}

/// What a worker says of its version: in the new form, in the old one, or in the one before that.
pub(crate) fn worker_of(
    options: Option<WorkerDeploymentOptions>,
    capabilities: Option<WorkerVersionCapabilities>,
    binary_checksum: String,
) -> Option<WorkerDeploymentOptions> {
    options.or_else(|| {
        let build_id = capabilities.map_or(binary_checksum, |c| c.build_id);
        (!build_id.is_empty()).then(|| WorkerDeploymentOptions { build_id, ..Default::default() })
    })
}

fn completed_answer(
    completion: Completion,
    workflow_task: Option<Box<WorkflowTaskAnswer>>,
) -> WorkflowTaskCompletedAnswer {
    WorkflowTaskCompletedAnswer {
        response: RespondWorkflowTaskCompletedResponse {
            workflow_task: None,
            activity_tasks: completion.activity_tasks,
            reset_history_event_id: completion.reset_history_event_id,
        },
        workflow_task,
    }
}

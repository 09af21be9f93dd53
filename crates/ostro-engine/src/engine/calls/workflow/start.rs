//! StartWorkflowExecution and the rules for workflow ids.

use temporalio_protos::temporal::api::{
    common::v1::{Link, link},
    enums::v1::{
        EventType, WorkflowExecutionStatus as Status, WorkflowIdConflictPolicy as ConflictPolicy,
        WorkflowIdReusePolicy as Reuse,
    },
    history::v1::{WorkflowExecutionOptionsUpdatedEventAttributes, WorkflowExecutionStartedEventAttributes},
    workflowservice::v1::{StartWorkflowExecutionRequest, StartWorkflowExecutionResponse},
};

use crate::base::error::{Error, Result};
use crate::base::time::{Span, from_duration};
use crate::call::StartAnswer;
use crate::config::FOREVER;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::execution::failures::json_string;
use crate::execution::workflow::close::SERVER_IDENTITY;
use crate::execution::workflow::new_run::NewRun;
use crate::execution::workflow_task::StartedBy;
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

/// The deprecated policy that came before the conflict policies; clients still send it.
pub(in crate::engine) const TERMINATE_IF_RUNNING: Reuse = Reuse::TerminateIfRunning;

/// What stands in the way of a start.
pub(crate) enum Conflict {
    Nothing,
    /// The same request started it already, or the caller accepts the run that is there.
    Use(ExecutionId),
    /// An open run that the caller wants gone.
    Terminate(ExecutionId),
}

answers! {
    StartWorkflowExecutionRequest: |engine, request| engine.start_workflow(request);
}

impl<L: Loader> Engine<L> {
    pub(in crate::engine) fn start_workflow(&mut self, request: StartWorkflowExecutionRequest) -> Result<StartAnswer> {
        self.check_callbacks(&request.completion_callbacks)?;
        let namespace = self.namespaces.get(&request.namespace)?;
        let id = namespace.id;
        let attributes = request.search_attributes.as_ref().map(|a| namespace.check_attributes(a)).transpose()?;
        crate::calendar::cron::check(&request.cron_schedule).map_err(Error::invalid)?;
        let reuse = request.workflow_id_reuse_policy();
        let conflict = request.workflow_id_conflict_policy();
        let found = self.find_conflict(id, &request.workflow_id, &request.request_id, reuse, conflict)?;
        if let Conflict::Use(existing) = found {
            return Ok(self.use_existing(existing, &request));
        }
        let by = StartedBy {
            identity: request.identity.clone(),
            deployment: request.eager_worker_deployment_options.clone(),
            sticky: false,
        };
        let eager = request.request_eager_execution;
        let link_namespace = request.namespace.clone();
        let run = self.requested_run(id, request, attributes)?;
        if let Conflict::Terminate(existing) = found {
            self.terminate_for_reuse(existing, &run.run_id);
        }
        let started = self.start_requested(run, eager, by);
        Ok(self.start_answer(started.0, true, &link_namespace, started.1))
    }

    fn start_requested(
        &mut self,
        mut run: NewRun,
        eager: bool,
        by: StartedBy,
    ) -> (ExecutionId, Option<Box<crate::call::WorkflowTaskAnswer>>) {
        let eager = eager && run.backoff == Span::ZERO && self.may_start_eagerly(&run, &by);
        run.started.eager_execution_accepted = eager;
        if !eager {
            return (self.start_run(run), None);
        }
        let started = self.start_run(run);
        self.settle_but_for(Some(started));
        let task = self.start_workflow_task(started, by);
        (started, Some(Box::new(task)))
    }

    pub(crate) fn start_answer(
        &self,
        id: ExecutionId,
        started: bool,
        namespace: &str,
        workflow_task: Option<Box<crate::call::WorkflowTaskAnswer>>,
    ) -> StartAnswer {
        let core = &self.execution(id).core;
        let reference = link::workflow_event::Reference::EventRef(link::workflow_event::EventReference {
            event_id: 1,
            event_type: EventType::WorkflowExecutionStarted as i32,
        });
        let response = StartWorkflowExecutionResponse {
            run_id: core.run_id.clone(),
            first_execution_run_id: core.first_run_id.clone(),
            started,
            status: core.status,
            link: Some(Link {
                variant: Some(link::Variant::WorkflowEvent(link::WorkflowEvent {
                    namespace: namespace.to_owned(),
                    workflow_id: core.workflow_id.clone(),
                    run_id: core.run_id.clone(),
                    reference: Some(reference),
                })),
            }),
            ..Default::default()
        };
        StartAnswer { response, workflow_task }
    }

    /// Applies the rules for workflow ids.
    ///
    /// # Errors
    /// ALREADY_EXISTS with the run that is in the way.
    pub(crate) fn find_conflict(
        &mut self,
        namespace: NamespaceId,
        workflow_id: &str,
        request_id: &str,
        reuse: Reuse,
        conflict: ConflictPolicy,
    ) -> Result<Conflict> {
        let existing = match self.newest(namespace, workflow_id) {
            Ok(Some(existing)) => existing,
            Ok(None) => return Ok(Conflict::Nothing),
            Err(_) if self.may_start_beside(namespace, workflow_id, reuse) => return Ok(Conflict::Nothing),
            Err(set_aside) => return Err(set_aside),
        };
        let execution = self.execution(existing);
        if !request_id.is_empty() && execution.core.request_ids.contains_key(request_id) {
            return Ok(Conflict::Use(existing));
        }
        if execution.is_open() {
            return match (conflict, reuse) {
                (ConflictPolicy::UseExisting, _) => Ok(Conflict::Use(existing)),
                (ConflictPolicy::TerminateExisting, _) | (_, TERMINATE_IF_RUNNING) => Ok(Conflict::Terminate(existing)),
                _ => Err(self.already_started(existing, "is already running", "")),
            };
        }
        if self.refuses_reuse(existing, reuse) {
            let (what, policy) = match reuse {
                Reuse::RejectDuplicate => {
                    ("already finished", " Workflow Id reuse policy: reject duplicate workflow Id.")
                }
                _ => (
                    "already finished successfully",
                    " Workflow Id reuse policy: allow duplicate workflow Id if last run failed.",
                ),
            };
            return Err(self.already_started(existing, what, policy));
        }
        Ok(Conflict::Nothing)
    }

    fn already_started(&self, existing: ExecutionId, what: &str, policy: &str) -> Error {
        let core = &self.execution(existing).core;
        let message =
            format!("Workflow execution {what}. WorkflowId: {}, RunId: {}.{policy}", core.workflow_id, core.run_id);
        Error::already_started(message, &core.start_request_id, &core.run_id, &core.first_run_id)
    }

    /// Whether a workflow id may not be used again given the run that had it last.
    pub(in crate::engine) fn refuses_reuse(&self, existing: ExecutionId, reuse: Reuse) -> bool {
        let execution = self.execution(existing);
        execution.is_open() || refuses(execution.status(), reuse)
    }

    /// Ends an open run so that `new_run_id` can take its workflow id.
    pub(in crate::engine) fn terminate_for_reuse(&mut self, existing: ExecutionId, new_run_id: &str) {
        let reason = "TerminateIfRunning WorkflowIdReusePolicy".to_owned();
        let details = json_string(&format!("terminated by new runID: {new_run_id}"));
        self.step(existing, |t| t.terminate(reason, Some(details), SERVER_IDENTITY.to_owned(), Vec::new()));
    }

    /// The caller gets the run that is there; it may leave its request id and links with it.
    fn use_existing(&mut self, existing: ExecutionId, request: &StartWorkflowExecutionRequest) -> StartAnswer {
        let core = &self.execution(existing).core;
        let own = core.start_request_id == request.request_id;
        let known = core.request_ids.contains_key(&request.request_id);
        if let Some(options) = request.on_conflict_options.filter(|_| !known)
            && options.attach_request_id
        {
            self.attach_request(existing, request, options.attach_completion_callbacks, options.attach_links);
        }
        self.start_answer(existing, own, &request.namespace, None)
    }

    fn attach_request(
        &mut self,
        existing: ExecutionId,
        request: &StartWorkflowExecutionRequest,
        callbacks: bool,
        links: bool,
    ) {
        let attributes = WorkflowExecutionOptionsUpdatedEventAttributes {
            attached_request_id: request.request_id.clone(),
            attached_completion_callbacks: if callbacks { request.completion_callbacks.clone() } else { Vec::new() },
            identity: request.identity.clone(),
            ..Default::default()
        };
        let links = if links { request.links.clone() } else { Vec::new() };
        self.step(existing, |t| t.record_options(attributes, links));
    }

    /// What a start asks for; a signal-with-start asks the same.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED where the quota of the namespace is used up, FAILED_PRECONDITION for an override to a version that does not have the queue.
    pub(crate) fn requested_run(
        &mut self,
        namespace: NamespaceId,
        request: StartWorkflowExecutionRequest,
        search_attributes: Option<temporalio_protos::temporal::api::common::v1::SearchAttributes>,
    ) -> Result<NewRun> {
        self.check_quota(namespace)?;
        let queue = request.task_queue.as_ref().map_or("", |queue| &queue.name);
        self.check_override(namespace, queue, request.versioning_override.as_ref())?;
        let delay = from_duration(&request.workflow_start_delay).clamp(Span::ZERO, FOREVER);
        let cron = crate::calendar::cron::first_wait(&request.cron_schedule, self.now);
        let request_id = if request.request_id.is_empty() { self.ids.uuid() } else { request.request_id };
        Ok(NewRun {
            namespace,
            workflow_id: request.workflow_id,
            run_id: self.ids.run_id(self.now),
            request_id,
            started: WorkflowExecutionStartedEventAttributes {
                workflow_type: request.workflow_type,
                task_queue: request.task_queue,
                input: request.input,
                workflow_execution_timeout: request.workflow_execution_timeout,
                workflow_run_timeout: request.workflow_run_timeout,
                workflow_task_timeout: request.workflow_task_timeout,
                continued_failure: request.continued_failure,
                last_completion_result: request.last_completion_result,
                initiator: crate::calendar::cron::initiator(&request.cron_schedule),
                identity: request.identity,
                retry_policy: request.retry_policy,
                cron_schedule: request.cron_schedule,
                memo: request.memo,
                search_attributes,
                header: request.header,
                completion_callbacks: request.completion_callbacks,
                versioning_override: request.versioning_override,
                priority: request.priority,
                ..Default::default()
            },
            backoff: if cron > Span::ZERO { cron } else { delay },
            user_metadata: request.user_metadata,
            links: request.links,
            ..Default::default()
        })
    }
}

/// Whether a workflow id may not be used again after a run that closed with this status.
pub(in crate::engine) fn refuses(status: Status, reuse: Reuse) -> bool {
    let unsuccessful = matches!(status, Status::Failed | Status::Canceled | Status::Terminated | Status::TimedOut);
    match reuse {
        Reuse::RejectDuplicate => true,
        Reuse::AllowDuplicateFailedOnly => !unsuccessful,
        _ => false,
    }
}

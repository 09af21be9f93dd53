//! SignalWorkflowExecution, SignalWithStart and RequestCancel.

use temporalio_protos::temporal::api::{
    common::v1::{Link, link},
    enums::v1::{EventType, WorkflowIdConflictPolicy as ConflictPolicy},
    history::v1::{WorkflowExecutionCancelRequestedEventAttributes, WorkflowExecutionSignaledEventAttributes},
    workflowservice::v1::{
        RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse,
        SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse,
        SignalWorkflowExecutionRequest, SignalWorkflowExecutionResponse, StartWorkflowExecutionRequest,
    },
};

use super::start::{Conflict, TERMINATE_IF_RUNNING};
use crate::base::error::{Error, ErrorKind, Result};
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::stored::persistence::{ExecutionId, Loader};

answers! {
    SignalWithStartWorkflowExecutionRequest: |engine, request| engine.signal_with_start(request);
    SignalWorkflowExecutionRequest: |engine, request| engine.signal_workflow(request);
    RequestCancelWorkflowExecutionRequest: |engine, request| engine.cancel_workflow(request);
}

impl<L: Loader> Engine<L> {
    pub(crate) fn signal_workflow(
        &mut self,
        request: SignalWorkflowExecutionRequest,
    ) -> Result<SignalWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.unwrap_or_default();
        let id = self.find_open(namespace, &execution.workflow_id, &execution.run_id)?;
        let event = WorkflowExecutionSignaledEventAttributes {
            signal_name: request.signal_name,
            input: request.input,
            identity: request.identity,
            header: request.header,
            request_id: request.request_id.clone(),
            ..Default::default()
        };
        if self.takes_signal(id, &event.request_id)? {
            self.step(id, |t| {
                t.signal(event, request.links);
                t.terminate_if_too_large();
            });
        }
        Ok(SignalWorkflowExecutionResponse { link: self.signal_link(id, &request.namespace, &request.request_id) })
    }

    /// Whether a signal of this request is new to the run.
    ///
    /// # Errors
    /// INVALID_ARGUMENT beyond the limit of signals.
    fn takes_signal(&self, id: ExecutionId, request_id: &str) -> Result<bool> {
        let execution = self.execution(id);
        if execution.signal_requests.contains_key(request_id) {
            return Ok(false);
        }
        let limit = self.config.signals_max;
        if execution.core.signal_count >= limit {
            let message =
                format!("exceeded workflow execution limit for signal events: {limit}; continue as new to take more");
            return Err(Error::invalid(message));
        }
        Ok(true)
    }

    fn signal_link(&self, id: ExecutionId, namespace: &str, request_id: &str) -> Option<Link> {
        let core = &self.execution(id).core;
        let reference = link::workflow_event::Reference::RequestIdRef(link::workflow_event::RequestIdReference {
            request_id: request_id.to_owned(),
            event_type: EventType::WorkflowExecutionSignaled as i32,
        });
        let event = link::WorkflowEvent {
            namespace: namespace.to_owned(),
            workflow_id: core.workflow_id.clone(),
            run_id: core.run_id.clone(),
            reference: Some(reference),
        };
        Some(Link { variant: Some(link::Variant::WorkflowEvent(event)) })
    }

    pub(in crate::engine) fn signal_with_start(
        &mut self,
        request: SignalWithStartWorkflowExecutionRequest,
    ) -> Result<SignalWithStartWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?;
        let id = namespace.id;
        let attributes = request.search_attributes.as_ref().map(|a| namespace.check_attributes(a)).transpose()?;
        crate::calendar::cron::check(&request.cron_schedule).map_err(Error::invalid)?;
        let conflict = match request.workflow_id_conflict_policy() {
            ConflictPolicy::Unspecified | ConflictPolicy::Fail
                if request.workflow_id_reuse_policy() != TERMINATE_IF_RUNNING =>
            {
                ConflictPolicy::UseExisting
            }
            policy => policy,
        };
        let signal = WorkflowExecutionSignaledEventAttributes {
            signal_name: request.signal_name.clone(),
            input: request.signal_input.clone(),
            identity: request.identity.clone(),
            header: request.header.clone(),
            request_id: request.request_id.clone(),
            ..Default::default()
        };
        let reuse = request.workflow_id_reuse_policy();
        let found = self.find_conflict(id, &request.workflow_id, &request.request_id, reuse, conflict)?;
        let (started, execution) = match found {
            Conflict::Use(existing) => {
                if self.execution(existing).is_open() && self.takes_signal(existing, &signal.request_id)? {
                    self.step(existing, |t| {
                        t.signal_with_start(signal, request.links.clone());
                        t.terminate_if_too_large();
                    });
                }
                (self.execution(existing).core.start_request_id == request.request_id, existing)
            }
            found => {
                let mut run = self.requested_run(id, start_part(&request), attributes)?;
                if let Conflict::Terminate(existing) = found {
                    self.terminate_for_reuse(existing, &run.run_id);
                }
                run.signal = Some((signal, request.links.clone()));
                (true, self.start_run(run))
            }
        };
        let core = &self.execution(execution).core;
        Ok(SignalWithStartWorkflowExecutionResponse {
            run_id: core.run_id.clone(),
            first_execution_run_id: core.first_run_id.clone(),
            started,
            signal_link: self.signal_link(execution, &request.namespace, &request.request_id),
        })
    }

    pub(crate) fn cancel_workflow(
        &mut self,
        request: RequestCancelWorkflowExecutionRequest,
    ) -> Result<RequestCancelWorkflowExecutionResponse> {
        let namespace = self.namespaces.get(&request.namespace)?.id;
        let execution = request.workflow_execution.unwrap_or_default();
        let id = self.find_in_chain(namespace, &execution, &request.first_execution_run_id)?;
        let run = self.execution(id);
        if !run.is_open() {
            // It has ended, which is what the client wants.
            return Ok(RequestCancelWorkflowExecutionResponse::default());
        }
        if run.core.cancel_requested && run.core.cancel_request_id != request.request_id {
            return Ok(RequestCancelWorkflowExecutionResponse::default());
        }
        let event = WorkflowExecutionCancelRequestedEventAttributes {
            cause: request.reason,
            identity: request.identity,
            ..Default::default()
        };
        self.step(id, |t| t.request_cancel(event, &request.request_id, request.links));
        Ok(RequestCancelWorkflowExecutionResponse::default())
    }

    /// The run that a client names, which must belong to the chain that it names.
    pub(crate) fn find_in_chain(
        &mut self,
        namespace: crate::stored::persistence::NamespaceId,
        execution: &temporalio_protos::temporal::api::common::v1::WorkflowExecution,
        first_run_id: &str,
    ) -> Result<ExecutionId> {
        let id = self.find(namespace, &execution.workflow_id, &execution.run_id)?;
        if first_run_id.is_empty() || self.execution(id).core.first_run_id == first_run_id {
            return Ok(id);
        }
        Err(Error { kind: ErrorKind::NotFound, ..Error::not_found("workflow execution not found") })
    }
}

/// The fields that a signal-with-start shares with a start.
fn start_part(r: &SignalWithStartWorkflowExecutionRequest) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: r.namespace.clone(),
        workflow_id: r.workflow_id.clone(),
        workflow_type: r.workflow_type.clone(),
        task_queue: r.task_queue.clone(),
        input: r.input.clone(),
        workflow_execution_timeout: r.workflow_execution_timeout,
        workflow_run_timeout: r.workflow_run_timeout,
        workflow_task_timeout: r.workflow_task_timeout,
        identity: r.identity.clone(),
        request_id: r.request_id.clone(),
        retry_policy: r.retry_policy.clone(),
        cron_schedule: r.cron_schedule.clone(),
        memo: r.memo.clone(),
        header: r.header.clone(),
        workflow_start_delay: r.workflow_start_delay,
        user_metadata: r.user_metadata.clone(),
        links: r.links.clone(),
        versioning_override: r.versioning_override.clone(),
        priority: r.priority.clone(),
        ..Default::default()
    }
}

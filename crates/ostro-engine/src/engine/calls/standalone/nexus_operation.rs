//! Nexus operations without a workflow.

use temporalio_protos::temporal::api::{
    common::v1::{SearchAttributes, WorkflowType},
    enums::v1::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    errordetails::v1::NexusOperationExecutionAlreadyStartedFailure,
    history::v1::{NexusOperationScheduledEventAttributes, WorkflowExecutionStartedEventAttributes},
    workflowservice::v1 as service,
};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::{Span, duration, from_duration};
use crate::config::FOREVER;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::engine::calls::standalone::shared::Attached;
use crate::engine::calls::workflow::start::Conflict;
use crate::execution::standalone::nexus_operation::execution_id;
use crate::execution::workflow::new_run::NewRun;
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

answers! {
    service::StartNexusOperationExecutionRequest: |engine, request| engine.start_standalone_nexus_operation(request);
    service::DescribeNexusOperationExecutionRequest: |engine, request| {
                let id = engine.standalone_nexus_operation(&request.namespace, &request.operation_id, &request.run_id)?;
                let described = engine.execution(id).describe_standalone_nexus_operation(&request, engine.now);
                Ok(described)
            };
    service::PollNexusOperationExecutionRequest: |engine, request| {
                let id = engine.standalone_nexus_operation(&request.namespace, &request.operation_id, &request.run_id)?;
                Ok(engine.execution(id).operation_progress())
            };
    service::RequestCancelNexusOperationExecutionRequest: |engine, request| {
                let id = engine.standalone_nexus_operation(&request.namespace, &request.operation_id, &request.run_id)?;
                engine.view(id, |t| t.request_standalone_nexus_operation_cancel(&request.request_id, &request.reason))?;
                Ok(Default::default())
            };
    service::TerminateNexusOperationExecutionRequest: |engine, request| {
                let id = engine.standalone_nexus_operation(&request.namespace, &request.operation_id, &request.run_id)?;
                engine.view(id, |t| t.terminate_standalone_nexus_operation(&request.request_id, &request.reason, &request.identity))?;
                Ok(Default::default())
            };
    service::DeleteNexusOperationExecutionRequest: |engine, request| {
                let id = engine.standalone_nexus_operation(&request.namespace, &request.operation_id, &request.run_id)?;
                engine.end_and_delete(id, |t| t.terminate_standalone_nexus_operation("", "Delete Nexus operation", ""))?;
                Ok(Default::default())
            };
}

impl<L: Loader> Engine<L> {
    fn start_standalone_nexus_operation(
        &mut self,
        r: service::StartNexusOperationExecutionRequest,
    ) -> Result<service::StartNexusOperationExecutionResponse> {
        self.check_callbacks(&r.completion_callbacks)?;
        let namespace = self.namespaces.get(&r.namespace)?;
        let id = namespace.id;
        let attributes = r.search_attributes.as_ref().map(|a| namespace.check_attributes(a)).transpose()?;
        let endpoint = self.endpoints.by_name(&r.endpoint).map(|endpoint| endpoint.id.clone());
        let endpoint = endpoint
            .ok_or_else(|| Error::not_found(format!("could not find Nexus endpoint by name: {}", r.endpoint)))?;
        let execution = execution_id(&r.operation_id);
        // Both policies have the numbers of those of workflows.
        let reuse = WorkflowIdReusePolicy::try_from(r.id_reuse_policy).unwrap_or_default();
        let conflict = WorkflowIdConflictPolicy::try_from(r.id_conflict_policy).unwrap_or_default();
        let found = self.find_conflict(id, &execution, &r.request_id, reuse, conflict);
        let found = found.map_err(|_| self.operation_already_started(id, &execution))?;
        let (operation, started) = match found {
            Conflict::Use(existing) => {
                let options = r.on_conflict_options.unwrap_or_default();
                let attached = Attached {
                    request_id: r.request_id,
                    wanted: options.attach_request_id,
                    callbacks: if options.attach_completion_callbacks { r.completion_callbacks } else { Vec::new() },
                    links: if options.attach_links { r.links } else { Vec::new() },
                };
                self.attach(existing, attached);
                (existing, false)
            }
            _ => {
                self.check_quota(id)?;
                (self.begin_standalone_nexus_operation(id, execution, r, endpoint, attributes), true)
            }
        };
        let run_id = self.execution(operation).core.run_id.clone();
        Ok(service::StartNexusOperationExecutionResponse { run_id, started })
    }

    fn begin_standalone_nexus_operation(
        &mut self,
        namespace: NamespaceId,
        workflow_id: String,
        r: service::StartNexusOperationExecutionRequest,
        endpoint_id: String,
        search_attributes: Option<SearchAttributes>,
    ) -> ExecutionId {
        let run = NewRun {
            namespace,
            workflow_id,
            run_id: self.ids.run_id(self.now),
            request_id: r.request_id.clone(),
            started: WorkflowExecutionStartedEventAttributes {
                workflow_type: Some(WorkflowType { name: r.operation.clone() }),
                search_attributes,
                identity: r.identity.clone(),
                completion_callbacks: r.completion_callbacks.clone(),
                ..Default::default()
            },
            user_metadata: r.user_metadata.clone(),
            links: r.links.clone(),
            ..Default::default()
        };
        let scheduled = self.scheduled_operation(r, endpoint_id);
        self.begin(run, |t, run| t.start_standalone_nexus_operation(run, scheduled))
    }

    /// The operation as the command of a workflow would have scheduled it.
    fn scheduled_operation(
        &mut self,
        r: service::StartNexusOperationExecutionRequest,
        endpoint_id: String,
    ) -> NexusOperationScheduledEventAttributes {
        let close = from_duration(&r.schedule_to_close_timeout).min(FOREVER);
        let within = |span: Span| if close > Span::ZERO { span.min(close) } else { span.min(FOREVER) };
        let given = |span: Span| if span > Span::ZERO { duration(span) } else { None };
        NexusOperationScheduledEventAttributes {
            endpoint_id,
            endpoint: r.endpoint,
            service: r.service,
            operation: r.operation,
            input: r.input,
            schedule_to_close_timeout: given(close),
            schedule_to_start_timeout: given(within(from_duration(&r.schedule_to_start_timeout))),
            start_to_close_timeout: given(within(from_duration(&r.start_to_close_timeout))),
            nexus_header: r.nexus_header.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect(),
            request_id: self.ids.uuid(),
            ..Default::default()
        }
    }

    fn operation_already_started(&mut self, namespace: NamespaceId, execution: &str) -> Error {
        let (start_request_id, run_id) = self.started_by(namespace, execution);
        let detail = NexusOperationExecutionAlreadyStartedFailure { start_request_id, run_id };
        let message = format!(
            "nexus operation execution already started: request_id={}, run_id={}",
            detail.start_request_id, detail.run_id
        );
        Error::new(ErrorKind::AlreadyExists, message)
            .with("temporal.api.errordetails.v1.NexusOperationExecutionAlreadyStartedFailure", &detail)
    }

    fn standalone_nexus_operation(&mut self, namespace: &str, operation_id: &str, run_id: &str) -> Result<ExecutionId> {
        let namespace = self.namespaces.get(namespace)?.id;
        self.find_named(namespace, &execution_id(operation_id), run_id, ("operation", operation_id))
    }
}

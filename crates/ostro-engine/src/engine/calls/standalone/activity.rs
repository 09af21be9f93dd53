//! Activities without a workflow.

use temporalio_protos::temporal::api::{
    common::v1::{Link, WorkflowExecution, link},
    enums::v1::{WorkflowIdConflictPolicy, WorkflowIdReusePolicy},
    errordetails::v1::ActivityExecutionAlreadyStartedFailure,
    history::v1::{ActivityTaskScheduledEventAttributes, WorkflowExecutionStartedEventAttributes},
    workflowservice::v1 as service,
};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::{Span, from_duration};
use crate::config::FOREVER;
use crate::engine::Engine;
use crate::engine::calls::handle::answers;
use crate::engine::calls::standalone::shared::Attached;
use crate::engine::calls::workflow::start::Conflict;
use crate::execution::standalone::activity::execution_id;
use crate::execution::workflow::backoff::with_defaults;
use crate::execution::workflow::new_run::NewRun;
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

answers! {
    service::StartActivityExecutionRequest: |engine, request| engine.start_standalone_activity(request);
    service::DescribeActivityExecutionRequest: |engine, request| {
                let id = engine.standalone_activity(&request.namespace, &request.activity_id, &request.run_id)?;
                Ok(engine.execution(id).describe_standalone_activity(&request))
            };
    service::RequestCancelActivityExecutionRequest: |engine, request| {
                let id = engine.standalone_activity(&request.namespace, &request.activity_id, &request.run_id)?;
                engine.view(id, |t| t.request_standalone_activity_cancel(&request.request_id, &request.reason, &request.identity))?;
                Ok(Default::default())
            };
    service::TerminateActivityExecutionRequest: |engine, request| {
                let id = engine.standalone_activity(&request.namespace, &request.activity_id, &request.run_id)?;
                engine.view(id, |t| t.terminate_standalone_activity(&request.request_id, &request.reason, &request.identity))?;
                Ok(Default::default())
            };
    service::DeleteActivityExecutionRequest: |engine, request| {
                let id = engine.standalone_activity(&request.namespace, &request.activity_id, &request.run_id)?;
                engine.end_and_delete(id, |t| t.terminate_standalone_activity("", "Delete activity execution", ""))?;
                Ok(Default::default())
            };
    service::PauseActivityExecutionRequest: |engine, request| {
                let request = service::PauseActivityRequest {
                    execution: owner(&request.workflow_id, &request.activity_id, &request.run_id),
                    namespace: request.namespace,
                    identity: request.identity,
                    activity: Some(service::pause_activity_request::Activity::Id(request.activity_id)),
                    reason: request.reason,
                    request_id: request.request_id,
                };
                engine.pause_activity(request)?;
                Ok(Default::default())
            };
    service::UnpauseActivityExecutionRequest: |engine, request| {
                let request = service::UnpauseActivityRequest {
                    execution: owner(&request.workflow_id, &request.activity_id, &request.run_id),
                    namespace: request.namespace,
                    identity: request.identity,
                    activity: Some(service::unpause_activity_request::Activity::Id(request.activity_id)),
                    jitter: request.jitter,
                    ..Default::default()
                };
                engine.unpause_activity(request)?;
                Ok(Default::default())
            };
    service::ResetActivityExecutionRequest: |engine, request| {
                let request = service::ResetActivityRequest {
                    execution: owner(&request.workflow_id, &request.activity_id, &request.run_id),
                    namespace: request.namespace,
                    identity: request.identity,
                    activity: Some(service::reset_activity_request::Activity::Id(request.activity_id)),
                    reset_heartbeat: request.reset_heartbeat,
                    keep_paused: request.keep_paused,
                    jitter: request.jitter,
                    restore_original_options: request.restore_original_options,
                };
                engine.reset_activity(request)?;
                Ok(Default::default())
            };
    service::UpdateActivityExecutionOptionsRequest: |engine, request| {
                let request = service::UpdateActivityOptionsRequest {
                    execution: owner(&request.workflow_id, &request.activity_id, &request.run_id),
                    namespace: request.namespace,
                    identity: request.identity,
                    activity_options: request.activity_options,
                    update_mask: request.update_mask,
                    activity: Some(service::update_activity_options_request::Activity::Id(request.activity_id)),
                    restore_original: request.restore_original,
                };
                let updated = engine.update_activity_options(request)?;
                Ok(service::UpdateActivityExecutionOptionsResponse {
                    activity_options: updated.activity_options,
                })
            };
}

impl<L: Loader> Engine<L> {
    fn start_standalone_activity(
        &mut self,
        r: service::StartActivityExecutionRequest,
    ) -> Result<service::StartActivityExecutionResponse> {
        self.check_callbacks(&r.completion_callbacks)?;
        let namespace = self.namespaces.get(&r.namespace)?;
        let id = namespace.id;
        let attributes = r.search_attributes.as_ref().map(|a| namespace.check_attributes(a)).transpose()?;
        let execution = execution_id(&r.activity_id);
        // Both policies count as those of workflows do.
        let reuse = WorkflowIdReusePolicy::try_from(r.id_reuse_policy).unwrap_or_default();
        let conflict = WorkflowIdConflictPolicy::try_from(r.id_conflict_policy).unwrap_or_default();
        let found = self.find_conflict(id, &execution, &r.request_id, reuse, conflict);
        let found = found.map_err(|_| self.already_running(id, &execution))?;
        let (activity, started) = match found {
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
                (self.begin_standalone_activity(id, execution, &r, attributes), true)
            }
        };
        let core = &self.execution(activity).core;
        let link = link::Activity { namespace: r.namespace, activity_id: r.activity_id, run_id: core.run_id.clone() };
        Ok(service::StartActivityExecutionResponse {
            run_id: core.run_id.clone(),
            started,
            link: Some(Link { variant: Some(link::Variant::Activity(link)) }),
        })
    }

    fn begin_standalone_activity(
        &mut self,
        namespace: NamespaceId,
        workflow_id: String,
        r: &service::StartActivityExecutionRequest,
        search_attributes: Option<temporalio_protos::temporal::api::common::v1::SearchAttributes>,
    ) -> ExecutionId {
        let name = r.activity_type.as_ref().map(|kind| kind.name.clone()).unwrap_or_default();
        let run = NewRun {
            namespace,
            workflow_id,
            run_id: self.ids.run_id(self.now),
            request_id: r.request_id.clone(),
            started: WorkflowExecutionStartedEventAttributes {
                workflow_type: Some(temporalio_protos::temporal::api::common::v1::WorkflowType { name }),
                task_queue: r.task_queue.clone(),
                search_attributes,
                priority: r.priority.clone(),
                identity: r.identity.clone(),
                completion_callbacks: r.completion_callbacks.clone(),
                ..Default::default()
            },
            user_metadata: r.user_metadata.clone(),
            links: r.links.clone(),
            ..Default::default()
        };
        let scheduled = ActivityTaskScheduledEventAttributes {
            activity_id: r.activity_id.clone(),
            activity_type: r.activity_type.clone(),
            task_queue: r.task_queue.clone(),
            header: r.header.clone(),
            input: r.input.clone(),
            schedule_to_close_timeout: r.schedule_to_close_timeout,
            schedule_to_start_timeout: r.schedule_to_start_timeout,
            start_to_close_timeout: r.start_to_close_timeout,
            heartbeat_timeout: r.heartbeat_timeout,
            retry_policy: Some(with_defaults(&r.retry_policy.clone().unwrap_or_default(), &self.config)),
            priority: r.priority.clone(),
            ..Default::default()
        };
        let delay = from_duration(&r.start_delay).clamp(Span::ZERO, FOREVER);
        self.begin(run, |t, run| t.start_standalone_activity(run, scheduled, delay))
    }

    fn already_running(&mut self, namespace: NamespaceId, execution: &str) -> Error {
        let (start_request_id, run_id) = self.started_by(namespace, execution);
        let detail = ActivityExecutionAlreadyStartedFailure { start_request_id, run_id };
        Error::new(ErrorKind::AlreadyExists, "activity execution already started")
            .with("temporal.api.errordetails.v1.ActivityExecutionAlreadyStartedFailure", &detail)
    }

    fn standalone_activity(&mut self, namespace: &str, activity_id: &str, run_id: &str) -> Result<ExecutionId> {
        let namespace = self.namespaces.get(namespace)?.id;
        self.find_standalone_activity(namespace, activity_id, run_id)
    }

    /// The standalone activity that a client names.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn find_standalone_activity(
        &mut self,
        namespace: NamespaceId,
        activity_id: &str,
        run_id: &str,
    ) -> Result<ExecutionId> {
        self.find_named(namespace, &execution_id(activity_id), run_id, ("activity", activity_id))
    }
}

/// The execution that an activity belongs to: its workflow, or itself.
fn owner(workflow_id: &str, activity_id: &str, run_id: &str) -> Option<WorkflowExecution> {
    let workflow_id = if workflow_id.is_empty() { execution_id(activity_id) } else { workflow_id.to_owned() };
    Some(WorkflowExecution { workflow_id, run_id: run_id.to_owned() })
}

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
use crate::call::{Answer, Command};
use crate::config::FOREVER;
use crate::engine::Engine;
use crate::engine::calls::standalone::shared::Attached;
use crate::engine::calls::workflow::start::InTheWay;
use crate::execution::standalone::activity::execution_id;
use crate::execution::workflow::backoff::with_defaults;
use crate::execution::workflow::new_run::NewRun;
use crate::stored::persistence::{ExecutionId, Loader, NamespaceId};

impl<L: Loader> Engine<L> {
    /// A call on standalone activities, or on what comes after them.
    pub(crate) fn standalone_call(&mut self, command: Command) -> Result<Option<Answer>> {
        let answer = match command {
            Command::StartActivityExecution(r) => Answer::StartActivityExecution(Box::new(self.start_standalone(*r)?)),
            Command::DescribeActivityExecution(r) => {
                let id = self.standalone(&r.namespace, &r.activity_id, &r.run_id)?;
                Answer::DescribeActivityExecution(Box::new(self.execution(id).describe_standalone(&r)))
            }
            Command::RequestCancelActivityExecution(r) => {
                let id = self.standalone(&r.namespace, &r.activity_id, &r.run_id)?;
                self.look(id, |t| t.request_standalone_cancel(&r.request_id, &r.reason, &r.identity))?;
                Answer::RequestCancelActivityExecution(Box::default())
            }
            Command::TerminateActivityExecution(r) => {
                let id = self.standalone(&r.namespace, &r.activity_id, &r.run_id)?;
                self.look(id, |t| t.terminate_standalone(&r.request_id, &r.reason, &r.identity))?;
                Answer::TerminateActivityExecution(Box::default())
            }
            Command::DeleteActivityExecution(r) => {
                let id = self.standalone(&r.namespace, &r.activity_id, &r.run_id)?;
                self.end_and_delete(id, |t| t.terminate_standalone("", "Delete activity execution", ""))?;
                Answer::DeleteActivityExecution(Box::default())
            }
            Command::PauseActivityExecution(r) => {
                let request = service::PauseActivityRequest {
                    execution: owner(&r.workflow_id, &r.activity_id, &r.run_id),
                    namespace: r.namespace,
                    identity: r.identity,
                    activity: Some(service::pause_activity_request::Activity::Id(r.activity_id)),
                    reason: r.reason,
                    request_id: r.request_id,
                };
                self.pause_activity(request)?;
                Answer::PauseActivityExecution(Box::default())
            }
            Command::UnpauseActivityExecution(r) => {
                let request = service::UnpauseActivityRequest {
                    execution: owner(&r.workflow_id, &r.activity_id, &r.run_id),
                    namespace: r.namespace,
                    identity: r.identity,
                    activity: Some(service::unpause_activity_request::Activity::Id(r.activity_id)),
                    jitter: r.jitter,
                    ..Default::default()
                };
                self.unpause_activity(request)?;
                Answer::UnpauseActivityExecution(Box::default())
            }
            Command::ResetActivityExecution(r) => {
                let request = service::ResetActivityRequest {
                    execution: owner(&r.workflow_id, &r.activity_id, &r.run_id),
                    namespace: r.namespace,
                    identity: r.identity,
                    activity: Some(service::reset_activity_request::Activity::Id(r.activity_id)),
                    reset_heartbeat: r.reset_heartbeat,
                    keep_paused: r.keep_paused,
                    jitter: r.jitter,
                    restore_original_options: r.restore_original_options,
                };
                self.reset_activity(request)?;
                Answer::ResetActivityExecution(Box::default())
            }
            Command::UpdateActivityExecutionOptions(r) => {
                let request = service::UpdateActivityOptionsRequest {
                    execution: owner(&r.workflow_id, &r.activity_id, &r.run_id),
                    namespace: r.namespace,
                    identity: r.identity,
                    activity_options: r.activity_options,
                    update_mask: r.update_mask,
                    activity: Some(service::update_activity_options_request::Activity::Id(r.activity_id)),
                    restore_original: r.restore_original,
                };
                let updated = self.update_activity_options(request)?;
                Answer::UpdateActivityExecutionOptions(Box::new(service::UpdateActivityExecutionOptionsResponse {
                    activity_options: updated.activity_options,
                }))
            }
            command => return self.standalone_operation_call(command),
        };
        Ok(Some(answer))
    }

    fn start_standalone(
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
        let found = self.in_the_way(id, &execution, &r.request_id, reuse, conflict);
        let found = found.map_err(|_| self.already_running(id, &execution))?;
        let (activity, started) = match found {
            InTheWay::Use(existing) => {
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
                (self.begin_standalone(id, execution, &r, attributes), true)
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

    fn begin_standalone(
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
        self.begin(run, |t, run| t.start_standalone(run, scheduled, delay))
    }

    fn already_running(&mut self, namespace: NamespaceId, execution: &str) -> Error {
        let (start_request_id, run_id) = self.started_by(namespace, execution);
        let detail = ActivityExecutionAlreadyStartedFailure { start_request_id, run_id };
        Error::new(ErrorKind::AlreadyExists, "activity execution already started")
            .with("temporal.api.errordetails.v1.ActivityExecutionAlreadyStartedFailure", &detail)
    }

    fn standalone(&mut self, namespace: &str, activity_id: &str, run_id: &str) -> Result<ExecutionId> {
        let namespace = self.namespaces.get(namespace)?.id;
        self.find_standalone(namespace, activity_id, run_id)
    }

    /// The standalone activity that a client names.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(crate) fn find_standalone(
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

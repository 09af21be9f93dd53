//! The next run of a chain: continue-as-new, retry and cron.

use temporalio_protos::temporal::api::{
    command::v1::ContinueAsNewWorkflowExecutionCommandAttributes,
    common::v1::{Link, Payloads},
    enums::v1::ContinueAsNewInitiator,
    failure::v1::Failure,
    history::v1::{WorkflowExecutionSignaledEventAttributes, WorkflowExecutionStartedEventAttributes},
    sdk::v1::UserMetadata,
};

use crate::base::time::{Span, duration, from_duration};
use crate::execution::Transition;
use crate::stored::persistence::{ExecutionId, NamespaceId};

/// Everything that a new run begins with.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewRun {
    pub namespace: NamespaceId,
    pub workflow_id: String,
    pub run_id: String,
    pub request_id: String,
    /// `workflow_execution_expiration_time`, `first_execution_run_id`... are filled in at start where they are not set.
    pub started: WorkflowExecutionStartedEventAttributes,
    /// How long the first workflow task waits.
    pub backoff: Span,
    pub user_metadata: Option<UserMetadata>,
    pub links: Vec<Link>,
    /// A signal that the run begins with.
    pub signal: Option<(WorkflowExecutionSignaledEventAttributes, Vec<Link>)>,
    pub parent_execution: ExecutionId,
}

/// The next run, and what the event that ends this one says of it.
#[derive(Debug)]
pub(crate) struct Next {
    pub run_id: String,
    pub backoff: Span,
    pub run: Box<NewRun>,
}

impl Transition<'_> {
    pub(crate) fn retried_run(&mut self, wait: Span, failure: Failure) -> Next {
        let mut started = self.inherited(ContinueAsNewInitiator::Retry);
        started.attempt = self.exec.started().attempt.saturating_add(1);
        started.input = self.exec.started().input.clone();
        started.header = self.exec.started().header.clone();
        started.continued_failure = Some(failure);
        started.last_completion_result = self.exec.started().last_completion_result.clone();
        // What the run was given, not what it has made of it.
        started.memo = self.exec.started().memo.clone();
        started.search_attributes = self.exec.started().search_attributes.clone();
        self.inherited_by_retry().give(&mut started);
        started.declined_target_version_upgrade = self.exec.started().declined_target_version_upgrade.clone();
        self.next(started, wait)
    }

    /// The run after this one where the workflow has a cron schedule.
    pub(crate) fn next_cron_run(&mut self, result: Option<Payloads>, failure: Option<Failure>) -> Option<Next> {
        let schedule = self.exec.started().cron_schedule.clone();
        let wait = crate::calendar::cron::next_wait(&schedule, self.exec.core.execution_time(), self.now)?;
        let mut started = self.inherited(ContinueAsNewInitiator::CronSchedule);
        started.input = self.exec.started().input.clone();
        started.header = self.exec.started().header.clone();
        // A run that failed hands on what it was given; one that completed, what it made of it.
        started.last_completion_result = match failure {
            Some(_) => self.exec.started().last_completion_result.clone(),
            None => result,
        };
        started.continued_failure = failure;
        started.versioning_override = self.inherited_by_retry().versioning_override;
        started.memo = self.exec.started().memo.clone();
        started.search_attributes = self.exec.started().search_attributes.clone();
        Some(self.next(started, wait))
    }

    pub(crate) fn next_continued_run(&mut self, a: &ContinueAsNewWorkflowExecutionCommandAttributes) -> Next {
        let initiator = match ContinueAsNewInitiator::try_from(a.initiator) {
            Ok(ContinueAsNewInitiator::Unspecified) | Err(_) => ContinueAsNewInitiator::Workflow,
            Ok(initiator) => initiator,
        };
        let mut started = self.inherited(initiator);
        started.workflow_type = a.workflow_type.clone();
        started.task_queue = a.task_queue.clone();
        started.input = a.input.clone();
        started.header = a.header.clone();
        started.workflow_run_timeout = a.workflow_run_timeout;
        started.workflow_task_timeout = a.workflow_task_timeout;
        started.last_completion_result = a.last_completion_result.clone();
        started.continued_failure = a.failure.clone();
        if a.retry_policy.is_some() {
            started.retry_policy = a.retry_policy.clone();
        }
        // As on the reference server, the command says all of both.
        started.memo = a.memo.clone();
        started.search_attributes = a.search_attributes.clone();
        // As on the reference server, a workflow that continues by its own command keeps its schedule only if it says so.
        started.cron_schedule = a.cron_schedule.clone();
        let queue = a.task_queue.as_ref().map_or("", |queue| &queue.name).to_owned();
        let queue = if queue.is_empty() { self.exec.core.task_queue.clone() } else { queue };
        self.inherited_by_next(&queue, a.initial_versioning_behavior()).give(&mut started);
        if started.inherited_pinned_version.is_some() {
            started.declined_target_version_upgrade = self.declined_upgrade();
        }
        let wait = from_duration(&a.backoff_start_interval).max(Span::ZERO);
        self.next(started, wait.max(self.config.continue_as_new_interval_min))
    }

    /// What each next run takes over from this one.
    fn inherited(&self, initiator: ContinueAsNewInitiator) -> WorkflowExecutionStartedEventAttributes {
        let old = self.exec.started();
        WorkflowExecutionStartedEventAttributes {
            workflow_type: old.workflow_type.clone(),
            parent_workflow_namespace: old.parent_workflow_namespace.clone(),
            parent_workflow_namespace_id: old.parent_workflow_namespace_id.clone(),
            parent_workflow_execution: old.parent_workflow_execution.clone(),
            parent_initiated_event_id: old.parent_initiated_event_id,
            task_queue: old.task_queue.clone(),
            workflow_execution_timeout: old.workflow_execution_timeout,
            workflow_run_timeout: old.workflow_run_timeout,
            workflow_task_timeout: old.workflow_task_timeout,
            continued_execution_run_id: self.exec.core.run_id.clone(),
            initiator: initiator as i32,
            first_execution_run_id: self.exec.core.first_run_id.clone(),
            retry_policy: old.retry_policy.clone(),
            attempt: 1,
            workflow_execution_expiration_time: old.workflow_execution_expiration_time,
            cron_schedule: old.cron_schedule.clone(),
            root_workflow_execution: old.root_workflow_execution.clone(),
            completion_callbacks: self.exec.waiting_callbacks(),
            priority: old.priority.clone(),
            ..Default::default()
        }
    }

    fn next(&mut self, mut started: WorkflowExecutionStartedEventAttributes, backoff: Span) -> Next {
        let run_id = self.ids.run_id(self.now);
        let request_id = self.ids.uuid();
        started.first_workflow_task_backoff = duration(backoff);
        let run = NewRun {
            namespace: self.exec.core.namespace,
            workflow_id: self.exec.core.workflow_id.clone(),
            run_id: run_id.clone(),
            request_id,
            started,
            backoff,
            user_metadata: self.exec.core.user_metadata.clone(),
            parent_execution: self.exec.core.parent_execution,
            ..Default::default()
        };
        Next { run_id, backoff, run: Box::new(run) }
    }
}

//! StartChildWorkflowExecution.

use temporalio_protos::temporal::api::{
    command::v1::StartChildWorkflowExecutionCommandAttributes,
    enums::v1::{ParentClosePolicy, TaskQueueKind, WorkflowIdReusePolicy, WorkflowTaskFailedCause as Cause},
    history::v1::StartChildWorkflowExecutionInitiatedEventAttributes,
    taskqueue::v1::TaskQueue,
};

use super::{Checker, Refusal};
use crate::base::time::{Span, duration, from_duration};
use crate::execution::history::Extras;
use crate::execution::{Effect, Transition};
use crate::stored::execution::Child;

impl Checker<'_> {
    pub(super) fn start_child(&mut self, a: &StartChildWorkflowExecutionCommandAttributes) -> Result<(), Refusal> {
        let cause = Cause::BadStartChildExecutionAttributes;
        self.name(cause, "WorkflowId", &a.workflow_id)?;
        self.name(cause, "WorkflowType", a.workflow_type.as_ref().map_or("", |t| &t.name))?;
        self.length(cause, "TaskQueue", a.task_queue.as_ref().map_or("", |q| &q.name))?;
        for (timeout, name) in [
            (&a.workflow_execution_timeout, "WorkflowExecutionTimeout"),
            (&a.workflow_run_timeout, "WorkflowRunTimeout"),
            (&a.workflow_task_timeout, "WorkflowTaskTimeout"),
        ] {
            if from_duration(timeout) < Span::ZERO {
                return Err(Refusal::new(
                    cause,
                    format!("Invalid {name}: it must not be negative. WorkflowId={}", a.workflow_id),
                ));
            }
        }
        self.retry_policy(cause, &a.retry_policy)?;
        if let Some(attributes) = &a.search_attributes {
            self.namespace
                .check_attributes(attributes)
                .map_err(|e| Refusal::new(Cause::BadSearchAttributes, e.message))?;
        }
        crate::calendar::cron::check(&a.cron_schedule).map_err(|message| Refusal::new(cause, message))?;
        self.payloads(cause, "StartChildWorkflowExecutionCommandAttributes.Input", &a.input)?;
        self.children += 1;
        let limit = self.config.pending_max;
        if self.children > limit {
            let message = format!(
                "the number of pending child workflows, {}, would exceed the limit of {limit}: wait for some to end before starting more",
                self.children
            );
            return Err(Refusal::new(Cause::PendingChildWorkflowsLimitExceeded, message));
        }
        self.child_fits_quota(a)
    }

    /// The task that would start one child too many fails, and is tried again: a parent waits until there is room.
    fn child_fits_quota(&mut self, a: &StartChildWorkflowExecutionCommandAttributes) -> Result<(), Refusal> {
        let Some(left) = &mut self.executions_left else { return Ok(()) };
        let own = a.namespace.is_empty() || a.namespace == self.namespace.name;
        *left -= i64::from(own);
        if *left >= 0 {
            return Ok(());
        }
        let (name, table) = (&self.namespace.name, self.config.quotas.table_of(&self.namespace.name));
        let message = format!(
            "child workflow {:?} is one more than the quota of namespace {name} allows (executions_open_max or \
             history_bytes_max of {table}): the task is tried again, end executions that are not needed, or raise the quota",
            a.workflow_id
        );
        Err(Refusal::new(Cause::PendingChildWorkflowsLimitExceeded, message))
    }
}

impl Transition<'_> {
    pub(super) fn initiate_child(
        &mut self,
        a: StartChildWorkflowExecutionCommandAttributes,
        completed: i64,
        extras: Extras,
    ) {
        let user_metadata = extras.user_metadata.clone();
        let initiated = self.initiated_attributes(a, completed);
        let initiated_event_id = self.record_with(initiated.clone(), extras);
        let request_id = self.ids.uuid();
        self.exec.insert_child(Child {
            initiated_event_id,
            initiated: Some(initiated),
            request_id,
            user_metadata,
            ..Default::default()
        });
        self.effect(Effect::StartChild(self.exec.id, initiated_event_id));
    }

    fn initiated_attributes(
        &self,
        a: StartChildWorkflowExecutionCommandAttributes,
        completed: i64,
    ) -> StartChildWorkflowExecutionInitiatedEventAttributes {
        let namespace = if a.namespace.is_empty() { self.namespace.name.clone() } else { a.namespace.clone() };
        let queue =
            a.task_queue.map(|q| q.name).filter(|n| !n.is_empty()).unwrap_or_else(|| self.exec.core.task_queue.clone());
        let task_timeout = match from_duration(&a.workflow_task_timeout) {
            Span::ZERO => self.config.workflow_task_timeout,
            span => span.min(self.config.workflow_task_timeout_max),
        };
        StartChildWorkflowExecutionInitiatedEventAttributes {
            namespace_id: self.namespace.uuid.clone(),
            namespace,
            workflow_id: a.workflow_id,
            workflow_type: a.workflow_type,
            task_queue: Some(TaskQueue { name: queue, kind: TaskQueueKind::Normal as i32, ..Default::default() }),
            input: a.input,
            workflow_execution_timeout: duration(from_duration(&a.workflow_execution_timeout)),
            workflow_run_timeout: duration(from_duration(&a.workflow_run_timeout)),
            workflow_task_timeout: duration(task_timeout),
            parent_close_policy: or_default(a.parent_close_policy, ParentClosePolicy::Terminate as i32),
            workflow_task_completed_event_id: completed,
            workflow_id_reuse_policy: or_default(
                a.workflow_id_reuse_policy,
                WorkflowIdReusePolicy::AllowDuplicate as i32,
            ),
            retry_policy: a.retry_policy,
            cron_schedule: a.cron_schedule,
            header: a.header,
            memo: a.memo,
            search_attributes: a
                .search_attributes
                .map(|attributes| self.namespace.check_attributes(&attributes).unwrap_or(attributes)),
            priority: a.priority,
            ..Default::default()
        }
    }
}

fn or_default(value: i32, default: i32) -> i32 {
    if value == 0 { default } else { value }
}

//! `Scheduled --start--> Started`: a worker takes the task.

use temporalio_protos::temporal::api::{
    common::v1::{WorkflowExecution, WorkflowType},
    deployment::v1::WorkerDeploymentOptions,
    enums::v1::SuggestContinueAsNewReason,
    query::v1::WorkflowQuery,
    workflowservice::v1::PollWorkflowTaskQueueResponse,
};

use super::started_attributes;
use crate::base::time::timestamp;
use crate::base::token::TaskToken;
use crate::base::version::Version;
use crate::call::{HistorySlice, WorkflowTaskAnswer};
use crate::execution::{Execution, Transition};

/// The worker that takes a task.
#[derive(Debug, Clone, Default)]
pub(crate) struct StartedBy {
    pub identity: String,
    pub deployment: Option<WorkerDeploymentOptions>,
    /// The worker has the execution in its cache and needs only what is new.
    pub sticky: bool,
}

impl Transition<'_> {
    /// Hands the scheduled workflow task to a worker.
    pub(crate) fn start_workflow_task(&mut self, by: StartedBy) -> WorkflowTaskAnswer {
        self.materialise_stale_schedule();
        // A worker without a version leaves a run without one as it is.
        let version = Version::of_worker(by.deployment.as_ref());
        if version != self.exec.version() {
            self.start_transition(version);
        }
        let target_changed = self.notice_target();
        let (suggest, reasons) = self.suggest_continue_as_new();
        let request_id = self.ids.uuid();
        let history_bytes = self.exec.core.history_bytes;
        let now = self.now;
        let task = self.exec.core.workflow_task.as_mut().expect("the caller saw a scheduled task");
        assert!(!task.is_started(), "a workflow task has one worker at a time");
        task.identity = by.identity;
        task.request_id = request_id;
        task.started_time = now.nanos();
        task.suggest_continue_as_new = suggest;
        task.suggest_reasons = reasons;
        task.history_bytes = history_bytes;
        task.started_by = by.deployment;
        task.target_changed = target_changed;
        if task.speculative || task.is_transient() {
            task.started_event_id = task.scheduled_event_id + 1;
        } else {
            let attributes = started_attributes(task);
            let id = self.record(attributes);
            self.workflow_task_mut().started_event_id = id;
        }
        self.send_updates();
        self.workflow_task_answer(by.sticky)
    }

    fn workflow_task_mut(&mut self) -> &mut crate::stored::execution::WorkflowTask {
        self.exec.core.workflow_task.as_mut().expect("the caller saw a task")
    }

    /// A transient or speculative task whose place in history was taken by newer events becomes a plain one.
    fn materialise_stale_schedule(&mut self) {
        let (next, now) = (self.exec.core.next_event_id, self.now);
        let task = self.exec.core.workflow_task.as_mut().expect("the caller saw a scheduled task");
        if (task.speculative || task.is_transient()) && task.scheduled_event_id != next {
            task.speculative = false;
            task.attempt = 1;
            task.scheduled_time = now.nanos();
            self.exec.core.workflow_task_attempt = 1;
            let attributes = self.exec.scheduled_attributes(&self.exec.core.workflow_task.clone().unwrap_or_default());
            let id = self.record(attributes);
            self.workflow_task_mut().scheduled_event_id = id;
        }
    }

    fn suggest_continue_as_new(&self) -> (bool, Vec<i32>) {
        let core = &self.exec.core;
        let checks = [
            (core.history_bytes >= self.config.history_bytes_suggest, SuggestContinueAsNewReason::HistorySizeTooLarge),
            (core.next_event_id > self.config.history_count_suggest, SuggestContinueAsNewReason::TooManyHistoryEvents),
            (
                core.update_count * 10 >= self.config.updates_total_max as i64 * 9,
                SuggestContinueAsNewReason::TooManyUpdates,
            ),
        ];
        let reasons: Vec<_> = checks.into_iter().filter(|(is, _)| *is).map(|(_, reason)| reason as i32).collect();
        (!reasons.is_empty(), reasons)
    }

    fn workflow_task_answer(&mut self, sticky: bool) -> WorkflowTaskAnswer {
        let messages = self.update_messages();
        let queries = self.exec.take_queries_for_task();
        let exec = &*self.exec;
        let task = exec.core.workflow_task.as_ref().expect("just started");
        let has_events = !task.speculative && !task.is_transient();
        let to = if has_events { task.started_event_id + 1 } else { exec.core.next_event_id };
        let extra = exec.transient_events();
        let from = if sticky { exec.core.previous_started_event_id + 1 } else { 1 };
        let response = PollWorkflowTaskQueueResponse {
            task_token: exec.workflow_task_token().to_bytes(self.seals),
            started_event_id: task.started_event_id,
            attempt: task.attempt,
            scheduled_time: timestamp(task.scheduled_time()),
            started_time: timestamp(task.started_time()),
            queries,
            messages,
            ..exec.poll_response()
        };
        WorkflowTaskAnswer { response, history: exec.history_slice(from, to, extra) }
    }
}

impl Execution {
    /// What every workflow task and query says of its execution.
    pub fn poll_response(&self) -> PollWorkflowTaskQueueResponse {
        PollWorkflowTaskQueueResponse {
            workflow_execution: Some(WorkflowExecution {
                workflow_id: self.core.workflow_id.clone(),
                run_id: self.core.run_id.clone(),
            }),
            workflow_type: Some(WorkflowType { name: self.core.workflow_type.clone() }),
            previous_started_event_id: self.core.previous_started_event_id,
            workflow_execution_task_queue: Some(self.normal_queue()),
            ..Default::default()
        }
    }

    pub(crate) fn workflow_task_token(&self) -> TaskToken {
        let task = self.core.workflow_task.as_ref().expect("only a started task has a token");
        TaskToken {
            namespace: self.core.namespace,
            execution: self.id,
            workflow_id: self.core.workflow_id.clone(),
            run_id: self.core.run_id.clone(),
            scheduled_event_id: task.scheduled_event_id,
            started_event_id: task.started_event_id,
            attempt: task.attempt,
            started_time: task.started_time,
            ..Default::default()
        }
    }

    /// Events `from..to`; those of this very transition are not encoded yet and are found after its commit.
    pub(crate) fn history_slice(
        &self,
        from: i64,
        to: i64,
        extra: Vec<temporalio_protos::temporal::api::history::v1::HistoryEvent>,
    ) -> HistorySlice {
        HistorySlice { execution: self.id, from, to, encoded: None, extra }
    }

    fn take_queries_for_task(&mut self) -> std::collections::HashMap<String, WorkflowQuery> {
        let mut queries = std::collections::HashMap::new();
        for (number, query) in self.live.queries.iter_mut().filter(|(_, q)| q.with_workflow_task) {
            query.sent = true;
            queries.insert(number.to_string(), query.query.clone());
        }
        queries
    }
}

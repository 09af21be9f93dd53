//! `Started --complete--> (none) | Scheduled`: the worker's decisions become history.

use temporalio_protos::temporal::api::{
    common::v1::WorkerVersionStamp,
    deployment::v1::WorkerDeploymentVersion,
    failure::v1::{Failure, ServerFailureInfo, failure::FailureInfo},
    history::v1::WorkflowTaskCompletedEventAttributes,
    workflowservice::v1::{PollActivityTaskQueueResponse, RespondWorkflowTaskCompletedRequest},
};

use super::{event, started_attributes, version_stamp};
use crate::base::error::{Error, Result};
use crate::base::time::from_duration;
use crate::base::version::is_versioned;
use crate::execution::Transition;
use crate::execution::command::{Applied, Refusal, check_sequence};
use crate::execution::workflow::close::SERVER_IDENTITY;
use crate::stored::execution::{Sticky, WorkflowTask};

/// What the worker is told.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    /// Activities that start with this very worker.
    pub activity_tasks: Vec<PollActivityTaskQueueResponse>,
    /// The worker must forget events after this one: a speculative task left no trace. 0: nothing to forget.
    pub reset_history_event_id: i64,
}

impl Transition<'_> {
    /// Applies a worker's completion of the workflow task in flight. The caller has matched the token.
    ///
    /// # Errors
    /// INVALID_ARGUMENT where a command is refused. The workflow task has then failed, and that is to be committed.
    pub(crate) fn complete_workflow_task(
        &mut self,
        request: RespondWorkflowTaskCompletedRequest,
    ) -> Result<Completion> {
        check_sequence(&request.commands)?;
        if let Err(refusal) = self.check_completion(&request) {
            return Err(self.refuse(refusal, &request.identity));
        }
        if self.leaves_no_trace(&request) {
            return Ok(self.drop_speculative(request));
        }
        self.write_workflow_task_events();
        let task = self.end_workflow_task(&request);
        let attributes = completed_attributes(&task, &request);
        let completed = self.record(attributes.clone());
        self.move_to_version(&attributes);
        self.exec.note_build(&request);
        let heartbeat = request.force_create_new_workflow_task;
        let applied = self.apply_commands(&request, completed);
        if !heartbeat {
            // A worker that needs more time has not decided on them yet.
            self.reject_unprocessed_updates();
        }
        let news = self.exec.is_open() && self.flush_buffered();
        self.continue_after_task(&task, heartbeat, news);
        self.answer_queries(request.query_results);
        Ok(self.completion(applied))
    }

    fn refuse(&mut self, refusal: Refusal, identity: &str) -> Error {
        let message = refusal.to_string();
        let failure_info = Some(FailureInfo::ServerFailureInfo(ServerFailureInfo::default()));
        let failure = Failure { message: message.clone(), failure_info, ..Default::default() };
        self.abort_sent_updates();
        if self.is_retry_in_vain() && !refusal.fatal {
            // It fails again and again. The next attempt waits for the time-out of this one.
            self.note_workflow_task_failure(refusal.cause, Some(failure));
            return Error::invalid(message);
        }
        self.fail_workflow_task(refusal.cause, Some(failure), identity);
        if refusal.fatal {
            self.terminate(message.clone(), None, SERVER_IDENTITY.to_owned(), Vec::new());
        }
        Error::invalid(message)
    }

    /// Whether a speculative task brought nothing but rejections.
    fn leaves_no_trace(&self, request: &RespondWorkflowTaskCompletedRequest) -> bool {
        self.exec.core.workflow_task.as_ref().is_some_and(|task| task.speculative)
            && request
                .commands
                .iter()
                .all(|c| c.command_type() == temporalio_protos::temporal::api::enums::v1::CommandType::ProtocolMessage)
            && !crate::execution::update::accepts_any(&request.messages)
            && self.exec.buffered.is_empty()
            && !request.force_create_new_workflow_task
    }

    fn drop_speculative(&mut self, request: RespondWorkflowTaskCompletedRequest) -> Completion {
        let task = self.exec.core.workflow_task.take().expect("checked by the caller");
        self.set_sticky(&request);
        self.apply_update_messages(&request.messages, 0);
        self.reject_unprocessed_updates();
        self.continue_after_task(&task, false, false);
        self.answer_queries(request.query_results);
        Completion { reset_history_event_id: self.exec.core.previous_started_event_id, ..Default::default() }
    }

    /// Writes the events of a transient or speculative task, which history does not hold yet.
    pub(super) fn write_workflow_task_events(&mut self) {
        let Some(task) = self.exec.core.workflow_task.clone().filter(|t| t.is_transient() || t.speculative) else {
            return;
        };
        let attributes = self.exec.scheduled_attributes(&task);
        let scheduled = self.record_at(event(0, task.scheduled_time(), attributes));
        assert_eq!(scheduled, task.scheduled_event_id, "nothing may enter history while a task is in flight");
        if task.is_started() {
            self.record_at(event(0, task.started_time(), started_attributes(&task)));
        }
    }

    fn end_workflow_task(&mut self, request: &RespondWorkflowTaskCompletedRequest) -> WorkflowTask {
        let task = self.exec.core.workflow_task.take().expect("the caller matched the token");
        let core = &mut self.exec.core;
        core.previous_started_event_id = task.started_event_id;
        core.workflow_task_attempt = 1;
        core.workflow_task_failure = None;
        core.workflow_task_failed_cause = 0;
        self.exec.tail.forget(task.started_event_id);
        self.forget_problems();
        self.set_sticky(request);
        task
    }

    /// The version that completed the task is the run's; what waits goes there with it.
    fn move_to_version(&mut self, attributes: &WorkflowTaskCompletedEventAttributes) {
        let before = (self.exec.in_transition(), self.exec.behavior(), self.exec.version());
        self.exec.complete_versioning(attributes);
        if before != (self.exec.in_transition(), self.exec.behavior(), self.exec.version()) {
            self.reroute_activities();
        }
    }

    fn set_sticky(&mut self, request: &RespondWorkflowTaskCompletedRequest) {
        self.exec.core.sticky = request.sticky_attributes.as_ref().and_then(|sticky| {
            let queue = sticky.worker_task_queue.as_ref().filter(|q| !q.name.is_empty())?;
            Some(Sticky {
                queue: queue.name.clone(),
                schedule_to_start: from_duration(&sticky.schedule_to_start_timeout).nanos(),
                task_queue: Some(queue.clone()),
            })
        });
    }

    fn continue_after_task(&mut self, task: &WorkflowTask, heartbeat: bool, news: bool) {
        if !self.exec.is_open() {
            return;
        }
        let moving_on = self.exec.in_transition();
        if moving_on {
            // The run has begun to move while this task ran: the next one is for the new version.
            self.exec.core.sticky = None;
        }
        if heartbeat && self.now - task.original_scheduled_time() < self.config.workflow_task_heartbeat_max {
            self.schedule_heartbeat(task.original_scheduled_time());
        } else if heartbeat || news || moving_on {
            self.schedule_workflow_task();
        } else if self.exec.has_unsent_updates() {
            self.schedule_speculative_workflow_task();
        }
    }

    fn completion(&mut self, applied: Applied) -> Completion {
        let mut completion = Completion::default();
        if !self.exec.is_open() {
            return completion;
        }
        for (scheduled_event_id, by) in applied.eager_activities {
            // A later command of the same task may have cancelled it, and the run may be paused.
            if !self.exec.offers_activity(scheduled_event_id) {
                continue;
            }
            let task = self.start_activity(scheduled_event_id, by);
            completion.activity_tasks.push(task);
        }
        completion
    }
}

fn completed_attributes(
    task: &WorkflowTask,
    request: &RespondWorkflowTaskCompletedRequest,
) -> WorkflowTaskCompletedEventAttributes {
    let versioned = request.deployment_options.as_ref().filter(|d| is_versioned(d));
    // Some SDKs send a behaviour though versioning is off.
    let unversioned = request.deployment_options.is_some() && versioned.is_none();
    let name = request.deployment_options.as_ref().map(|d| d.deployment_name.clone());
    WorkflowTaskCompletedEventAttributes {
        scheduled_event_id: task.scheduled_event_id,
        started_event_id: task.started_event_id,
        identity: request.identity.clone(),
        worker_version: build_of(request),
        worker_deployment_name: name.unwrap_or_default(),
        deployment_version: versioned.map(|d| WorkerDeploymentVersion {
            deployment_name: d.deployment_name.clone(),
            build_id: d.build_id.clone(),
        }),
        versioning_behavior: if unversioned { 0 } else { request.versioning_behavior },
        sdk_metadata: request.sdk_metadata.clone(),
        metering_metadata: Some(request.metering_metadata.unwrap_or_default()),
        ..Default::default()
    }
}

/// The build that completed the task, in whichever form its worker says it.
fn build_of(request: &RespondWorkflowTaskCompletedRequest) -> Option<WorkerVersionStamp> {
    let stamp = version_stamp(request.deployment_options.as_ref()).or_else(|| request.worker_version_stamp.clone());
    stamp.or_else(|| {
        let build_id = request.binary_checksum.clone();
        (!build_id.is_empty()).then_some(WorkerVersionStamp { build_id, use_versioning: false })
    })
}

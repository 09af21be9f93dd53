//! `Scheduled --start--> Started`: a worker takes an attempt.

use temporalio_protos::temporal::api::{
    common::v1::{WorkflowExecution, WorkflowType},
    workflowservice::v1::PollActivityTaskQueueResponse,
};

use crate::base::time::timestamp;
use crate::base::token::TaskToken;
use crate::execution::workflow_task::StartedBy;
use crate::execution::{Effect, Transition};
use crate::stored::execution::Activity;

impl Transition<'_> {
    /// Hands the waiting attempt to a worker.
    pub(crate) fn start_activity(&mut self, scheduled_event_id: i64, by: StartedBy) -> PollActivityTaskQueueResponse {
        let request_id = self.ids.uuid();
        let now = self.now;
        let activity = self.exec.activity_mut(scheduled_event_id).expect("the caller saw it waiting");
        assert!(activity.is_waiting(), "an activity has one live attempt at a time");
        activity.started_time = now.nanos();
        activity.last_started_time = now.nanos();
        activity.last_heartbeat_time = 0;
        activity.request_id = request_id;
        activity.last_worker_identity.clone_from(&by.identity);
        activity.identity = by.identity;
        activity.worker = by.deployment;
        self.activity_task(scheduled_event_id)
    }

    /// Takes the attempt off its queue, or out of its back-off, for someone who is no worker.
    pub(crate) fn start_activity_by_hand(&mut self, activity_id: &str, identity: &str) {
        let Some(event) = self.exec.activity_ids.get(activity_id).copied() else { return };
        let (now, id) = (self.now, self.exec.id);
        let Some(activity) = self.exec.activity_mut(event).filter(|activity| !activity.is_started()) else { return };
        activity.backing_off = false;
        activity.started_time = now.nanos();
        activity.last_started_time = now.nanos();
        activity.request_id.clear();
        identity.clone_into(&mut activity.identity);
        let queue = activity.queue().to_owned();
        self.effect(Effect::WithdrawActivity(id, event, queue));
    }

    /// An attempt that was handed out but never reached its worker goes back to its queue.
    pub(crate) fn undo_activity_start(&mut self, scheduled_event_id: i64) {
        let id = self.exec.id;
        if let Some(activity) = self.exec.activity_mut(scheduled_event_id) {
            activity.started_time = 0;
            activity.identity.clear();
            self.effect(Effect::OfferActivity(id, scheduled_event_id));
        }
    }

    fn activity_task(&self, scheduled_event_id: i64) -> PollActivityTaskQueueResponse {
        let activity = &self.exec.activities[&scheduled_event_id];
        let core = &self.exec.core;
        let a = activity.attributes();
        // One that stands alone has a run of its own and no workflow.
        let (workflow_type, workflow_execution, activity_run_id) = match self.exec.is_standalone() {
            true => (None, WorkflowExecution::default(), core.run_id.clone()),
            false => (
                Some(WorkflowType { name: core.workflow_type.clone() }),
                WorkflowExecution { workflow_id: core.workflow_id.clone(), run_id: core.run_id.clone() },
                String::new(),
            ),
        };
        PollActivityTaskQueueResponse {
            task_token: self.activity_token(activity).to_bytes(self.seals),
            workflow_namespace: self.namespace.name.clone(),
            workflow_type,
            workflow_execution: Some(workflow_execution),
            activity_run_id,
            activity_type: a.activity_type.clone(),
            activity_id: a.activity_id.clone(),
            header: a.header.clone(),
            input: a.input.clone(),
            heartbeat_details: activity.heartbeat_details.clone(),
            scheduled_time: timestamp(activity.first_scheduled_time()),
            current_attempt_scheduled_time: timestamp(activity.attempt_scheduled_time()),
            started_time: timestamp(activity.started_time()),
            attempt: activity.attempt,
            schedule_to_close_timeout: a.schedule_to_close_timeout,
            start_to_close_timeout: a.start_to_close_timeout,
            heartbeat_timeout: a.heartbeat_timeout,
            retry_policy: a.retry_policy.clone(),
            priority: Some(a.priority.clone().unwrap_or_default()),
            ..Default::default()
        }
    }

    fn activity_token(&self, activity: &Activity) -> TaskToken {
        TaskToken {
            namespace: self.exec.core.namespace,
            execution: self.exec.id,
            workflow_id: self.exec.core.workflow_id.clone(),
            run_id: self.exec.core.run_id.clone(),
            scheduled_event_id: activity.scheduled_event_id,
            attempt: activity.attempt,
            started_time: activity.started_time,
            activity_id: activity.activity_id().to_owned(),
            ..Default::default()
        }
    }
}

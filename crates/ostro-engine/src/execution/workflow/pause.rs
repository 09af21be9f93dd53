//! `Running --pause--> Paused --unpause--> Running`.
//!
//! A paused run goes on hearing: signals, timers, ends of activities and children are written as they come. It does nothing:
//! no workflow task and no activity leaves for a worker; those that are with one may end. All of it is one state of the
//! run, so nothing can slip through between.

use temporalio_protos::temporal::api::{
    enums::v1::{WorkflowExecutionStatus as Status, WorkflowTaskFailedCause},
    history::v1::{
        WorkflowExecutionPausedEventAttributes, WorkflowExecutionUnpausedEventAttributes,
        WorkflowTaskFailedEventAttributes,
    },
    workflow::v1::WorkflowExecutionPauseInfo,
};

use super::close::SERVER_IDENTITY;
use crate::base::error::{Error, Result};
use crate::base::time::{Time, timestamp};
use crate::execution::history::Extras;
use crate::execution::{Effect, Execution, Transition};
use crate::search::SystemValues;
use crate::stored::persistence::{ItemKey, ItemKind};

/// Says in lists that a run is paused, and why.
const ATTRIBUTE: &str = "TemporalPauseInfo";

impl Execution {
    pub(crate) fn is_paused(&self) -> bool {
        self.status() == Status::Paused
    }

    /// Whether the activity is on a queue, for a worker to take.
    pub(crate) fn offers_activity(&self, scheduled_event_id: i64) -> bool {
        !self.is_paused() && self.activities.get(&scheduled_event_id).is_some_and(|activity| activity.is_waiting())
    }

    /// What the event says.
    pub(crate) fn apply_pause(&mut self, a: &WorkflowExecutionPausedEventAttributes, time: Time) {
        self.core.status = Status::Paused as i32;
        self.core.pause_request_id.clone_from(&a.request_id);
        self.core.pause = Some(WorkflowExecutionPauseInfo {
            identity: a.identity.clone(),
            paused_time: timestamp(time),
            reason: a.reason.clone(),
        });
        let mut words = vec![format!("Workflow:{}", self.core.workflow_id)];
        words.extend((!a.reason.is_empty()).then(|| format!("Reason:{}", a.reason)));
        self.set_pause_words(&words);
    }

    /// What the event that follows says.
    pub(crate) fn apply_unpause(&mut self) {
        self.core.status = Status::Running as i32;
        self.core.pause = None;
        self.core.pause_request_id.clear();
        self.set_pause_words(&[]);
    }

    fn set_pause_words(&mut self, words: &[String]) {
        let mut values = SystemValues::default();
        values.set_list(ATTRIBUTE, words);
        self.set_system_values(values);
    }

    /// Activities that wait, which a pause takes off their queues and its end puts back.
    fn waiting_activities(&self) -> Vec<(i64, String)> {
        let waiting = self.activities.iter().filter(|(_, activity)| activity.is_waiting());
        waiting.map(|(id, activity)| (*id, activity.queue().to_owned())).collect()
    }
}

impl Transition<'_> {
    /// Pauses the run. The same request again changes nothing.
    ///
    /// # Errors
    /// FAILED_PRECONDITION where it is paused already.
    pub(crate) fn pause_run(&mut self, a: WorkflowExecutionPausedEventAttributes) -> Result<()> {
        if self.exec.is_paused() {
            let same = !a.request_id.is_empty() && self.exec.core.pause_request_id == a.request_id;
            return if same { Ok(()) } else { Err(Error::failed_precondition("workflow is already paused.")) };
        }
        self.drop_waiting_task();
        self.record_with(a.clone(), ignorable());
        let now = self.now;
        self.exec.apply_pause(&a, now);
        for (event, queue) in self.exec.waiting_activities() {
            self.effect(Effect::WithdrawActivity(self.exec.id, event, queue));
            // What recovery would put on a queue is stored with the activity.
            self.exec.touch(ItemKind::Activity, ItemKey::Id(event));
        }
        Ok(())
    }

    /// A task that no worker has taken yet fails; another follows when the run goes on.
    fn drop_waiting_task(&mut self) {
        let Some(task) = self.exec.core.workflow_task.clone().filter(|task| !task.is_started()) else { return };
        self.effect(Effect::WithdrawWorkflowTask(self.exec.id, task.queue));
        self.exec.core.workflow_task = None;
        if !task.speculative && task.attempt <= 1 {
            self.record(WorkflowTaskFailedEventAttributes {
                scheduled_event_id: task.scheduled_event_id,
                cause: WorkflowTaskFailedCause::WorkflowPauseRequestedBeforeTaskStarted as i32,
                identity: SERVER_IDENTITY.to_owned(),
                ..Default::default()
            });
        }
    }

    /// The run goes on.
    ///
    /// # Errors
    /// FAILED_PRECONDITION where it is not paused.
    pub(crate) fn unpause_run(&mut self, a: WorkflowExecutionUnpausedEventAttributes) -> Result<()> {
        if !self.exec.is_paused() {
            return Err(Error::failed_precondition("workflow is not paused."));
        }
        self.record_with(a, ignorable());
        self.exec.apply_unpause();
        for (event, _) in self.exec.waiting_activities() {
            self.effect(Effect::OfferActivity(self.exec.id, event));
            self.exec.touch(ItemKind::Activity, ItemKey::Id(event));
        }
        self.schedule_workflow_task();
        Ok(())
    }
}

/// SDKs that are older than these events may pass over them.
fn ignorable() -> Extras {
    Extras { worker_may_ignore: true, ..Default::default() }
}

//! `(none) --schedule--> Scheduled`.

use crate::base::time::{Span, Time};
use crate::execution::{Effect, Transition};
use crate::stored::execution::WorkflowTask;

/// Attempts that keep the plain time-out; later ones get longer and longer.
const PLAIN_ATTEMPTS: i32 = 3;

impl Transition<'_> {
    /// Schedules a workflow task if none is pending and the first one need not wait.
    pub(crate) fn schedule_workflow_task(&mut self) {
        if self.may_schedule() {
            self.schedule(false, Time::UNSET);
        }
    }

    /// Schedules one that carries updates only and leaves no trace if all of them are rejected.
    pub(crate) fn schedule_speculative_workflow_task(&mut self) {
        if self.may_schedule() {
            // History must not end with a workflow task that never was: only a run that had one can speculate.
            let speculative = self.exec.had_workflow_task() && self.exec.core.workflow_task_attempt <= 1;
            self.schedule(speculative, Time::UNSET);
        }
    }

    /// Schedules one that goes on where a workflow-task heartbeat left off.
    pub(super) fn schedule_heartbeat(&mut self, original_scheduled_time: Time) {
        if self.may_schedule() {
            self.schedule(false, original_scheduled_time);
        }
    }

    fn may_schedule(&self) -> bool {
        self.exec.is_open()
            && !self.exec.is_standalone()
            && !self.exec.is_paused()
            && !self.exec.has_workflow_task()
            && self.exec.core.first_task_due() == Time::UNSET
    }

    fn schedule(&mut self, speculative: bool, original_scheduled_time: Time) {
        let attempt = self.exec.core.workflow_task_attempt.max(1);
        let sticky = self.exec.core.sticky.clone().filter(|_| attempt == 1);
        let mut task = WorkflowTask {
            scheduled_event_id: self.exec.core.next_event_id,
            attempt,
            scheduled_time: self.now.nanos(),
            original_scheduled_time: original_scheduled_time.set().unwrap_or(self.now).nanos(),
            timeout: self.workflow_task_timeout(attempt).nanos(),
            queue: self.exec.core.task_queue.clone(),
            speculative,
            ..Default::default()
        };
        if let Some(sticky) = sticky {
            task.schedule_to_start_due = (self.now + sticky.schedule_to_start()).nanos();
            task.queue = sticky.queue;
            task.sticky = true;
        }
        if !speculative && attempt == 1 {
            let attributes = self.exec.scheduled_attributes(&task);
            task.scheduled_event_id = self.record(attributes);
        }
        self.exec.core.workflow_task = Some(task);
        self.effect(Effect::OfferWorkflowTask(self.exec.id));
    }

    /// Start-to-close: the plain one at first, then growing so that a broken worker is not asked in a tight loop.
    fn workflow_task_timeout(&self, attempt: i32) -> Span {
        let plain = self.exec.core.workflow_task_timeout();
        if attempt <= PLAIN_ATTEMPTS {
            return plain;
        }
        let doublings = (attempt - PLAIN_ATTEMPTS - 1).min(20);
        let extra = self.config.workflow_task_retry_interval * (1 << doublings);
        plain + extra.min(self.config.workflow_task_retry_interval_max)
    }

    /// Moves a waiting task to the normal queue: the sticky worker is gone.
    pub(crate) fn unstick_workflow_task(&mut self) {
        let normal = self.exec.core.task_queue.clone();
        self.exec.core.sticky = None;
        if let Some(task) = self.exec.core.workflow_task.as_mut().filter(|t| !t.is_started()) {
            task.sticky = false;
            task.queue = normal;
            task.schedule_to_start_due = 0;
            self.effect(Effect::OfferWorkflowTask(self.exec.id));
        }
    }
}

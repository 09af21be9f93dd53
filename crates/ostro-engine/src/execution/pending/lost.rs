//! A worker's process ended, and what it had begun ended with it.

use crate::base::error::Result;
use crate::base::time::Time;
use crate::execution::activity::ActivityRef;
use crate::execution::{Effect, Execution, Transition, failures};
use crate::stored::execution::{Activity, WorkflowTask};

impl Execution {
    /// Whether workers that are gone hold anything: what they began before `before`, or their own queues.
    pub(crate) fn has_lost(&self, before: Time) -> bool {
        self.is_open()
            && (self.core.workflow_task.as_ref().is_some_and(|task| task.is_lost(before))
                || self.activities.values().any(|activity| activity.is_lost(before)))
    }
}

impl WorkflowTask {
    fn is_lost(&self, before: Time) -> bool {
        if self.is_started() { self.started_time < before.nanos() } else { self.sticky }
    }
}

impl Activity {
    fn is_lost(&self, before: Time) -> bool {
        self.is_started() && self.started_time < before.nanos() && !self.detached
    }
}

impl Transition<'_> {
    /// The attempt goes on outside of the process that took it: [`Self::lose_workers`] leaves it alone.
    pub(crate) fn detach_activity(&mut self, activity: &ActivityRef) -> Result<()> {
        let scheduled_event_id = self.exec.running_activity(activity)?;
        if let Some(activity) = self.exec.activity_mut(scheduled_event_id) {
            activity.detached = true;
        }
        Ok(())
    }

    /// Takes everything from workers that are gone: tasks of the workflow wait for any worker, attempts of activities fail and
    /// are followed by the next at once, where the retry policy has one.
    pub(crate) fn lose_workers(&mut self, before: Time) {
        let lost = self.exec.activities.values().filter(|activity| activity.is_lost(before));
        let lost: Vec<String> = lost.map(|activity| activity.activity_id().to_owned()).collect();
        match self.exec.core.workflow_task.clone().filter(|task| task.is_lost(before)) {
            Some(task) if task.is_started() => self.time_out_workflow_task(),
            Some(task) => {
                self.effect(Effect::WithdrawWorkflowTask(self.exec.id, task.queue));
                self.unstick_workflow_task();
            }
            None => {}
        }
        for id in lost {
            // It runs, as was just looked at: there is nothing to refuse.
            let failed = self.fail_activity(&ActivityRef::Id(id), failures::process_lost(), None, String::new());
            debug_assert!(failed.is_ok(), "{failed:?}");
        }
    }
}

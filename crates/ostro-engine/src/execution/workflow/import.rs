//! `(rebuilt from the history of another server) --import--> Running | closed`.

use crate::execution::{Effect, Transition};

impl Transition<'_> {
    /// Goes on where the history ends; `news`: it ends with something that the workflow was not told of.
    ///
    /// Timers and time-outs keep their moments: those that are past strike at once. Whoever had a task on the other server
    /// is not waited for: the workflow task has timed out, attempts of activities begin anew.
    pub(crate) fn begin_imported(&mut self, news: bool) {
        self.exec.core.imported_time = self.now.nanos();
        if !self.exec.is_open() {
            return;
        }
        self.wait_anew();
        match self.exec.core.workflow_task.as_ref().map(|task| task.is_started()) {
            Some(true) => self.time_out_workflow_task(),
            Some(false) => self.effect(Effect::OfferWorkflowTask(self.exec.id)),
            None if news || self.exec.core.workflow_task_attempt > 1 => self.schedule_workflow_task(),
            None => {}
        }
        self.resume_parts();
    }

    /// No activity is with a worker of this server.
    fn wait_anew(&mut self) {
        let now = self.now;
        let pending: Vec<i64> = self.exec.activities.keys().copied().collect();
        for id in pending {
            let Some(activity) = self.exec.activity_mut(id) else { continue };
            activity.attempt_scheduled_time = now.nanos();
            activity.started_event_id = 0;
            activity.started_time = 0;
        }
    }
}

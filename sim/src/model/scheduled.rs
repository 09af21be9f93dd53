//! Calls on schedules, and the runs that schedules start.

use ostro_engine::time::Time;
use temporalio_protos::temporal::api::enums::v1::{
    ScheduleOverlapPolicy as Overlap, WorkflowIdConflictPolicy as Conflict, WorkflowIdReusePolicy as Reuse,
};

use super::event::End;
use super::oracle::{Answer, Oracle, Refusal};
use super::schedule::{Action, Patch, Plan, Schedule, Taken};
use super::times::rfc3339;

impl Oracle {
    /// The token of the schedule.
    pub fn create_schedule(&mut self, id: &str, request: &str, plan: Plan, patch: Option<Patch>) -> Answer<i64> {
        if let Some(existing) = self.schedules.get(id) {
            return if existing.request == request { Ok(existing.token) } else { Err(Refusal::AlreadyExists) };
        }
        let now = self.time();
        let mut schedule = Schedule::new(plan, request, now);
        if let Some(patch) = patch {
            schedule.patch(patch, now);
        }
        let token = schedule.token;
        self.take_actions(id, schedule);
        self.follow_up();
        Ok(token)
    }

    /// `token`: of what the client saw, 0 where it does not say.
    pub fn update_schedule(&mut self, id: &str, token: i64, plan: Plan) -> Answer<()> {
        if token != 0 && token != self.schedule(id)?.token {
            return Err(Refusal::FailedPrecondition);
        }
        self.change_schedule(id, |schedule, now| schedule.update(plan, now))
    }

    pub fn patch_schedule(&mut self, id: &str, patch: Patch) -> Answer<()> {
        self.change_schedule(id, |schedule, now| schedule.patch(patch, now))
    }

    fn change_schedule(&mut self, id: &str, change: impl FnOnce(&mut Schedule, Time)) -> Answer<()> {
        self.schedule(id)?;
        self.look_at_schedule(id, change);
        self.follow_up();
        Ok(())
    }

    /// What it started runs on.
    pub fn delete_schedule(&mut self, id: &str) -> Answer<()> {
        self.schedules.remove(id).map(drop).ok_or(Refusal::NotFound)
    }

    pub fn schedule(&self, id: &str) -> Answer<&Schedule> {
        self.schedules.get(id).ok_or(Refusal::NotFound)
    }

    /// Does what has come, changes it, and does what follows from that.
    pub(super) fn look_at_schedule(&mut self, id: &str, change: impl FnOnce(&mut Schedule, Time)) {
        let Some(mut schedule) = self.schedules.remove(id) else { return };
        let now = self.time();
        schedule.come_to(now);
        change(&mut schedule, now);
        self.take_actions(id, schedule);
    }

    fn take_actions(&mut self, id: &str, mut schedule: Schedule) {
        schedule.fill_back();
        // What could not be started makes room for what comes after it.
        while self.take_some(&mut schedule) {}
        schedule.pause(self.time());
        self.schedules.insert(id.to_owned(), schedule);
    }

    fn take_some(&mut self, schedule: &mut Schedule) -> bool {
        let round = schedule.round();
        let mut any_failed = false;
        for (action, beside) in round.actions {
            let taken = schedule.may_take(action.manual) && self.take_action(schedule, action, beside);
            any_failed |= !taken;
        }
        if let Some(terminate) = round.stop {
            self.stop(&schedule.running, terminate);
        }
        any_failed
    }

    fn take_action(&mut self, schedule: &mut Schedule, action: Action, beside: bool) -> bool {
        let plan = &schedule.plan;
        let workflow = match plan.keeps_id {
            true => plan.workflow.clone(),
            false => format!("{}-{}", plan.workflow, rfc3339(action.time)),
        };
        // A time of its own is worth one run, ever.
        let once = !action.manual && !plan.keeps_id;
        let reuse = if once { Reuse::RejectDuplicate } else { Reuse::AllowDuplicate };
        let request = format!("action {}", self.runs.len());
        let start = plan.start.clone();
        let policies = (reuse, Conflict::Fail);
        let carried = match schedule.overlap(action.overlap) {
            Overlap::AllowAll => (String::new(), false),
            _ => (schedule.last.clone(), schedule.after_failure),
        };
        let Ok(started) = self.start_quietly(&workflow, &request, start, policies, carried, None) else {
            return false;
        };
        let taken = Taken { time: action.time, at: self.time(), workflow, run: started.run, end: None };
        schedule.took(taken, beside);
        true
    }

    /// Makes room for the next.
    fn stop(&mut self, chains: &[i64], terminate: bool) {
        for first in chains {
            let workflow = self.run(*first).workflow.clone();
            let Some(open) = self.open_run_of(&workflow, *first) else { continue };
            let (runs, now) = self.parts();
            let run = &mut runs[open as usize - 1];
            match terminate {
                true => run.close(End::Terminated, None, now),
                false => run.request_cancel(now),
            }
        }
    }

    /// The newest run of a workflow, where it is open and of that chain.
    fn open_run_of(&mut self, workflow: &str, first: i64) -> Option<i64> {
        let newest = self.newest(workflow)?;
        let run = self.run(newest);
        (run.end.is_none() && run.first == first).then_some(newest)
    }

    /// A run is the last of its chain: a schedule that waits for that may go on.
    pub(super) fn chain_ended(&mut self, number: i64, end: End) {
        let run = self.run(number);
        let (first, workflow, result) = (run.first, run.workflow.clone(), run.start.input.clone());
        let Some(id) = self.schedules.iter().find(|(_, schedule)| schedule.awaits(first)).map(|(id, _)| id.clone())
        else {
            return;
        };
        // A reset has begun it again.
        if self.open_run_of(&workflow, first).is_some() {
            return;
        }
        self.look_at_schedule(&id, |schedule, _| schedule.ended(first, &workflow, end, &result));
    }

    /// The time at which a schedule acts, of all the first.
    pub(super) fn next_schedule(&self) -> Option<(Time, String)> {
        self.schedules.iter().filter_map(|(id, schedule)| Some((schedule.next_due()?, id.clone()))).min()
    }
}

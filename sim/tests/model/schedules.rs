//! Calls on schedules, made to both sides.

use ostro_engine::time::{HOUR, MILLISECOND, SECOND, Span, Time, from_duration, from_timestamp, timestamp};
use ostro_sim::model::event::{End, What};
use ostro_sim::model::schedule::{Patch, Plan, Taken};
use ostro_sim::model::times::{Calendar, Times};
use ostro_sim::model::{Oracle, Refusal, Start, protocol};
use temporalio_protos::temporal::api::{
    enums::v1::{ScheduleOverlapPolicy as Overlap, WorkflowExecutionStatus as Status},
    schedule::v1::{
        BackfillRequest, IntervalSpec, Range, Schedule, ScheduleAction, ScheduleActionResult, SchedulePatch,
        SchedulePolicies, ScheduleSpec, ScheduleState, StructuredCalendarSpec, TriggerImmediatelyRequest,
        schedule_action::Action,
    },
    workflow::v1::NewWorkflowExecutionInfo,
    workflowservice::v1::*,
};

use crate::calls;
use crate::pair::{Pair, refusal};
use crate::real::{NAMESPACE, queue};

const SCHEDULES: [&str; 2] = ["s", "t"];
const OVERLAPS: [Overlap; 7] = [
    Overlap::Unspecified,
    Overlap::Skip,
    Overlap::BufferOne,
    Overlap::BufferAll,
    Overlap::CancelOther,
    Overlap::TerminateOther,
    Overlap::AllowAll,
];

/// What a client sees of a schedule, in the model's words.
#[derive(Debug, PartialEq)]
struct Shown {
    token: i64,
    paused: bool,
    notes: String,
    left: Option<i64>,
    overlap: Overlap,
    window: i64,
    taken: i64,
    skipped: i64,
    missed: i64,
    buffered: i64,
    /// Time, when it was taken, the workflow, how it ended.
    recent: Vec<(Time, Time, String, Status)>,
    running: Vec<String>,
    future: Vec<Time>,
}

impl Pair {
    pub(super) fn call_schedule(&mut self) {
        let id = self.pick(&SCHEDULES);
        match self.below(10) {
            // Where there is none the other calls have nothing to do.
            _ if self.oracle.schedule(id).is_err() && self.below(4) != 0 => self.create_schedule(id),
            0 => self.create_schedule(id),
            1..3 => self.update_schedule(id),
            3..9 => self.patch_schedule(id),
            _ => self.delete_schedule(id),
        }
        self.compare_schedules();
    }

    fn create_schedule(&mut self, id: &str) {
        let (request_id, plan) = (self.request(), self.plan_of_schedule(id));
        let patch = if self.below(3) == 0 { Some(self.patch()) } else { None };
        let request = CreateScheduleRequest {
            namespace: NAMESPACE.into(),
            schedule_id: id.into(),
            schedule: Some(written(&plan)),
            request_id: request_id.clone(),
            initial_patch: patch.clone().map(written_patch),
            ..Default::default()
        };
        let what = format!("create schedule {id} {request_id}: {plan:?}, {patch:?}");
        let real = refusal(self.real.ask(request).map(|answer| token(&answer.conflict_token)));
        let model = self.oracle.create_schedule(id, &request_id, plan, patch);
        self.same(&what, real, model);
    }

    fn update_schedule(&mut self, id: &str) {
        let plan = self.plan_of_schedule(id);
        let seen = self.oracle.schedule(id).map_or(1, |schedule| schedule.token);
        let token = self.pick(&[0, seen, seen, seen + 1]);
        let request = UpdateScheduleRequest {
            namespace: NAMESPACE.into(),
            schedule_id: id.into(),
            schedule: Some(written(&plan)),
            conflict_token: token.to_be_bytes().into(),
            ..Default::default()
        };
        let what = format!("update schedule {id}, token {token}: {plan:?}");
        let real = refusal(self.real.ask(request).map(drop));
        let model = self.oracle.update_schedule(id, token, plan);
        self.same(&what, real, model);
    }

    fn patch_schedule(&mut self, id: &str) {
        let patch = self.patch();
        let request = PatchScheduleRequest {
            namespace: NAMESPACE.into(),
            schedule_id: id.into(),
            patch: Some(written_patch(patch.clone())),
            ..Default::default()
        };
        let real = refusal(self.real.ask(request).map(drop));
        let what = format!("patch of schedule {id}: {patch:?}");
        let model = self.oracle.patch_schedule(id, patch);
        self.same(&what, real, model);
    }

    fn delete_schedule(&mut self, id: &str) {
        let request =
            DeleteScheduleRequest { namespace: NAMESPACE.into(), schedule_id: id.into(), ..Default::default() };
        let real = refusal(self.real.ask(request).map(drop));
        let model = self.oracle.delete_schedule(id);
        self.same(&format!("delete schedule {id}"), real, model);
    }

    /// With the schedule's id as that of its workflow, or one that clients use.
    fn plan_of_schedule(&mut self, id: &str) -> Plan {
        let keeps_id = self.below(4) == 0;
        let start = Start { delay: Span::ZERO, cron: None, ..self.plan_of_start() };
        Plan {
            times: self.times(),
            workflow: if keeps_id { self.pick(&["a", id]).to_owned() } else { id.to_owned() },
            start,
            keeps_id,
            overlap: self.pick(&OVERLAPS),
            window: self.pick(&[Span::ZERO, Span::ZERO, 3 * SECOND, 40 * SECOND]),
            pauses_on_failure: self.below(2) == 0,
            paused: self.below(6) == 0,
            notes: self.pick(&["", "a note"]).to_owned(),
            left: self.pick(&[None, None, Some(0), Some(2), Some(5)]),
        }
    }

    fn times(&mut self) -> Times {
        let now = self.real.now;
        let minutes = |minute: (i64, i64, i64), second| Calendar { second, minute, hour: (0, 23, 1) };
        let mut times = Times {
            start: self.pick(&[Time::UNSET, Time::UNSET, Time::UNSET, now + 20 * SECOND, now + 1500 * MILLISECOND]),
            end: self.pick(&[Time::UNSET, Time::UNSET, Time::UNSET, now + 100 * SECOND]),
            ..Times::default()
        };
        if self.below(2) == 0 {
            times.intervals.push(self.pick(&[(20, 0), (20, 7), (60, 30), (135, 0)]));
        }
        if times.intervals.is_empty() || self.below(4) == 0 {
            times.calendars.push(self.pick(&[
                minutes((0, 59, 1), (10, 50, 20)),
                minutes((0, 59, 3), (0, 0, 1)),
                minutes((0, 40, 1), (5, 6, 1)),
                Calendar { second: (0, 0, 1), minute: (0, 59, 1), hour: (8, 23, 2) },
            ]));
        }
        if self.below(4) == 0 {
            times.excluded.push(minutes((1, 59, 2), (0, 30, 1)));
        }
        times
    }

    fn patch(&mut self) -> Patch {
        let now = self.real.now;
        let overlap = self.pick(&OVERLAPS);
        match self.below(8) {
            0 => Patch::Pause("paused".to_owned()),
            1..3 => Patch::Unpause("unpaused".to_owned()),
            3..6 => Patch::Trigger(self.pick(&[Time::UNSET, Time::UNSET, now - 500 * SECOND]), overlap),
            _ => {
                // The range may end in times to come. A long one takes more than one step.
                let long = self.below(8) == 0;
                let (from, to) = (
                    now - if long { HOUR } else { 200 * SECOND },
                    self.pick(&[now - 100 * SECOND, now, now + 30 * SECOND]),
                );
                Patch::Backfill(from.floor_secs(), to, overlap)
            }
        }
    }

    pub(super) fn compare_schedules(&mut self) {
        for id in SCHEDULES {
            let request = DescribeScheduleRequest { namespace: NAMESPACE.into(), schedule_id: id.into() };
            let real = refusal(self.real.ask(request).map(shown));
            let model = expected(&self.oracle, id, self.real.now);
            if let Ok(model) = &model {
                self.note_schedule(model);
            }
            assert_eq!(real, model, "seed {}, call {}: schedule {id} (engine, model)", self.seed, self.number);
        }
    }

    fn note_schedule(&mut self, shown: &Shown) {
        let stopped = |what: fn(&What) -> bool, oracle: &Oracle| {
            oracle.runs.iter().any(|run| {
                shown.recent.iter().any(|(.., workflow, _)| *workflow == run.workflow)
                    && run.history.iter().any(|event| what(&event.what))
            })
        };
        let cancelled = stopped(|what| matches!(what, What::CancelRequested), &self.oracle);
        let terminated = stopped(|what| matches!(what, What::Closed(End::Terminated)), &self.oracle);
        let open = shown.recent.iter().filter(|(.., status)| *status == Status::Running).count();
        for (reached, what) in [
            (shown.taken > 0, "action taken"),
            (shown.skipped > 0, "action skipped"),
            (shown.missed > 0, "action missed"),
            (shown.buffered > 0, "action buffered"),
            (open > 1 && shown.overlap == Overlap::AllowAll, "actions beside one another"),
            (cancelled && shown.overlap == Overlap::CancelOther, "run cancelled for the next"),
            (terminated && shown.overlap == Overlap::TerminateOther, "run terminated for the next"),
            (shown.paused && shown.notes.starts_with("paused due to"), "paused by a failure"),
            (shown.taken > 0 && shown.left == Some(0), "no actions left"),
        ] {
            if reached {
                self.reached.insert(what.to_owned());
            }
        }
    }
}

fn expected(oracle: &Oracle, id: &str, now: Time) -> Result<Shown, Refusal> {
    let schedule = oracle.schedule(id)?;
    let recent = |taken: &Taken| (taken.time, taken.at, taken.workflow.clone(), status(taken.end));
    Ok(Shown {
        token: schedule.token,
        paused: schedule.plan.paused,
        notes: schedule.plan.notes.clone(),
        left: schedule.plan.left,
        overlap: schedule.overlap(Overlap::Unspecified),
        window: schedule.window().nanos(),
        taken: schedule.counts.taken,
        skipped: schedule.counts.skipped,
        missed: schedule.counts.missed,
        buffered: schedule.buffered.len() as i64,
        recent: schedule.recent.iter().map(recent).collect(),
        running: schedule.running.iter().map(|run| oracle.runs[*run as usize - 1].workflow.clone()).collect(),
        future: schedule.future(now),
    })
}

fn shown(described: DescribeScheduleResponse) -> Shown {
    let schedule = described.schedule.unwrap();
    let (state, policies, info) = (schedule.state.unwrap(), schedule.policies.unwrap(), described.info.unwrap());
    let workflow = |action: &ScheduleActionResult| action.start_workflow_result.clone().unwrap().workflow_id;
    let recent = |action: &ScheduleActionResult| {
        let (time, at) = (from_timestamp(&action.schedule_time), from_timestamp(&action.actual_time));
        (time, at, workflow(action), action.start_workflow_status())
    };
    assert_eq!(info.buffer_dropped, 0);
    Shown {
        token: token(&described.conflict_token),
        paused: state.paused,
        notes: state.notes,
        left: state.limited_actions.then_some(state.remaining_actions),
        overlap: policies.overlap_policy(),
        window: from_duration(&policies.catchup_window).nanos(),
        taken: info.action_count,
        skipped: info.overlap_skipped,
        missed: info.missed_catchup_window,
        buffered: info.buffer_size,
        recent: info.recent_actions.iter().map(recent).collect(),
        running: info.running_workflows.iter().map(|run| run.workflow_id.clone()).collect(),
        future: info.future_action_times.into_iter().map(|time| from_timestamp(&Some(time))).collect(),
    }
}

fn status(end: Option<End>) -> Status {
    match end {
        None => Status::Running,
        Some(End::Completed) => Status::Completed,
        Some(End::Failed(_)) => Status::Failed,
        Some(End::Canceled) => Status::Canceled,
        Some(End::Terminated) => Status::Terminated,
        Some(End::TimedOut(_)) => Status::TimedOut,
        Some(End::ContinuedAsNew) => Status::ContinuedAsNew,
    }
}

fn token(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().expect("a token is a number"))
}

fn written(plan: &Plan) -> Schedule {
    let action = NewWorkflowExecutionInfo {
        workflow_id: plan.workflow.clone(),
        workflow_type: calls::workflow_type(),
        task_queue: queue(),
        input: calls::payloads(&plan.start.input),
        workflow_run_timeout: protocol(plan.start.run_timeout),
        retry_policy: calls::retry_policy(plan.start.attempts_max),
        ..Default::default()
    };
    Schedule {
        spec: Some(written_times(&plan.times)),
        action: Some(ScheduleAction { action: Some(Action::StartWorkflow(action)) }),
        policies: Some(SchedulePolicies {
            overlap_policy: plan.overlap as i32,
            catchup_window: protocol(plan.window),
            pause_on_failure: plan.pauses_on_failure,
            keep_original_workflow_id: plan.keeps_id,
        }),
        state: Some(ScheduleState {
            notes: plan.notes.clone(),
            paused: plan.paused,
            limited_actions: plan.left.is_some(),
            remaining_actions: plan.left.unwrap_or_default(),
        }),
    }
}

fn written_times(times: &Times) -> ScheduleSpec {
    let interval = |(every, phase): &(i64, i64)| IntervalSpec {
        interval: protocol(*every * SECOND),
        phase: protocol(*phase * SECOND),
    };
    let range =
        |(first, last, step): (i64, i64, i64)| vec![Range { start: first as i32, end: last as i32, step: step as i32 }];
    let calendar = |calendar: &Calendar| StructuredCalendarSpec {
        second: range(calendar.second),
        minute: range(calendar.minute),
        hour: range(calendar.hour),
        // Fields that are left out match nothing.
        day_of_month: range((1, 31, 1)),
        month: range((1, 12, 1)),
        day_of_week: range((0, 6, 1)),
        ..Default::default()
    };
    ScheduleSpec {
        interval: times.intervals.iter().map(interval).collect(),
        structured_calendar: times.calendars.iter().map(calendar).collect(),
        exclude_structured_calendar: times.excluded.iter().map(calendar).collect(),
        start_time: timestamp(times.start),
        end_time: timestamp(times.end),
        ..Default::default()
    }
}

fn written_patch(patch: Patch) -> SchedulePatch {
    match patch {
        Patch::Pause(pause) => SchedulePatch { pause, ..Default::default() },
        Patch::Unpause(unpause) => SchedulePatch { unpause, ..Default::default() },
        Patch::Trigger(time, overlap) => {
            let overlap_policy = overlap as i32;
            let trigger = TriggerImmediatelyRequest { overlap_policy, scheduled_time: timestamp(time) };
            SchedulePatch { trigger_immediately: Some(trigger), ..Default::default() }
        }
        Patch::Backfill(from, to, overlap) => {
            let (start_time, end_time) = (timestamp(from), timestamp(to));
            let backfill = BackfillRequest { start_time, end_time, overlap_policy: overlap as i32 };
            SchedulePatch { backfill_request: vec![backfill], ..Default::default() }
        }
    }
}

//! What a description adds to the rows of a history: of activities that are open a history tells only that they were scheduled.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::PendingActivityState as State;
use temporalio_protos::temporal::api::workflow::v1::PendingActivityInfo;

use super::{Kind, Outcome, Part, PartKind, Row, Timeline};
use crate::moment::time_of;

impl Timeline {
    /// Puts what is known of a pending activity into its row.
    pub(crate) fn pending(&mut self, activity: &PendingActivityInfo, now: SystemTime) {
        let is_it = |row: &&mut Row| {
            row.kind == Kind::Activity && row.outcome == Outcome::Open && row.subject == activity.activity_id
        };
        let Some(row) = self.rows.iter_mut().rev().find(is_it) else { return };
        let Some(scheduled) = row.parts.first().map(|part| part.from) else { return };
        row.attempt = activity.attempt;
        row.fault(activity.last_failure.as_ref());
        row.detail("Worker", &activity.last_worker_identity);
        row.payloads("Heartbeat", activity.heartbeat_details.as_ref());
        row.parts = parts(activity, scheduled, now);
    }
}

/// The parts of a bar that is not over: earlier attempts, then what it does now.
fn parts(activity: &PendingActivityInfo, scheduled: SystemTime, now: SystemTime) -> Vec<Part> {
    let started = time_of(activity.last_started_time.as_ref());
    let ended = time_of(activity.last_attempt_complete_time.as_ref());
    let due = time_of(activity.next_attempt_schedule_time.as_ref());
    let paused = activity.pause_info.as_ref().and_then(|pause| time_of(pause.pause_time.as_ref()));
    let (current, since) = match activity.state() {
        State::Started | State::CancelRequested | State::PauseRequested => (PartKind::Running, started),
        _ if activity.paused || activity.state() == State::Paused => (PartKind::Paused, paused),
        _ if due.is_some_and(|due| due > now) => (PartKind::BackingOff, ended),
        _ => (PartKind::Queued, due.or(time_of(activity.scheduled_time.as_ref()))),
    };
    let since = since.unwrap_or(scheduled).max(scheduled);
    let before = if activity.attempt > 1 { PartKind::Retrying } else { PartKind::Queued };
    let earlier = (since > scheduled).then_some(Part { kind: before, from: scheduled, to: Some(since) });
    earlier.into_iter().chain([Part { kind: current, from: since, to: None }]).collect()
}

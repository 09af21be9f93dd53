//! What a pending activity waits for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_protos::temporal::api::workflow::v1::PendingActivityInfo;

use crate::execution::Evidence;
use crate::reason::{Kind, Reason};
use crate::{failure, moment};

pub(crate) fn reason(activity: &PendingActivityInfo, evidence: &Evidence<'_>) -> Reason {
    let now = evidence.now;
    let name = activity.activity_type.as_ref().map_or("", |kind| &kind.name);
    let scheduled = moment::of(activity.scheduled_time.as_ref());
    let (state, blocked) = state(activity, evidence);
    let error = activity.last_failure.as_ref().map(|error| format!(", last error `{}`", failure::line(error)));
    let sentence = format!(
        "Waiting{} for activity `{name}`: {}{state}{}.",
        moment::for_time(scheduled, now),
        attempt(activity),
        error.unwrap_or_default(),
    );
    Reason::new(Kind::Activity, activity.activity_id.clone(), sentence).blocked(blocked)
}

fn attempt(activity: &PendingActivityInfo) -> String {
    match activity.maximum_attempts {
        0 => format!("attempt {}, ", activity.attempt),
        maximum => format!("attempt {} of {maximum}, ", activity.attempt),
    }
}

/// Whether it runs, waits for a worker or backs off; whether it waits for good.
fn state(activity: &PendingActivityInfo, evidence: &Evidence<'_>) -> (String, bool) {
    let now = evidence.now;
    if activity.paused {
        return ("paused until somebody unpauses it".to_owned(), true);
    }
    match activity.state() {
        PendingActivityState::Started => (running(activity, "running", now), false),
        PendingActivityState::CancelRequested => {
            (running(activity, "told to cancel (it learns that by a heartbeat)", now), false)
        }
        PendingActivityState::PauseRequested => (running(activity, "to pause after this attempt", now), false),
        _ => match moment::of(activity.next_attempt_schedule_time.as_ref()).filter(|due| *due > now) {
            Some(due) => (format!("next try {}", moment::until(due, now)), false),
            None => {
                let (why, blocked) = evidence.queue_why(evidence.activity_queue(activity), true);
                (format!("waiting {why}"), blocked)
            }
        },
    }
}

fn running(activity: &PendingActivityInfo, word: &str, now: SystemTime) -> String {
    let worker = match activity.last_worker_identity.as_str() {
        "" => String::new(),
        worker => format!(" on worker `{worker}`"),
    };
    let since = moment::of(activity.last_started_time.as_ref());
    let since = since.map(|since| format!(" for{}", moment::for_time(Some(since), now))).unwrap_or_default();
    let beat = moment::of(activity.last_heartbeat_time.as_ref());
    let beat = beat.map(|beat| format!(", last heartbeat {}", moment::ago(beat, now))).unwrap_or_default();
    format!("{word}{worker}{since}{beat}")
}

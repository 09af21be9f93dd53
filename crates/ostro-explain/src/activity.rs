//! What a pending activity waits for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_protos::temporal::api::workflow::v1::PendingActivityInfo;
use temporalio_protos::temporal::api::workflow::v1::pending_activity_info::pause_info::PausedBy;

use crate::evidence::Evidence;
use crate::reason::{Kind, Reason};
use crate::{duration, failure, moment};

pub(crate) fn reason(activity: &PendingActivityInfo, evidence: &Evidence<'_>) -> Reason {
    let now = evidence.now;
    let name = activity.activity_type.as_ref().map_or("", |kind| &kind.name);
    // Descriptions tell when this attempt was scheduled, which may be in times to come.
    let scheduled = evidence.outstanding.activity_scheduled(&activity.activity_id);
    let scheduled = scheduled.or_else(|| moment::of(activity.scheduled_time.as_ref()));
    let (state, blocked) = state(activity, evidence);
    let sentence = format!(
        "Waiting{} for activity `{name}`: {}{state}{}.",
        moment::for_time(scheduled, now),
        attempt(activity),
        failure::last_error(activity.last_failure.as_ref()),
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
    match activity.state() {
        PendingActivityState::Paused => (paused(activity, now), true),
        PendingActivityState::Started if evidence.has_lost(activity) => {
            (running(activity, "taken by a worker that has left", now), false)
        }
        PendingActivityState::Started => (running(activity, "running", now), false),
        PendingActivityState::CancelRequested => {
            (running(activity, "told to cancel (it learns that by a heartbeat)", now), false)
        }
        PendingActivityState::PauseRequested => (running(activity, "to pause after this attempt, running", now), false),
        // Some servers say so beside the state.
        _ if activity.paused => (paused(activity, now), true),
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
        worker if word.ends_with("left") => format!(", `{worker}`,"),
        worker => format!(" on worker `{worker}`"),
    };
    let since = moment::of(activity.last_started_time.as_ref());
    let since = since.map(|since| format!(" for{}", moment::for_time(Some(since), now))).unwrap_or_default();
    let beat = moment::of(activity.last_heartbeat_time.as_ref());
    let beat = beat.map(|beat| format!(", last heartbeat {}", moment::ago(beat, now))).unwrap_or_default();
    let over = times_out(activity).map(|over| format!(", times out {}", moment::until(over, now))).unwrap_or_default();
    format!("{word}{worker}{since}{beat}{over}")
}

/// When the attempt is given up if nothing is heard of its worker.
fn times_out(activity: &PendingActivityInfo) -> Option<SystemTime> {
    let options = activity.activity_options.as_ref();
    let started = moment::of(activity.last_started_time.as_ref());
    let heard = started.max(moment::of(activity.last_heartbeat_time.as_ref()));
    let after = |from: Option<SystemTime>, span: Option<&prost_wkt_types::Duration>| {
        let span = span.map(duration::from_proto).filter(|span| !span.is_zero())?;
        from?.checked_add(span)
    };
    let close = after(started, options.and_then(|options| options.start_to_close_timeout.as_ref()));
    let silence = after(heard, options.and_then(|options| options.heartbeat_timeout.as_ref()));
    let whole = moment::of(activity.expiration_time.as_ref());
    [close, silence, whole].into_iter().flatten().min()
}

fn paused(activity: &PendingActivityInfo, now: SystemTime) -> String {
    let pause = activity.pause_info.as_ref();
    let since = pause.and_then(|pause| moment::of(pause.pause_time.as_ref()));
    let (identity, reason) = match pause.and_then(|pause| pause.paused_by.as_ref()) {
        Some(PausedBy::Manual(by)) => (by.identity.as_str(), by.reason.as_str()),
        Some(PausedBy::Rule(by)) => (by.identity.as_str(), by.reason.as_str()),
        None => ("", ""),
    };
    format!("paused{}{}, until somebody unpauses it", moment::for_time(since, now), by(identity, reason))
}

/// Who paused it, and why: ` by `me` (a reason)`.
pub(crate) fn by(identity: &str, reason: &str) -> String {
    let mut by = if identity.is_empty() { String::new() } else { format!(" by `{identity}`") };
    if !reason.is_empty() {
        by.push_str(&format!(" ({reason})"));
    }
    by
}

//! What a pending Nexus operation waits for.

use std::time::SystemTime;

use temporalio_protos::temporal::api::enums::v1::{
    NexusOperationCancellationState as Cancellation, PendingNexusOperationState as State,
};
use temporalio_protos::temporal::api::workflow::v1::{NexusOperationCancellationInfo, PendingNexusOperationInfo};

use crate::evidence::Evidence;
use crate::reason::{Kind, Reason};
use crate::{failure, moment};

pub(crate) fn reasons(evidence: &Evidence<'_>) -> impl Iterator<Item = Reason> {
    let now = evidence.now;
    evidence.described.pending_nexus_operations.iter().map(move |operation| reason(operation, now))
}

fn reason(operation: &PendingNexusOperationInfo, now: SystemTime) -> Reason {
    let blocked = !operation.blocked_reason.is_empty();
    let sentence = format!(
        "Waiting{} for Nexus operation `{}` of service `{}` at endpoint `{}`: {}{}.",
        moment::for_time(moment::of(operation.scheduled_time.as_ref()), now),
        operation.operation,
        operation.service,
        operation.endpoint,
        state(operation, now),
        operation.cancellation_info.as_ref().map(|cancel| cancellation(cancel, now)).unwrap_or_default(),
    );
    Reason::new(Kind::NexusOperation, operation.scheduled_event_id.to_string(), sentence).blocked(blocked)
}

fn state(operation: &PendingNexusOperationInfo, now: SystemTime) -> String {
    if operation.state() == State::Started {
        return "its handler works on it, and calls back when it ends".to_owned();
    }
    let next = moment::of(operation.next_attempt_schedule_time.as_ref()).filter(|due| *due > now);
    let what = match next {
        _ if !operation.blocked_reason.is_empty() => format!("blocked: {}", operation.blocked_reason),
        Some(due) => format!("next try {}", moment::until(due, now)),
        None => "its handler has not answered yet".to_owned(),
    };
    let error = failure::last_error(operation.last_attempt_failure.as_ref());
    format!("attempt {}, {what}{error}", operation.attempt)
}

/// To follow what the operation itself waits for.
fn cancellation(cancel: &NexusOperationCancellationInfo, now: SystemTime) -> String {
    let error = failure::last_error(cancel.last_attempt_failure.as_ref());
    let asked = moment::for_time(moment::of(cancel.requested_time.as_ref()), now);
    let asked = if asked.is_empty() { asked } else { format!("{asked} ago") };
    match cancel.state() {
        Cancellation::Succeeded => format!("; it was told to cancel{asked}"),
        Cancellation::Failed => format!("; it could not be told to cancel{error}"),
        Cancellation::Blocked => format!("; it cannot be told to cancel, blocked: {}", cancel.blocked_reason),
        Cancellation::BackingOff => {
            let next = moment::of(cancel.next_attempt_schedule_time.as_ref());
            let next = next.map(|due| format!(", next try {}", moment::until(due, now))).unwrap_or_default();
            format!("; it is to be told to cancel, attempt {}{next}{error}", cancel.attempt)
        }
        Cancellation::Scheduled => format!("; it is being told to cancel{error}"),
        Cancellation::Unspecified | Cancellation::TimedOut => String::new(),
    }
}

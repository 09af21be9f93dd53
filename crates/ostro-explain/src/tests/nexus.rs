//! Sentences on Nexus operations.

use temporalio_protos::temporal::api::enums::v1::{NexusOperationCancellationState, PendingNexusOperationState};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::workflow::v1::{NexusOperationCancellationInfo, PendingNexusOperationInfo};

use super::{at, of, running};

#[test]
fn nexus_operations_by_their_state() {
    let operation = |state: PendingNexusOperationState| PendingNexusOperationInfo {
        endpoint: "payments".into(),
        service: "cards".into(),
        operation: "charge".into(),
        scheduled_time: at(-90),
        attempt: 3,
        state: state.into(),
        ..Default::default()
    };
    let failed = Some(Failure { message: "503".into(), ..Default::default() });
    let backing_off = PendingNexusOperationInfo {
        next_attempt_schedule_time: at(12),
        last_attempt_failure: failed.clone(),
        ..operation(PendingNexusOperationState::BackingOff)
    };
    let blocked = PendingNexusOperationInfo {
        blocked_reason: "the circuit is open".into(),
        ..operation(PendingNexusOperationState::Blocked)
    };
    let cancellation = |state: NexusOperationCancellationState| NexusOperationCancellationInfo {
        requested_time: at(-10),
        state: state.into(),
        attempt: 2,
        next_attempt_schedule_time: at(4),
        last_attempt_failure: failed.clone(),
        ..Default::default()
    };
    let started = operation(PendingNexusOperationState::Started);
    let told = |state| PendingNexusOperationInfo { cancellation_info: Some(cancellation(state)), ..started.clone() };
    let works = "its handler works on it, and calls back when it ends";
    for (operation, expected, is_blocked) in [
        (operation(PendingNexusOperationState::Scheduled), "attempt 3, its handler has not answered yet".into(), false),
        (backing_off, "attempt 3, next try in 12s, last error `503`".into(), false),
        (blocked, "attempt 3, blocked: the circuit is open".into(), true),
        (started.clone(), works.to_owned(), false),
        (told(NexusOperationCancellationState::Succeeded), format!("{works}; it was told to cancel 10s ago"), false),
        (
            told(NexusOperationCancellationState::BackingOff),
            format!("{works}; it is to be told to cancel, attempt 2, next try in 4s, last error `503`"),
            false,
        ),
        (
            told(NexusOperationCancellationState::Failed),
            format!("{works}; it could not be told to cancel, last error `503`"),
            false,
        ),
    ] {
        let mut described = running();
        described.pending_nexus_operations.push(operation);
        let reason = of(&described, &[], &[]).remove(0);
        let begins = "Waiting 1m 30s for Nexus operation `charge` of service `cards` at endpoint `payments`: ";
        assert_eq!(reason.sentence, format!("{begins}{expected}."));
        assert_eq!(reason.blocked, is_blocked);
    }
}

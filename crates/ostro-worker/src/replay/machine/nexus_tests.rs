use super::*;
use crate::replay::machine::transition::taken;
use crate::replay::testing::{context, event_of, run};
use temporalio_protos::temporal::api::enums::v1::EventType::{self, *};

enum Step {
    Sent(CommandType),
    Event(EventType),
    Cancel,
}
use Step::{Cancel, Event, Sent};

const ASKED: Step = Sent(CommandType::RequestCancelNexusOperation);
const SCHEDULED: Step = Event(NexusOperationScheduled);
const STARTED: Step = Event(NexusOperationStarted);
const REQUESTED: Step = Event(NexusOperationCancelRequested);
const TAKEN: Step = Event(NexusOperationCancelRequestCompleted);

/// What the code heard of an operation: `s` started, `=` done at once, `!` not started, `k` a command to cancel it, then its end.
fn heard(cancellation: NexusCancellation, script: &[Step]) -> String {
    let request = ScheduleNexus { seq: 1, cancellation, ..Default::default() };
    let (mut operation, _) = Nexus::new(request, Annotations::default());
    let mut heard = String::new();
    for step in script {
        let effects = match step {
            Sent(command) => run(|_| operation.on_command(*command)),
            Event(kind) => run(|out| operation.on_event(event_of(*kind), &mut context!(), out)),
            Cancel => run(|out| operation.cancel(Annotations::default(), out)),
        };
        heard.extend(effects.iter().map(|effect| match effect {
            Effect::Command(_) => 'k',
            Effect::Job(Job::NexusStarted(1, NexusStart::Started(_))) => 's',
            Effect::Job(Job::NexusStarted(1, NexusStart::Sync)) => '=',
            Effect::Job(Job::NexusStarted(1, NexusStart::Failed(_))) => '!',
            Effect::Job(Job::NexusResolved(1, NexusOutcome::Completed(_))) => '+',
            Effect::Job(Job::NexusResolved(1, NexusOutcome::Failed(_))) => '-',
            Effect::Job(Job::NexusResolved(1, NexusOutcome::TimedOut(_))) => 't',
            Effect::Job(Job::NexusResolved(1, NexusOutcome::Cancelled(_))) => 'x',
            _ => '?',
        }));
    }
    heard
}

#[test]
fn takes_every_row() {
    use NexusCancellation::{Abandon, Try, WaitCompleted, WaitRequested};
    let sent = || Sent(CommandType::ScheduleNexusOperation);
    assert_eq!(heard(Try, &[Cancel]), "!");
    for (end, at_once, letter) in [
        (NexusOperationCompleted, "=+", '+'),
        (NexusOperationFailed, "!", '-'),
        (NexusOperationCanceled, "!", 'x'),
        (NexusOperationTimedOut, "!", 't'),
    ] {
        assert_eq!(heard(Try, &[sent(), SCHEDULED, Event(end), Cancel]), at_once);
        assert_eq!(heard(Try, &[SCHEDULED, STARTED, Event(end)]), format!("s{letter}"));
        let script = [SCHEDULED, STARTED, Cancel, Cancel, ASKED, REQUESTED, TAKEN, Event(end), TAKEN];
        assert_eq!(heard(WaitCompleted, &script), format!("sk{letter}"));
        assert_eq!(heard(WaitRequested, &script), "skx");
        assert_eq!(heard(Try, &script), "skx");
        assert_eq!(heard(Abandon, &[SCHEDULED, STARTED, Cancel, Event(end)]), "sx");
        let early = [SCHEDULED, Cancel, Cancel, ASKED, REQUESTED, STARTED, TAKEN, Event(end)];
        assert_eq!(heard(WaitCompleted, &early), format!("ks{letter}"));
    }
    let refused = [SCHEDULED, STARTED, Cancel, ASKED, REQUESTED, Event(NexusOperationCancelRequestFailed)];
    assert_eq!(heard(WaitRequested, &refused), "sk-");
    assert_eq!(heard(WaitCompleted, &refused), "sk");
    taken::all_of::<Nexus>();
}

use super::*;
use crate::replay::machine::transition::taken;
use crate::replay::testing::{context, event_of, run};
use temporalio_protos::temporal::api::enums::v1::EventType::{self, *};

#[derive(Debug)]
enum Step {
    Sent,
    Event(EventType),
    Cancel,
}
use Step::{Cancel, Event, Sent};

/// What the code heard of a child: `s` started, `!` not started, `k` a command to cancel it, then how it ended.
fn heard(cancellation: ChildCancellation, script: &[Step]) -> String {
    let (mut child, _) = Child::new(StartChild { seq: 1, cancellation, ..Default::default() }, Annotations::default());
    let mut heard = String::new();
    for step in script {
        let effects = match step {
            Sent => run(|_| child.on_command(CommandType::StartChildWorkflowExecution)),
            Event(kind) => run(|out| child.on_event(event_of(*kind), &mut context!(), out)),
            Cancel => run(|out| child.cancel("why".to_owned(), Annotations::default(), out)),
        };
        heard.extend(effects.iter().map(|effect| match effect {
            Effect::CancelChild(..) => 'k',
            Effect::Job(Job::ChildStarted(1, ChildStart::Started(_))) => 's',
            Effect::Job(Job::ChildStarted(1, _)) => '!',
            Effect::Job(Job::ChildResolved(1, Outcome::Completed(_))) => '+',
            Effect::Job(Job::ChildResolved(1, Outcome::Failed(_))) => '-',
            Effect::Job(Job::ChildResolved(1, Outcome::Cancelled(_))) => 'x',
            _ => '?',
        }));
    }
    assert!(child.is_over(), "{script:?} leaves it {:?}", child.state);
    heard
}

#[test]
fn takes_every_row() {
    use ChildCancellation::{Abandon, Try, WaitCompleted, WaitRequested};
    let initiated = || Event(StartChildWorkflowExecutionInitiated);
    let started = || Event(ChildWorkflowExecutionStarted);
    assert_eq!(heard(Abandon, &[Sent, initiated(), Event(StartChildWorkflowExecutionFailed)]), "!");
    assert_eq!(heard(Abandon, &[Cancel, Cancel]), "!");
    assert_eq!(heard(WaitCompleted, &[Cancel, Cancel]), "!");
    assert_eq!(heard(Try, &[initiated(), Cancel, Cancel, Event(StartChildWorkflowExecutionFailed)]), "kx");
    for (end, letter) in [
        (ChildWorkflowExecutionCompleted, '+'),
        (ChildWorkflowExecutionFailed, '-'),
        (ChildWorkflowExecutionTimedOut, '-'),
        (ChildWorkflowExecutionTerminated, '-'),
        (ChildWorkflowExecutionCanceled, 'x'),
    ] {
        assert_eq!(heard(Try, &[Sent, initiated(), started(), Event(end)]), format!("s{letter}"));
        assert_eq!(heard(WaitCompleted, &[initiated(), Cancel, started(), Event(end)]), format!("ks{letter}"));
        assert_eq!(heard(WaitRequested, &[initiated(), started(), Cancel, Event(end)]), format!("sk{letter}"));
        assert_eq!(heard(Try, &[initiated(), Cancel, started(), Event(end)]), "kx");
        assert_eq!(heard(Abandon, &[initiated(), started(), Cancel, Cancel, Event(end)]), "sx");
    }
    taken::all_of::<Child>();
}

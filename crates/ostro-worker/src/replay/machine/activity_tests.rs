use super::*;
use crate::replay::machine::transition::taken;
use crate::replay::testing::{context, event_of, run};
use temporalio_protos::temporal::api::enums::v1::EventType::{self, *};

/// Takes an activity through events and requests of its code; what the code heard, `c` a command, `.` nothing.
fn heard(cancellation: ActivityCancellation, script: &[Step]) -> String {
    let (mut activity, _) =
        Activity::new(ScheduleActivity { seq: 1, cancellation, ..Default::default() }, Annotations::default());
    let mut heard = String::new();
    for step in script {
        let effects = match step {
            Step::Sent(command) => run(|_| activity.on_command(*command)),
            Step::Event(kind) => run(|out| activity.on_event(event_of(*kind), &mut context!(), out)),
            Step::Cancel => run(|out| activity.cancel(Annotations::default(), out)),
        };
        heard.extend(effects.iter().map(letter));
    }
    assert!(activity.is_over(), "{script:?} leaves it {:?}", activity.state);
    heard
}

fn letter(effect: &Effect) -> char {
    match effect {
        Effect::Command(_) => 'c',
        Effect::Job(Job::ActivityResolved { seq: 1, local: false, outcome }) => match outcome {
            ActivityOutcome::Completed(_) => '+',
            ActivityOutcome::Failed(_) => '-',
            ActivityOutcome::Cancelled(_) => 'x',
            ActivityOutcome::Backoff { .. } => '?',
        },
        _ => '!',
    }
}

#[derive(Debug)]
enum Step {
    Sent(CommandType),
    Event(EventType),
    Cancel,
}

fn e(kind: EventType) -> Step {
    Step::Event(kind)
}

#[test]
fn takes_every_row() {
    use ActivityCancellation::{Abandon, Try, Wait};
    let sent = || Step::Sent(CommandType::ScheduleActivityTask);
    let asked = || Step::Sent(CommandType::RequestCancelActivityTask);
    let (scheduled, started) = (ActivityTaskScheduled, ActivityTaskStarted);
    assert_eq!(heard(Try, &[sent(), e(scheduled), e(started), e(ActivityTaskCompleted)]), "+");
    assert_eq!(heard(Try, &[sent(), e(scheduled), e(started), e(ActivityTaskFailed)]), "-");
    assert_eq!(heard(Try, &[sent(), e(scheduled), e(started), e(ActivityTaskTimedOut)]), "-");
    assert_eq!(heard(Try, &[sent(), e(scheduled), e(ActivityTaskTimedOut)]), "-");
    assert_eq!(heard(Try, &[Step::Cancel]), "x");
    assert_eq!(heard(Abandon, &[Step::Cancel, Step::Cancel]), "x");
    for end in [ActivityTaskCanceled, ActivityTaskTimedOut] {
        let script = [e(scheduled), Step::Cancel, asked(), e(ActivityTaskCancelRequested), e(end)];
        assert_eq!(heard(Try, &script), "cx");
    }
    for (end, letter) in [
        (ActivityTaskCompleted, "c+"),
        (ActivityTaskFailed, "c-"),
        (ActivityTaskTimedOut, "c-"),
        (ActivityTaskCanceled, "cx"),
    ] {
        let at_once = [e(scheduled), Step::Cancel, asked(), e(ActivityTaskCancelRequested), e(started), e(end)];
        assert_eq!(heard(Wait, &at_once), letter);
        assert_eq!(heard(Try, &at_once), "cx", "it was told when it asked");
        let later =
            [e(scheduled), e(started), Step::Cancel, Step::Cancel, asked(), e(ActivityTaskCancelRequested), e(end)];
        assert_eq!(heard(Wait, &later), letter);
        // Whatever becomes of it: nobody waits.
        assert_eq!(heard(Abandon, &[e(scheduled), Step::Cancel, e(started), e(end)]), "x");
        assert_eq!(heard(Abandon, &[e(scheduled), e(started), Step::Cancel, e(end)]), "x");
    }
    taken::all_of::<Activity>();
}

#[test]
fn another_id_or_type_is_nondeterminism_where_the_history_checks_it() {
    let mut request = ScheduleActivity::default();
    request.attributes.activity_id = "one".to_owned();
    let (mut activity, _) = Activity::new(request, Annotations::default());
    let error = activity
        .on_event(event_of(ActivityTaskScheduled), &mut Context { is_last_task: true, ..context!() }, &mut Vec::new())
        .unwrap_err();
    assert!(error.to_string().contains("activity id `` where the code has `one`"), "{error}");
}

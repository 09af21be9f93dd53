use super::*;
use crate::replay::machine::transition::taken;
use crate::replay::testing::{attributes, context, run};
use std::time::UNIX_EPOCH;

fn end(result: LocalResult) -> Resolution {
    Resolution {
        result,
        complete_time: None,
        attempt: 1,
        backoff: None,
        original_schedule_time: Some(UNIX_EPOCH),
        activation: Some(2),
    }
}

fn done() -> Resolution {
    end(LocalResult::Completed(Some(Payload::default())))
}

fn local(cancellation: ActivityCancellation, replaying: bool) -> (Local, Effects) {
    let request = LocalActivity { seq: 7, activity_type: "kind".to_owned(), cancellation, ..Default::default() };
    let mut out = Effects::new();
    let began = Some(UNIX_EPOCH + Duration::from_secs(9));
    let local = Local::new(Arc::new(request), Annotations::default(), replaying, began, UNIX_EPOCH, &mut out);
    (local, out)
}

/// The marker that a resolution asks to be written.
fn marker_of(effects: &[Effect]) -> HistoryEvent {
    let command = effects.iter().find_map(|effect| match effect {
        Effect::Command(command) => Some(command),
        _ => None,
    });
    attributes::marker(command.expect("a marker"))
}

fn cancels(local: &mut Local) -> usize {
    run(|out| local.cancel(1, out)).len()
}

#[test]
fn takes_every_row() {
    use ActivityCancellation::{Abandon, Try, Wait};
    let (mut waits, begun) = local(Wait, false);
    assert!(matches!(begun[..], [Effect::RunLocal(..)]));
    assert_eq!(cancels(&mut waits), 1);
    let heard = run(|out| waits.resolve(done(), Duration::from_secs(1), out));
    assert!(matches!(heard[..], [Effect::Job(_), Effect::Time(_), Effect::Command(_)]), "{heard:?}");
    assert_eq!(cancels(&mut waits), 0);
    assert!(run(|out| waits.resolve(done(), Duration::ZERO, out)).is_empty());
    waits.on_command(CommandType::RecordMarker).unwrap();
    assert_eq!(cancels(&mut waits), 0);
    assert!(run(|out| waits.resolve(done(), Duration::ZERO, out)).is_empty());
    let marker = marker_of(&heard);
    run(|out| waits.on_event(marker.clone(), &mut context!(), out));
    assert!(waits.is_over());

    for (cancellation, effects) in [(Try, 3), (Abandon, 3)] {
        let (mut left, _) = local(cancellation, false);
        let heard = run(|out| left.cancel(1, out));
        assert_eq!(heard.len(), effects, "{heard:?}");
        assert_eq!(cancels(&mut left), 0);
        left.on_command(CommandType::RecordMarker).unwrap();
        assert_eq!(cancels(&mut left), 0);
    }
    for cancellation in [Wait, Try] {
        let (mut known, begun) = local(cancellation, true);
        assert!(begun.is_empty() && known.takes_marker());
        assert_eq!(cancels(&mut known), 1);
        let found = recorded(&marker).unwrap().unwrap().resolution;
        let heard = run(|out| known.resolve_known(found, out));
        assert!(matches!(heard[..], [Effect::Job(_), Effect::Time(_)]), "{heard:?}");
        assert_eq!(cancels(&mut known), 1);
        run(|out| known.on_event(marker.clone(), &mut context!(), out));
        assert!(known.is_over());
        let (mut missing, _) = local(cancellation, true);
        assert!(matches!(run(|out| missing.not_recorded(out))[..], [Effect::RunLocal(..)]));
    }
    taken::all_of::<Local>();
}

#[test]
fn a_marker_keeps_what_it_was_made_from() {
    let failure = Failure { message: "no".to_owned(), ..Failure::default() };
    let timeout = FailureInfo::TimeoutFailureInfo(Default::default());
    let cancelled = failures::empty_cancellation();
    for result in [
        LocalResult::Completed(Some(Payload { data: b"1".to_vec(), ..Payload::default() })),
        LocalResult::Failed(failure.clone()),
        LocalResult::TimedOut(Failure { failure_info: Some(timeout), ..failure }),
        LocalResult::Cancelled(cancelled),
    ] {
        let (mut here, _) = local(ActivityCancellation::Wait, false);
        let made = Resolution { backoff: Some(Duration::from_secs(90)), ..end(result) };
        let heard = run(|out| here.resolve(made.clone(), Duration::from_secs(1), out));
        let found = recorded(&marker_of(&heard)).unwrap().unwrap();
        let time = Some(UNIX_EPOCH + Duration::from_secs(10));
        assert_eq!(found.resolution, Resolution { complete_time: time, ..made.clone() });
        let (mut again, _) = local(ActivityCancellation::Wait, true);
        let replayed = run(|out| again.resolve_known(found.resolution, out));
        assert_eq!(format!("{:?}", replayed[0]), format!("{:?}", heard[0]), "a replay sees what was seen at first");
    }
}

#[test]
fn another_type_or_another_end_is_nondeterminism() {
    let (mut here, _) = local(ActivityCancellation::Wait, false);
    let marker = marker_of(&run(|out| here.resolve(done(), Duration::ZERO, out)));
    let (mut failed, _) = local(ActivityCancellation::Wait, false);
    let bad = end(LocalResult::Failed(Failure::default()));
    run(|out| failed.resolve(bad, Duration::ZERO, out));
    failed.on_command(CommandType::RecordMarker).unwrap();
    let error = failed.on_event(marker.clone(), &mut context!(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("failed here, and in the history it completed"), "{error}");
    let (mut other, _) = local(ActivityCancellation::Wait, false);
    Arc::make_mut(&mut other.request).activity_type = "other".to_owned();
    run(|out| other.resolve(done(), Duration::ZERO, out));
    other.on_command(CommandType::RecordMarker).unwrap();
    let error = other.on_event(marker, &mut context!(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("type `kind` where the code has `other`"), "{error}");
}

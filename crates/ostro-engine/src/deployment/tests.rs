//! One property of the deployments per test.

use temporalio_protos::temporal::api::enums::v1::WorkerDeploymentVersionStatus as Status;

use super::*;
use crate::base::error::ErrorKind;
use crate::base::time::Time;

const NAMESPACE: NamespaceId = 1;

fn queue(name: &str) -> QueueKey {
    QueueKey::new(NAMESPACE, QueueKind::Workflow, name.to_owned())
}

fn change() -> Change {
    Change { namespace: NAMESPACE, deployment: "d".to_owned(), identity: "me".to_owned(), ..Default::default() }
}

fn current(build_id: &str) -> SetCurrent {
    SetCurrent { change: change(), build_id: build_id.to_owned() }
}

fn ramping(build_id: &str, percentage: f32) -> SetRamping {
    SetRamping { change: change(), build_id: Some(build_id.to_owned()), percentage }
}

/// Two versions that poll `q`.
fn deployments() -> Deployments {
    let mut all = Deployments::default();
    for (build, time) in [("1", 1), ("2", 2)] {
        all.register(&queue("q"), &Version::new("d", build), Time::from_nanos(time)).unwrap();
    }
    all
}

fn status(all: &Deployments, build: &str) -> i32 {
    all.describe_version(NAMESPACE, &Version::new("d", build), Time::from_nanos(99)).unwrap().status
}

fn build_for(all: &Deployments, workflow_id: &str) -> String {
    all.target(&queue("q"), ramp_hash(workflow_id)).version.map(|v| v.build_id).unwrap_or_default()
}

#[test]
fn a_version_is_registered_once_and_routes_nothing_by_itself() {
    let mut all = deployments();
    assert!(all.register(&queue("q"), &Version::new("d", "1"), Time::from_nanos(3)).unwrap().is_empty());
    assert_eq!(build_for(&all, "w"), "");
    assert_eq!(status(&all, "1"), Status::Inactive as i32);
}

#[test]
fn the_current_version_gets_tasks_and_the_one_before_drains() {
    let mut all = deployments();
    all.set_current(&current("1"), Time::from_nanos(10), |_| true).unwrap();
    let changed = all.set_current(&current("2"), Time::from_nanos(11), |_| true).unwrap();
    assert_eq!(changed.previous, Some(Version::new("d", "1")));
    assert_eq!(build_for(&all, "w"), "2");
    assert_eq!([status(&all, "1"), status(&all, "2")], [Status::Draining as i32, Status::Current as i32]);
    assert!(all.settle_drainage(NAMESPACE, "d", Time::from_nanos(12), |_| true).is_none());
    assert!(all.settle_drainage(NAMESPACE, "d", Time::from_nanos(13), |_| false).is_some());
    assert_eq!(status(&all, "1"), Status::Drained as i32);
    assert!(all.reactivate(NAMESPACE, &Version::new("d", "1"), Time::from_nanos(14)).is_some());
    assert_eq!(status(&all, "1"), Status::Draining as i32);
}

#[test]
fn a_ramp_takes_its_share_of_ids_and_a_larger_one_only_adds() {
    let mut all = deployments();
    all.set_current(&current("1"), Time::from_nanos(10), |_| true).unwrap();
    let mut before: Vec<bool> = vec![false; 2000];
    for (step, share) in [0.0_f32, 10.0, 50.0, 90.0, 100.0].into_iter().enumerate() {
        all.set_ramping(&ramping("2", share), Time::from_nanos(11 + step as i64), |_| true).unwrap();
        let now: Vec<bool> = (0..2000).map(|i| build_for(&all, &format!("workflow-{i}")) == "2").collect();
        let got = now.iter().filter(|is| **is).count() as f32 / 20.0;
        assert!((got - share).abs() < 4.0, "{share} % asked, {got} % got");
        assert!(before.iter().zip(&now).all(|(before, now)| !before || *now));
        before = now;
    }
    let all_ramping = all.ramping_target(&queue("q"), 0).version;
    assert_eq!(all_ramping, Some(Version::new("d", "2")));
}

#[test]
fn a_stale_token_a_foreign_manager_and_an_unknown_version_change_nothing() {
    let mut all = deployments();
    let token = all.set_current(&current("1"), Time::from_nanos(10), |_| true).unwrap().conflict_token;
    all.set_current(&current("2"), Time::from_nanos(11), |_| true).unwrap();
    let stale = SetCurrent { change: Change { conflict_token: token, ..change() }, build_id: "1".to_owned() };
    assert_eq!(all.set_current(&stale, Time::from_nanos(12), |_| true).unwrap_err().message, "conflict token mismatch");
    assert_eq!(all.set_current(&current("9"), Time::from_nanos(12), |_| true).unwrap_err().kind, ErrorKind::NotFound);
    all.set_manager(&change(), "boss", Time::from_nanos(13)).unwrap();
    assert_eq!(
        all.set_current(&current("1"), Time::from_nanos(14), |_| true).unwrap_err().kind,
        ErrorKind::FailedPrecondition
    );
    assert_eq!(build_for(&all, "w"), "2");
}

#[test]
fn queues_in_use_that_the_new_version_lacks_are_refused() {
    let mut all = deployments();
    all.register(&queue("only-1"), &Version::new("d", "1"), Time::from_nanos(3)).unwrap();
    all.set_current(&current("1"), Time::from_nanos(10), |_| true).unwrap();
    let refused = all.set_current(&current("2"), Time::from_nanos(11), |_| true).unwrap_err();
    assert!(refused.message.contains("missing active task queues"), "{}", refused.message);
    let ignoring = SetCurrent { change: Change { ignore_missing_queues: true, ..change() }, build_id: "2".to_owned() };
    all.set_current(&ignoring, Time::from_nanos(12), |_| true).unwrap();
    assert_eq!(all.target(&queue("only-1"), 0).version, None, "the current version does not have the queue");
}

#[test]
fn only_what_is_unused_is_deleted() {
    let mut all = deployments();
    all.set_current(&current("2"), Time::from_nanos(10), |_| true).unwrap();
    let delete = |all: &mut Deployments, build: &str, polled| {
        all.delete_version(NAMESPACE, &Version::new("d", build), "me", false, polled).map(|writes| writes.len())
    };
    assert!(delete(&mut all, "2", false).is_err(), "current");
    assert!(delete(&mut all, "1", true).is_err(), "polled");
    assert_eq!(delete(&mut all, "1", false).unwrap(), 1);
    assert_eq!(delete(&mut all, "1", false).unwrap(), 0, "gone is gone");
    assert!(all.delete(NAMESPACE, "d").is_err(), "it has versions");
}

#[test]
fn what_is_stored_is_what_comes_back() {
    let mut all = deployments();
    let writes = all.set_current(&current("2"), Time::from_nanos(10), |_| true).unwrap().writes;
    let records: Vec<StoredRecord> = writes
        .into_iter()
        .filter_map(|write| match write {
            Write::PutRecord { kind, key, value } => Some(StoredRecord { kind, key, value }),
            _ => None,
        })
        .collect();
    let restored = Deployments::restore(&records).0;
    assert_eq!(restored.by_name, all.by_name);
    assert_eq!(build_for(&restored, "w"), "2");
}

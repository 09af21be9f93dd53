//! What is said of schedules, and of those that are not as they must be.

use std::collections::HashSet;

use ostro_engine::stored::schedule::Record;
use ostro_engine::time::{MINUTE, SECOND, duration};
use prost::Message;
use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    schedule::v1::{IntervalSpec, Schedule, ScheduleInfo, ScheduleSpec, ScheduleState},
};

use super::*;

/// One that acts every minute, was looked at by then, and waits for the end of these runs.
fn record(looked: Time, paused: bool, waits_for: &[&str]) -> Vec<u8> {
    let interval = vec![IntervalSpec { interval: duration(MINUTE), phase: None }];
    let schedule = Schedule {
        spec: Some(ScheduleSpec { interval, ..Default::default() }),
        state: Some(ScheduleState { paused, ..Default::default() }),
        ..Default::default()
    };
    let run = |run_id: &&str| WorkflowExecution { run_id: (*run_id).to_owned(), ..Default::default() };
    let info = ScheduleInfo { running_workflows: waits_for.iter().map(run).collect(), ..Default::default() };
    let record =
        Record { schedule: Some(schedule), info: Some(info), last_processed: looked.nanos(), ..Default::default() };
    record.encode_to_vec()
}

#[test]
fn schedules_are_counted_and_those_that_wait_for_ended_runs_are_faults() {
    let now = 1_800_000_000 * SECOND;
    let open_chains = HashSet::from(["open".to_owned()]);
    let namespaces = BTreeMap::from([(1, "default".to_owned())]);
    let mut report = Report::default();
    for (schedule_id, value) in [
        ("each", record(now.since_epoch(), false, &["open"])),
        ("later", record((now + 5 * MINUTE).since_epoch(), false, &[])),
        ("paused", record(now.since_epoch(), true, &[])),
    ] {
        report.add_schedule(
            &FoundSchedule { namespace: 1, schedule_id, value: &value, open_chains: &open_chains },
            &namespaces,
        );
    }
    let at = SystemTime::UNIX_EPOCH + now.to_std();
    let text = report.to_text(at);
    let expected = "3 schedules, of which\n  2 act by time, the next in 1m\n  0 wait for a run of theirs to end\n  \
                    1 are paused\n  0 have nothing left to do\nSCHEDULE default/each: acts in 1m\n\
                    SCHEDULE default/later: acts in 6m\nSCHEDULE default/paused: is paused, until somebody unpauses it\n";
    assert!(text.contains(expected) && report.is_sound(), "{text}");
    let said = &report.to_json()["schedules"];
    assert_eq!((&said["actByTime"], &said["paused"], &said["spent"]), (&json!(2), &json!(1), &json!(0)));
    let each = |id: &str, wakes_by: &str, due: Option<&str>| json!({"namespace": "default", "scheduleId": id, "wakesBy": wakes_by, "due": due});
    let expected = json!([
        each("each", "time", Some("2027-01-15T08:01:00Z")),
        each("later", "time", Some("2027-01-15T08:06:00Z")),
        each("paused", "unpause", None),
    ]);
    assert_eq!(said["each"], expected);

    let value = record(now.since_epoch(), false, &["ended"]);
    let found = FoundSchedule { namespace: 1, schedule_id: "stuck", value: &value, open_chains: &open_chains };
    report.add_schedule(&found, &namespaces);
    let what = "it waits for the end of run ended, which is not open";
    let fault = format!("FAULT    default, schedule stuck: {what}\n");
    assert!(report.to_text(at).contains(&fault) && !report.is_sound(), "{}", report.to_text(at));
    let fault = json!({"namespace": "default", "scheduleId": "stuck", "what": what});
    assert_eq!(report.to_json()["faults"], json!([fault]));
}

#[test]
fn of_many_schedules_some_have_a_line() {
    let value = record((1_800_000_000 * SECOND).since_epoch(), false, &[]);
    let (open_chains, namespaces) = (HashSet::new(), BTreeMap::from([(1, "default".to_owned())]));
    let mut report = Report::default();
    for number in 0..52 {
        let schedule_id = &format!("s{number}");
        let found = FoundSchedule { namespace: 1, schedule_id, value: &value, open_chains: &open_chains };
        report.add_schedule(&found, &namespaces);
    }
    let text = report.to_text(SystemTime::UNIX_EPOCH);
    assert_eq!(text.matches("SCHEDULE ").count(), 50);
    assert!(text.contains("  and 2 more (--json shows all)\n"), "{text}");
    assert_eq!(report.to_json()["schedules"]["each"].as_array().map(Vec::len), Some(52));
}

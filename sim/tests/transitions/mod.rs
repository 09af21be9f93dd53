//! The tables at the top of the engine's state machines: every row is taken, by these seeds or by a test that is named.
//!
//! A row that is added or changed without a witness here fails as well.

use std::collections::BTreeMap;

/// How it is seen that a row was taken.
enum Taken {
    /// The seeds have reached all of these: events by type, with what tells them apart, and calls that were answered.
    Seeds(&'static [&'static str]),
    /// A test of the engine takes it: its file, and its name.
    Test(&'static str, &'static str),
}

use Taken::{Seeds, Test};

macro_rules! source {
    ($path:literal) => {
        include_str!(concat!("../../../crates/ostro-engine/src/", $path))
    };
}

macro_rules! test {
    ($path:literal, $name:literal) => {
        Test(include_str!(concat!("../../../crates/ostro-engine/tests/engine/", $path)), $name)
    };
}

/// A module, and for each row of its table what shows that it was taken.
struct Table {
    module: &'static str,
    source: &'static str,
    rows: &'static [(&'static str, Taken)],
}

/// Fails where a row was not taken, or has no witness.
pub fn check(reached: &BTreeMap<String, u64>) {
    let missing: Vec<String> = TABLES.iter().flat_map(|table| missing(table, reached)).collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn missing(table: &Table, reached: &BTreeMap<String, u64>) -> Vec<String> {
    let mut missing = Vec::new();
    for row in rows(table.source) {
        match table.rows.iter().find(|(known, _)| *known == row) {
            None => missing.push(format!("{}: nothing shows that this row is taken: {row}", table.module)),
            Some((_, taken)) => {
                missing.extend(why_not(taken, reached).map(|why| format!("{}: {row}: {why}", table.module)))
            }
        }
    }
    missing
}

fn why_not(taken: &Taken, reached: &BTreeMap<String, u64>) -> Option<String> {
    match taken {
        Seeds(all) => {
            let is_reached = |name: &str| reached.keys().any(|key| key.starts_with(name));
            let unreached = all.iter().find(|name| !is_reached(name))?;
            Some(format!("no seed has reached {unreached:?}"))
        }
        Test(file, name) => (!file.contains(&format!("fn {name}("))).then(|| format!("there is no test {name}")),
    }
}

/// The lines of a module's table, spaces aside.
fn rows(source: &str) -> Vec<String> {
    let page = source.lines().take_while(|line| line.starts_with("//!")).map(|line| line.trim_start_matches("//!"));
    let inside = page.skip_while(|line| !line.trim_start().starts_with("```text")).skip(1);
    let table = inside.take_while(|line| !line.trim_start().starts_with("```"));
    table.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty()).collect()
}

static TABLES: &[Table] = &[
    Table {
        module: "execution",
        source: source!("execution/mod.rs"),
        rows: &[(
            "(none) --start--> Running --complete | fail | cancel | terminate | time out | continue as new--> closed",
            Seeds(&[
                "WORKFLOW_EXECUTION_STARTED",
                "WORKFLOW_EXECUTION_COMPLETED",
                "WORKFLOW_EXECUTION_FAILED",
                "WORKFLOW_EXECUTION_CANCELED",
                "WORKFLOW_EXECUTION_TERMINATED",
                "WORKFLOW_EXECUTION_TIMED_OUT",
                "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
            ]),
        )],
    },
    Table {
        module: "execution::workflow_task",
        source: source!("execution/workflow_task/mod.rs"),
        rows: &[
            ("(none) --schedule--> Scheduled", Seeds(&["WORKFLOW_TASK_SCHEDULED"])),
            (
                "Scheduled --start-----> Started | --time out (sticky queue)--> Scheduled on the normal queue",
                Seeds(&["WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_TIMED_OUT ScheduleToStart"]),
            ),
            (
                "Started --complete--> (none) | Scheduled where events or updates came meanwhile",
                Seeds(&["WORKFLOW_TASK_COMPLETED"]),
            ),
            (
                "Started --fail, time out--> Scheduled(attempt + 1)",
                Seeds(&[
                    "WORKFLOW_TASK_FAILED WorkflowWorkerUnhandledFailure",
                    "WORKFLOW_TASK_TIMED_OUT StartToClose",
                    "WORKFLOW_TASK_SCHEDULED again",
                ]),
            ),
            ("any --close-----> (none)", Seeds(&["WORKFLOW_TASK_FAILED ForceCloseCommand"])),
        ],
    },
    Table {
        module: "execution::activity",
        source: source!("execution/activity/mod.rs"),
        rows: &[
            ("(none) --schedule--> Scheduled", Seeds(&["ACTIVITY_TASK_SCHEDULED"])),
            (
                "Scheduled --start-----> Started | --cancel--> canceled | --time out (schedule-to-*)--> timed out",
                Seeds(&["ACTIVITY_TASK_STARTED", "ACTIVITY_TASK_CANCELED", "ACTIVITY_TASK_TIMED_OUT Timeout"]),
            ),
            ("Started --heartbeat-> Started", Seeds(&["HeartbeatActivity is answered"])),
            (
                "Started --complete--> completed | --report cancellation--> canceled",
                Seeds(&["ACTIVITY_TASK_COMPLETED", "CompleteActivityById is answered", "CancelActivity is answered"]),
            ),
            (
                "Started --fail, time out (start-to-close, heartbeat)--> BackingOff(attempt + 1) | failed, timed out",
                Seeds(&[
                    "ACTIVITY_TASK_FAILED NonRetryableFailure",
                    "ACTIVITY_TASK_FAILED MaximumAttemptsReached",
                    "ACTIVITY_TASK_TIMED_OUT MaximumAttemptsReached",
                ]),
            ),
            (
                "BackingOff --due------> Scheduled | --cancel--> canceled | --time out (schedule-to-close)--> timed out",
                Seeds(&["ACTIVITY_TASK_STARTED again"]),
            ),
            (
                "any --pause-----> paused (an attempt that runs goes on)",
                test!("operators.rs", "a_paused_activity_waits_for_no_worker_and_survives_a_restart"),
            ),
            (
                "paused --unpause---> Scheduled | Started",
                test!("operators.rs", "an_attempt_that_runs_goes_on_but_has_no_successor_before_the_end_of_the_pause"),
            ),
            (
                "any --reset-----> Scheduled(attempt 1) (an attempt that runs goes on)",
                test!("operators.rs", "a_reset_activity_begins_anew"),
            ),
        ],
    },
    Table {
        module: "execution::child",
        source: source!("execution/pending/child.rs"),
        rows: &[
            ("(none) --initiate--> Initiated", Seeds(&["START_CHILD_WORKFLOW_EXECUTION_INITIATED"])),
            (
                "Initiated --started---> Started | --start failed--> (none)",
                Seeds(&["CHILD_WORKFLOW_EXECUTION_STARTED", "START_CHILD_WORKFLOW_EXECUTION_FAILED"]),
            ),
            (
                "Started --completed, failed, canceled, timed out, terminated--> (none)",
                Seeds(&[
                    "CHILD_WORKFLOW_EXECUTION_COMPLETED",
                    "CHILD_WORKFLOW_EXECUTION_FAILED",
                    "CHILD_WORKFLOW_EXECUTION_CANCELED",
                    "CHILD_WORKFLOW_EXECUTION_TIMED_OUT",
                    "CHILD_WORKFLOW_EXECUTION_TERMINATED",
                ]),
            ),
        ],
    },
    Table {
        module: "execution::external",
        source: source!("execution/pending/external.rs"),
        rows: &[(
            "(none) --initiate--> Initiated --delivered | failed--> (none)",
            Seeds(&[
                "EXTERNAL_WORKFLOW_EXECUTION_SIGNALED",
                "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED",
                "EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED",
                "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED",
            ]),
        )],
    },
    Table {
        module: "execution::update",
        source: source!("execution/update/mod.rs"),
        rows: &[
            ("(none) --admit--> Admitted --send with a workflow task--> Sent", Seeds(&["UpdateWorkflow is answered"])),
            (
                "Sent --accept-> Accepted | --reject--> (none) | --task fails--> Admitted",
                Seeds(&["WORKFLOW_EXECUTION_UPDATE_ACCEPTED"]),
            ),
            ("Accepted --respond-> Completed", Seeds(&["WORKFLOW_EXECUTION_UPDATE_COMPLETED"])),
        ],
    },
    Table {
        module: "execution::standalone",
        source: source!("execution/standalone/activity.rs"),
        rows: &[(
            "(none) --start--> Running --complete, fail, cancel, time out, terminate--> closed",
            Seeds(&[
                "StartActivityExecution is answered",
                "RequestCancelActivityExecution is answered",
                "TerminateActivityExecution is answered",
            ]),
        )],
    },
    Table {
        module: "execution::nexus",
        source: source!("execution/nexus/mod.rs"),
        rows: &[
            (
                "the request to start: Offered --a worker takes it--> WithWorker --answered--> Started | completed | failed | canceled",
                Seeds(&[
                    "CompleteNexusTask is answered",
                    "NEXUS_OPERATION_STARTED",
                    "NEXUS_OPERATION_COMPLETED",
                    "NEXUS_OPERATION_FAILED",
                ]),
            ),
            (
                "Offered | WithWorker --request time-out, retryable error--> BackingOff --due--> Offered(attempt + 1)",
                Seeds(&["FailNexusTask is answered"]),
            ),
            (
                "the request to cancel: Idle (until the operation has started) -> Offered -> WithWorker -> Succeeded | Failed | BackingOff",
                test!("nexus.rs", "a_cancellation_waits_for_the_start_and_is_delivered"),
            ),
            (
                "the operation: Scheduled --Started by its handler--> Started --callback--> completed | failed | canceled",
                Seeds(&["NEXUS_OPERATION_STARTED", "NEXUS_OPERATION_COMPLETED"]),
            ),
            (
                "Scheduled | Started --schedule-to-start, start-to-close, schedule-to-close--> timed out",
                Seeds(&["NEXUS_OPERATION_TIMED_OUT"]),
            ),
        ],
    },
    Table {
        module: "schedule",
        source: source!("schedule/mod.rs"),
        rows: &[
            (
                "time of the specification --missed the catch-up window--> (counted)",
                test!("schedules.rs", "times_missed_while_nobody_was_there_are_caught_up_within_the_window"),
            ),
            (
                "time, trigger, backfill --buffer full--> (counted) | --> Buffered",
                Seeds(&["CreateSchedule is answered", "PatchSchedule is answered"]),
            ),
            (
                "Buffered --nothing runs, or ALLOW_ALL--> Started --closed--> Ended",
                Seeds(&["a schedule started a run"]),
            ),
            ("Buffered --overlap: SKIP--> (counted)", test!("schedules.rs", "skip_starts_nothing_while_a_run_is_open")),
            (
                "--BUFFER_ONE, BUFFER_ALL--> Buffered until what runs has closed",
                test!("schedules.rs", "buffered_runs_follow_one_another"),
            ),
            (
                "--CANCEL_OTHER, TERMINATE_OTHER--> Buffered, and what runs is cancelled or terminated",
                test!("schedules.rs", "what_runs_is_terminated_or_cancelled_for_the_next"),
            ),
            (
                "Active --pause, a failure with pause_on_failure--> Paused --unpause--> Active",
                test!("schedules.rs", "a_failure_pauses_where_the_policy_says_so"),
            ),
            (
                "Active --no time or action left for 7 days--> (deleted)",
                test!("schedules.rs", "limited_actions_run_out"),
            ),
        ],
    },
];

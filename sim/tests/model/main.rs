//! The engine over the real store beside the model: the same random calls, equal answers, equal histories.
//!
//! `MODEL_SEED=17 cargo nextest run -p ostro-sim --no-capture follows_the_model` runs one seed and prints its calls,
//! `MODEL_SEED=210..5000` runs others than the test does.

#![allow(clippy::unwrap_used)]

mod calls;
mod chance;
mod clients;
mod handlers;
mod pair;
mod real;
mod schedules;
mod workers;

use std::collections::BTreeSet;
use std::ops::Range;

use pair::Pair;

/// Enough for a backfill of several steps (seed 203) and for all that is expected below.
const SEEDS: u64 = 210;
const CALLS: usize = 180;

#[test]
fn the_engine_follows_the_model() {
    let chosen = std::env::var("MODEL_SEED").ok().map(|seeds| range(&seeds));
    let seeds = chosen.clone().unwrap_or(0..SEEDS);
    let prints = chosen.as_ref().is_some_and(|seeds| seeds.end - seeds.start == 1);
    let mut reached = BTreeSet::new();
    for seed in seeds {
        let mut pair = Pair::new(seed, prints);
        (0..CALLS).for_each(|_| pair.call());
        pair.compare_schedules();
        pair.compare_histories();
        reached.append(&mut pair.reached);
    }
    if chosen.is_none() {
        let missing: Vec<_> = EXPECTED.iter().filter(|name| !reached.contains(**name)).collect();
        assert!(missing.is_empty(), "the calls never led to {missing:?}");
    }
}

/// `17`, or `200..5000`.
fn range(seeds: &str) -> Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match seeds.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => number(seeds)..number(seeds) + 1,
    }
}

/// Every kind of event that the model knows, every refusal, and what may become of an action of a schedule and of a Nexus
/// operation.
const EXPECTED: [&str; 62] = [
    "Started",
    "TaskScheduled",
    "TaskStarted",
    "TaskCompleted",
    "TaskFailed",
    "TaskFailed by BadScheduleNexusOperationAttributes",
    "TaskFailed by BadRequestCancelNexusOperationAttributes",
    "TaskTimedOut",
    "Signaled",
    "CancelRequested",
    "Attached",
    "ActivityScheduled",
    "ActivityStarted",
    "ActivityCancelRequested",
    "ActivityEnded",
    "TimerStarted",
    "TimerFired",
    "TimerCanceled",
    "Marker",
    "ChildInitiated",
    "ChildStarted",
    "ChildStartFailed",
    "ChildEnded",
    "OperationScheduled",
    "OperationStarted",
    "OperationEnded Completed",
    "OperationEnded Failed",
    "OperationEnded Canceled",
    "OperationEnded by ScheduleToStart",
    "OperationEnded by StartToClose",
    "OperationEnded by ScheduleToClose",
    "OperationCancelRequested",
    "OperationCancelDelivered",
    "OperationCancelFailed",
    "Start asked again",
    "Cancel asked again",
    "request asked by the run of a reset",
    "answer to a request that is over",
    "operation ended before its start",
    "operation ended by a workflow",
    "callback heard",
    "callback unheard",
    "operation told of during a workflow task",
    "operation told of again after a reset",
    "UpdateAdmitted",
    "UpdateAccepted",
    "UpdateCompleted",
    "Closed",
    "NotFound",
    "AlreadyExists",
    "InvalidArgument",
    "FailedPrecondition",
    "run by cron",
    "action taken",
    "action skipped",
    "action missed",
    "action buffered",
    "actions beside one another",
    "run cancelled for the next",
    "run terminated for the next",
    "paused by a failure",
    "no actions left",
];

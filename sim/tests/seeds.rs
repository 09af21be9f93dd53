//! A few hundred worlds, the same world twice, and bugs planted to see that they are caught.

#![allow(clippy::unwrap_used)]

mod transitions;

use std::collections::BTreeMap;

use ostro_sim::{Options, Plant, run};

/// Runs seeds and tells the first that fails, with what it takes to see it again. Answers what they have reached.
fn all_hold(seeds: std::ops::Range<u64>, faults: bool) -> BTreeMap<String, u64> {
    let mut reached = BTreeMap::new();
    for seed in seeds {
        match run(&Options::of_seed(seed, faults)) {
            Ok(report) => {
                report.reached.into_iter().for_each(|(what, times)| *reached.entry(what).or_default() += times)
            }
            Err(error) => {
                let switch = if faults { "on" } else { "off" };
                panic!("seed {seed}: {error}\n  cargo run -p ostro-sim -- --seed {seed} --faults {switch} --trace");
            }
        }
    }
    reached
}

#[test]
fn worlds_with_faults_take_every_row_of_the_tables() {
    let reached = all_hold(0..240, true);
    transitions::check(&reached);
}

#[test]
fn worlds_without_faults() {
    all_hold(0..60, false);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..25 {
        let options = Options::of_seed(seed, true);
        assert_eq!(run(&options), run(&options), "seed {seed}");
    }
}

/// The seeds in which a planted bug must show.
const SEEDS: u64 = 60;

#[track_caller]
fn is_caught(plant: Plant, expected: &[&str]) {
    std::panic::set_hook(Box::new(|_| {}));
    let plant_in = |seed| Options { plant: Some(plant), ..Options::of_seed(seed, true) };
    let found: Vec<String> = (0..SEEDS).filter_map(|seed| run(&plant_in(seed)).err()).collect();
    drop(std::panic::take_hook());
    assert!(!found.is_empty(), "{plant:?} was not caught in {SEEDS} seeds");
    let known = |error: &String| expected.iter().any(|text| error.contains(text));
    assert!(found.iter().any(known), "{plant:?} was caught for other reasons: {found:#?}");
}

#[test]
fn a_missing_sync_is_caught() {
    is_caught(Plant::ReplyBeforeCommit, &["was acknowledged, and it is not there"]);
}

#[test]
fn a_lost_wake_up_is_caught() {
    is_caught(Plant::LoseWakeUp, &["something falls due at"]);
}

#[test]
fn a_lost_workflow_task_is_caught() {
    is_caught(Plant::LoseWaitingTask, &["recovery would put one into queue None"]);
}

#[test]
fn an_ended_activity_that_stays_is_caught() {
    is_caught(
        Plant::KeepEndedActivity,
        &[
            "it is closed, and recovery would wake it",
            "it is closed, and recovery would put a task of it into a queue",
            "is not pending",
            "no activity of event",
        ],
    );
}

#[test]
fn a_miscounted_retry_is_caught() {
    is_caught(Plant::ForgetAttempt, &["was handed out after attempt"]);
}

#[test]
fn a_gap_in_a_history_is_caught() {
    is_caught(Plant::LoseEvents, &["is next"]);
}

#[test]
fn a_second_dispatch_is_caught() {
    is_caught(Plant::ForgetStarted, &["was handed out after attempt"]);
}

#[test]
fn a_lost_signal_is_caught() {
    is_caught(Plant::LoseBufferedEvents, &["was acknowledged, and it is not there"]);
}

#[test]
fn a_stale_token_that_is_taken_is_caught() {
    is_caught(Plant::TakeStaleToken, &["was under way, and it ended with the result of attempt"]);
}

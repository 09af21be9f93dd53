//! What was acknowledged survives the death of the process.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use common::*;
use ostro_engine::persistence::{ItemKey, ItemKind, Loader, Write};
use ostro_store::{Batch, Options, Store};

const KILLS: u64 = 30;
const STORE: &str = "OSTRO_KILL_TEST_STORE";

fn batch(id: i64) -> Vec<Write> {
    vec![
        put(row(id, 1, &format!("w{id}"))),
        state(id, "state"),
        item(id, ItemKind::Timer, ItemKey::Id(id), "timer"),
        history(id, 1, 3),
    ]
}

/// Commits batches for ever, and prints the id of each once it is acknowledged.
#[test]
#[ignore = "the child process of the test below"]
fn child() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = Store::open(path, Options::default()).unwrap();
    let first = store.recover().unwrap().next_execution;
    let writer = store.writer(fatal()).unwrap();
    for id in first.. {
        let done = move || writeln!(std::io::stdout(), "ack {id}").unwrap();
        writer.submit(Batch { writes: batch(id), done: Box::new(done) });
        if id % 7 == 0 {
            writer.flush().unwrap();
        }
    }
}

#[test]
fn every_acknowledged_batch_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let mut acknowledged = 0;
    for round in 0..KILLS {
        // A multiplicative sequence: each round is killed at another moment, the same in each run.
        let until = 1 + (round * 7919 % 401) as usize;
        acknowledged = run_and_kill(&path, until).max(acknowledged);
        verify(&path, acknowledged);
    }
}

/// The last id that was acknowledged; they come in order.
fn run_and_kill(path: &Path, until: usize) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledgement = |line: std::io::Result<String>| {
        let line = line.unwrap();
        line.split("ack ").nth(1).and_then(|id| id.parse::<i64>().ok())
    };
    let before: Vec<i64> = lines.by_ref().filter_map(acknowledgement).take(until).collect();
    assert_eq!(before.len(), until, "the child ended by itself");
    child.kill().unwrap();
    // What the pipe still holds was acknowledged too; the last line may be cut off.
    let after: Vec<i64> = lines.map_while(Result::ok).map(Ok).filter_map(acknowledgement).collect();
    child.wait().unwrap();
    before.into_iter().chain(after).max().unwrap()
}

fn verify(path: &Path, acknowledged: i64) {
    let store = Store::open(path, Options::default()).unwrap();
    let next = store.recover().unwrap().next_execution;
    assert!(next > acknowledged, "{acknowledged} was acknowledged, the file ends before {next}");
    let reader = store.reader(fatal()).unwrap();
    for id in 1..next {
        let loaded = reader.load(id).unwrap().unwrap_or_else(|| panic!("{id} of {acknowledged} is missing"));
        assert_eq!((&loaded.state[..], loaded.items.len()), (&b"state"[..], 1));
        assert_eq!(reader.history(id, 1, 3).unwrap().len(), 1);
        assert_eq!(reader.newest_run(1, &format!("w{id}")).unwrap(), Some(id));
    }
}

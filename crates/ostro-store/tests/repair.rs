//! Damaged files made whole again: rebuilt from histories, taken out where that cannot be, salvaged where pages are gone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use ostro_engine::call::Request;
use ostro_engine::config::Config;
use ostro_engine::engine::{Engine, Secrets};
use ostro_engine::execution::Execution;
use ostro_engine::persistence::Loader;
use ostro_engine::time::{DAY, Time, duration};
use ostro_store::{Batch, Error, Options, Reader, Repaired, Store, TakenOut, repair};
use rusqlite::Connection;
use temporalio_protos::temporal::api::common::v1::WorkflowType;
use temporalio_protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_protos::temporal::api::workflowservice::v1::{RegisterNamespaceRequest, StartWorkflowExecutionRequest};

const OPTIONS: Options = Options {
    durable: false,
    begins_with_nothing: ostro_store::BeginsWithNothing::UnlessDataIsGone,
    accept_log_loss: false,
};
const NOW: Time = Time::from_secs(1_800_000_000);

fn fatal() -> ostro_store::OnFatal {
    std::sync::Arc::new(|error| panic!("{error}"))
}

fn start(workflow_id: &str) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        namespace: "default".into(),
        workflow_id: workflow_id.into(),
        workflow_type: Some(WorkflowType { name: "type".into() }),
        task_queue: Some(TaskQueue { name: "queue".into(), ..Default::default() }),
        request_id: workflow_id.into(),
        ..Default::default()
    }
}

/// A store of three runs that wait for a worker, as the engine wrote it.
fn store(directory: &Path) -> PathBuf {
    let path = directory.join("ostro.db");
    let store = Store::open(&path, OPTIONS).unwrap();
    let (writer, reader) = (store.writer(fatal()).unwrap(), store.reader(fatal()).unwrap());
    let mut engine = Engine::new(Config::default(), reader, store.recover().unwrap(), Secrets::predictable(1), NOW);
    let register = RegisterNamespaceRequest {
        namespace: "default".into(),
        workflow_execution_retention_period: duration(DAY),
        ..Default::default()
    };
    let starts = ["one", "two", "three"].map(|id| start(id).into_call());
    for (call, command) in [register.into_call()].into_iter().chain(starts).enumerate() {
        let output = engine.handle(NOW, call as u64 + 1, command);
        assert!(output.replies.iter().all(|reply| reply.answer.is_ok()));
        writer.submit(Batch { writes: output.writes, done: Box::new(|| ()) });
    }
    writer.close();
    path
}

fn change(path: &Path, sql: &str) {
    assert!(Connection::open(path).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
}

fn repaired(path: &Path) -> (Repaired, Vec<TakenOut>) {
    let mut taken = Vec::new();
    let repaired = repair(path, NOW, [7; 32], &mut |out| {
        taken.push(out);
        Ok(())
    });
    (repaired.unwrap(), taken)
}

/// The runs that a server would serve.
fn served(path: &Path) -> Vec<String> {
    let store = Store::open(path, OPTIONS).unwrap();
    assert!(store.recover().unwrap().damaged.is_empty());
    let reader: Reader = store.reader(fatal()).unwrap();
    let runs = (1..=3).filter_map(|id| reader.load(id).unwrap());
    runs.map(|stored| Execution::from_stored(stored).unwrap().core.workflow_id).collect()
}

#[test]
fn a_damaged_state_is_rebuilt_from_its_history() {
    for sql in [
        "UPDATE state SET blob = x'ff' WHERE exec = 2",
        "DELETE FROM state WHERE exec = 2",
        "UPDATE item SET value = x'ff' WHERE exec = 2",
        "DELETE FROM item WHERE exec = 2",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = store(directory.path());
        change(&path, sql);
        let (report, taken) = repaired(&path);
        assert!(report.rebuilt.len() == 1 && report.rebuilt[0].contains("two"), "{sql}: {report:?}");
        assert!(taken.is_empty());
        assert_eq!(served(&path), ["one", "two", "three"], "{sql}");
        let recovery = Store::open(&path, OPTIONS).unwrap().recover().unwrap();
        assert_eq!(recovery.workflow_tasks.len(), 3, "its task waits again");
        assert!(report.before.exists());
    }
}

#[test]
fn what_cannot_be_rebuilt_is_taken_out_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    change(&path, "UPDATE state SET blob = x'ff' WHERE exec = 2");
    change(&path, "UPDATE history SET blob = x'ff' WHERE exec = 2");
    change(&path, "UPDATE history SET blob = x'ff' WHERE exec = 3");
    let (report, taken) = repaired(&path);
    assert!(report.rebuilt.is_empty());
    assert_eq!(taken.len(), 2);
    assert!(taken[0].what.contains("two") && taken[0].rows.iter().any(|(table, _)| *table == "state"));
    assert_eq!(served(&path), ["one"]);
}

#[test]
fn listing_rows_records_and_namespaces_are_made_anew_or_taken_out() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    change(&path, "UPDATE exec SET workflow_id = 'forged' WHERE id = 2");
    change(&path, "INSERT INTO record VALUES ('schedule', '1/s', x'ff', 0)");
    let (_, taken) = repaired(&path);
    assert_eq!(taken.iter().map(|out| &out.what[..]).collect::<Vec<_>>(), ["schedule 1/s"]);
    assert_eq!(served(&path), ["one", "two", "three"]);
    change(&path, "UPDATE namespace SET blob = x'ff'");
    let (_, taken) = repaired(&path);
    assert_eq!(taken.len(), 1);
    assert_eq!(served(&path), ["one", "two", "three"]);
}

#[test]
fn a_page_that_is_gone_takes_its_own_rows_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'state'";
    let root: i64 = Connection::open(&path).unwrap().query_row(root, [], |row| row.get(0)).unwrap();
    let root = usize::try_from(root).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0xee);
    std::fs::write(&path, bytes).unwrap();
    let refused = Store::open(&path, OPTIONS).unwrap_err();
    assert!(matches!(refused, Error::Structure { .. } | Error::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("ostro doctor --repair"), "{refused}");
    let (report, taken) = repaired(&path);
    assert!(report.salvaged.is_some() && taken.is_empty(), "{report:?}");
    assert_eq!(report.rebuilt.len(), 3, "their histories have another page");
    assert_eq!(served(&path), ["one", "two", "three"]);
}

#[test]
fn a_served_store_is_not_repaired_and_a_whole_one_not_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = store(directory.path());
    let (report, taken) = repaired(&path);
    assert!(report.rebuilt.is_empty() && report.taken_out.is_empty() && report.salvaged.is_none() && taken.is_empty());
    let _served = Store::open(&path, OPTIONS).unwrap();
    let refused = repair(&path, NOW, [7; 32], &mut |_| Ok(()));
    assert!(matches!(refused, Err(Error::InUse { .. })));
}

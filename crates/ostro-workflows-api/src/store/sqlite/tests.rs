use super::*;
use crate::model::record::{Document, Journal};

fn document(key: &str, terms: &[&str]) -> Change {
    Change::Put(Document {
        kind: Kind::Worker,
        namespace: "n".into(),
        key: key.into(),
        terms: terms.iter().map(ToString::to_string).collect(),
        body: format!("\"{key}\""),
    })
}

fn entry(id: &str, execution: &str) -> Change {
    Change::Append(Entry {
        sequence: 0,
        journal: Journal::Event,
        namespace: "n".into(),
        id: id.into(),
        at: 5,
        root: "root".into(),
        execution: execution.into(),
        run: "run".into(),
        kind: "K".into(),
        source: "s".into(),
        body: "{}".into(),
    })
}

fn query(term: Option<&str>, after: &str) -> Query {
    Query { kind: Kind::Worker, namespace: "n".into(), term: term.map(Into::into), after: after.into(), limit: 10 }
}

fn keys(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| found.key.as_str()).collect()
}

#[tokio::test]
async fn documents_are_found_by_key_term_and_prefix_and_outlive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("api.db");
    let records = SqliteRecords::open(&path, true).expect("opens");
    let changes = vec![document("a", &["d:x", "k=1"]), document("b", &["d:y"]), document("c", &["d:x"])];
    records.commit(changes).await.expect("commits");
    records.commit(vec![document("c", &["d:z"])]).await.expect("commits");
    drop(records);

    let records = SqliteRecords::open(&path, true).expect("opens again");
    assert_eq!(records.get(Kind::Worker, "n", "a").await.expect("reads"), Some("\"a\"".into()));
    assert_eq!(records.get(Kind::Worker, "other", "a").await.expect("reads"), None);
    assert_eq!(keys(&records.find(query(None, "a")).await.expect("reads")), ["b", "c"]);
    assert_eq!(keys(&records.find(query(Some("d:x"), "")).await.expect("reads")), ["a"]);
    assert_eq!(keys(&records.find(query(Some("d:*"), "")).await.expect("reads")), ["a", "b", "c"]);
    let gone = Change::Delete { kind: Kind::Worker, namespace: "n".into(), key: "a".into() };
    records.commit(vec![gone]).await.expect("commits");
    assert_eq!(keys(&records.find(query(Some("d:*"), "")).await.expect("reads")), ["b", "c"]);
}

#[tokio::test]
async fn a_journal_keeps_order_drops_what_it_has_and_tells_of_progress() {
    let directory = tempfile::tempdir().expect("a directory");
    let records = SqliteRecords::open(&directory.path().join("api.db"), true).expect("opens");
    let mut progress = records.progress();
    let sequences = records.commit(vec![entry("1", "x"), entry("2", "y"), entry("1", "x")]).await.expect("commits");
    assert_eq!(sequences, [1, 2, 0]);
    assert_eq!(*progress.wait_for(|last| *last >= 2).await.expect("told"), 2);

    let all = Filter::all(Journal::Event, "n");
    let read = records.read(all.clone()).await.expect("reads");
    assert_eq!(read.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2]);
    let of_y = Filter { execution: Some("y".into()), ..all.clone() };
    assert_eq!(records.read(of_y).await.expect("reads").len(), 1);
    let newest = Filter { descending: true, limit: 1, ..all.clone() };
    assert_eq!(records.read(newest).await.expect("reads")[0].sequence, 2);
    let resumed = Filter { after: 1, ..all.clone() };
    assert_eq!(records.read(resumed).await.expect("reads")[0].id, "2");
    records.commit(vec![entry("3", "")]).await.expect("commits");
    let trim = |before| Change::Trim { journal: Journal::Event, namespace: "n".into(), before };
    records.commit(vec![trim(5)]).await.expect("commits");
    assert_eq!(records.read(all.clone()).await.expect("reads").len(), 3, "nothing is that old");
    records.commit(vec![trim(6)]).await.expect("commits");
    assert_eq!(records.read(all).await.expect("reads").len(), 2, "what is of an execution stays");
}

#[tokio::test]
async fn a_run_is_forgotten_in_all_journals_and_numbers_are_not_given_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("api.db");
    let records = SqliteRecords::open(&path, true).expect("opens");
    records.commit(vec![entry("1", "x"), entry("2", "y")]).await.expect("commits");
    let aged = |before: i64, after: (&str, &str)| {
        let after = (after.0.to_owned(), after.1.to_owned());
        records.aged(Aged { journal: Journal::Event, namespace: "n".into(), before, after, limit: 10 })
    };
    let runs = [("x".to_owned(), "run".to_owned()), ("y".to_owned(), "run".to_owned())];
    assert_eq!(aged(6, ("", "")).await.expect("reads"), runs);
    assert_eq!(aged(6, ("x", "run")).await.expect("reads"), runs[1..]);
    assert!(aged(5, ("", "")).await.expect("reads").is_empty());
    let forget = Change::ForgetRun { namespace: "n".into(), execution: "x".into(), run: "run".into() };
    records.commit(vec![forget]).await.expect("commits");
    assert_eq!(aged(6, ("", "")).await.expect("reads"), runs[1..]);
    drop(records);
    let records = SqliteRecords::open(&path, true).expect("opens again");
    let sequences = records.commit(vec![entry("3", "x")]).await.expect("commits");
    assert!(sequences[0] > 2 + 1000, "{sequences:?}");
}

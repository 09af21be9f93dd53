use super::*;
use crate::model::record::Journal;
use crate::store::{Records, SqliteRecords};

fn entry(namespace: &str, id: &str, bytes: usize) -> Change {
    Change::Append(Entry {
        sequence: 0,
        journal: Journal::Log,
        namespace: namespace.into(),
        id: id.into(),
        at: 1,
        root: String::new(),
        execution: "e".into(),
        run: "r".into(),
        kind: "INFO".into(),
        source: String::new(),
        body: "x".repeat(bytes),
    })
}

fn document(kind: Kind, key: &str, bytes: usize) -> Change {
    let (namespace, key, body) = ("small".to_owned(), key.to_owned(), "x".repeat(bytes));
    Change::Put(Document { kind, namespace, key, terms: Vec::new(), body })
}

fn limits() -> RecordLimits {
    RecordLimits { bytes_max_of: [("small".to_owned(), 10_000)].into(), ..RecordLimits::default() }
}

async fn bytes(records: &SqliteRecords) -> u64 {
    // Any commit brings the count up to date.
    records.commit(Vec::new()).await.expect("nothing is always taken");
    records.stats().bytes
}

#[tokio::test]
async fn a_namespace_that_has_used_up_its_quota_is_refused_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("r.db");
    let records = SqliteRecords::open_within(&path, false, limits()).expect("opens");
    records.commit(vec![entry("small", "1", 9_000)]).await.expect("it fits");
    let refused = records.commit(vec![entry("small", "2", 1_000)]).await.expect_err("it does not");
    assert!(matches!(&refused, Error::Quota { namespace, max: 10_000, .. } if namespace == "small"), "{refused}");
    assert!(refused.to_string().contains("records_bytes_max is 10000"), "{refused}");
    // Whether it waits in one group with others or not.
    let (refused, taken) = tokio::join!(
        records.commit(vec![entry("small", "2", 1_000)]),
        records.commit(vec![entry("other", "2", 100_000)])
    );
    assert!(refused.is_err() && taken.is_ok());
    records.commit(vec![document(Kind::Worker, "w", 500)]).await.expect("workers make themselves known");
    records.commit(vec![document(Kind::Worker, "v", 2_000)]).await.expect_err("within reason");
    records.commit(vec![document(Kind::ApiKey, "k", 9_000)]).await.expect("keys are the operator's");
    drop(records);
    let records = SqliteRecords::open_within(&path, false, limits()).expect("opens again");
    records.commit(vec![entry("small", "2", 1_000)]).await.expect_err("it is remembered");
    let (namespace, execution, run) = ("small".to_owned(), "e".to_owned(), "r".to_owned());
    let forget = Change::ForgetRun { namespace, execution, run };
    records.commit(vec![forget]).await.expect("what makes room is taken");
    records.commit(vec![document(Kind::ApiKey, "k", 1)]).await.expect("keys are the operator's");
    records.commit(vec![entry("small", "2", 1_000)]).await.expect("there is room");
}

#[tokio::test]
async fn what_is_counted_is_what_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("r.db");
    let records = SqliteRecords::open(&path, false).expect("opens");
    records.commit(vec![entry("a", "1", 100), entry("a", "1", 100), entry("b", "1", 50)]).await.expect("entries");
    records.commit(vec![document(Kind::Mark, "m", 500), document(Kind::Mark, "m", 10)]).await.expect("documents");
    let sql = format!("SELECT (SELECT sum({OF_ENTRY_SQL}) FROM entry) + (SELECT sum({OF_DOCUMENT_SQL}) FROM document)");
    let connection = Connection::open(&path).expect("a file");
    let there: i64 = connection.query_row(&sql, [], |row| row.get(0)).expect("a sum");
    assert_eq!(bytes(&records).await, there.unsigned_abs());
    let forget =
        |namespace: &str| Change::ForgetRun { namespace: namespace.into(), execution: "e".into(), run: "r".into() };
    let delete = Change::Delete { kind: Kind::Mark, namespace: "small".into(), key: "m".into() };
    records.commit(vec![forget("a"), forget("b"), delete]).await.expect("all goes");
    assert_eq!(bytes(&records).await, 0);
}

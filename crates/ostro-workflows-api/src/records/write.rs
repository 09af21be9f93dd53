//! The thread that writes records: everything that waits goes into one transaction.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::{oneshot, watch};

use super::disk::Disk;
use super::{Change, Document, Entry, Error, Journal, TRIM_MAX};

/// Jobs in one transaction, at most.
const GROUP_MAX: usize = 256;

struct Job {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<Vec<u64>, Error>>,
}

/// The way to the writing thread. Dropping it waits until the thread has written what is left and closed the file.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    progress: watch::Receiver<u64>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        // A panic of the thread has been printed.
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Writer {
    pub(super) fn start(connection: Connection, durable: bool) -> Result<Self, Error> {
        let last: i64 = connection.query_row("SELECT coalesce(max(sequence), 0) FROM entry", [], |row| row.get(0))?;
        let (jobs, waiting) = mpsc::channel();
        let (told, progress) = watch::channel(last.unsigned_abs());
        let thread = std::thread::Builder::new()
            .name("ostro-api-records".to_owned())
            .spawn(move || run(connection, durable, &waiting, &told))
            .map_err(|error| Error::Sqlite(format!("cannot start the writing thread: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), progress })
    }

    pub(super) async fn commit(&self, changes: Vec<Change>) -> Result<Vec<u64>, Error> {
        let (done, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Error::Closed)?;
        jobs.send(Job { changes, done }).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) fn progress(&self) -> watch::Receiver<u64> {
        self.progress.clone()
    }
}

fn run(mut connection: Connection, durable: bool, waiting: &mpsc::Receiver<Job>, told: &watch::Sender<u64>) {
    let mut disk = Disk::new(&connection, durable);
    while let Some(first) = next(waiting, &mut disk) {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(GROUP_MAX - 1));
        let answers = commit(&mut connection, &mut disk, &jobs);
        let highest = answers.iter().flatten().flatten().copied().max().unwrap_or(0);
        if let Err(error) = &answers {
            tracing::error!(%error, "the API's records could not be written");
        }
        let mut answers = answers.map(Vec::into_iter);
        for job in jobs {
            let answer = answers.as_mut().map_err(|error| error.clone()).map(|each| each.next().unwrap_or_default());
            // Whoever asked may have gone; what it asked for is done all the same.
            drop(job.done.send(answer));
        }
        if highest > 0 {
            told.send_if_modified(|last| {
                let forward = highest > *last;
                *last = highest.max(*last);
                forward
            });
        }
    }
}

/// The next job, while there may be one; meanwhile, what is due is brought to the disk.
fn next(waiting: &mpsc::Receiver<Job>, disk: &mut Disk) -> Option<Job> {
    loop {
        let Some(patience) = disk.patience() else { return waiting.recv().ok() };
        match waiting.recv_timeout(patience) {
            Ok(job) if !patience.is_zero() => return Some(job),
            outcome => {
                disk.flush();
                match outcome {
                    Ok(job) => return Some(job),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        }
    }
}

fn commit(connection: &mut Connection, disk: &mut Disk, jobs: &[Job]) -> Result<Vec<Vec<u64>>, Error> {
    disk.wait(connection, jobs.iter().flat_map(|job| &job.changes).any(Change::is_of_document))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answers = jobs.iter().map(|job| apply_all(&transaction, &job.changes)).collect::<rusqlite::Result<Vec<_>>>()?;
    transaction.commit()?;
    disk.committed();
    Ok(answers)
}

fn apply_all(transaction: &Transaction<'_>, changes: &[Change]) -> rusqlite::Result<Vec<u64>> {
    let mut appended = Vec::new();
    for change in changes {
        match change {
            Change::Put(document) => put(transaction, document)?,
            Change::Delete { kind, namespace, key } => delete(transaction, kind.name(), namespace, key)?,
            Change::Append(entry) => appended.push(append(transaction, entry)?),
            Change::Trim { journal, namespace, before } => trim(transaction, *journal, namespace, *before)?,
            Change::ForgetRun { namespace, execution, run } => forget_run(transaction, namespace, execution, run)?,
        }
    }
    Ok(appended)
}

fn put(transaction: &Transaction<'_>, document: &Document) -> rusqlite::Result<()> {
    let Document { kind, namespace, key, terms, body } = document;
    let kind = kind.name();
    transaction
        .prepare_cached(
            "INSERT INTO document (kind, namespace, key, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET body = excluded.body",
        )?
        .execute(params![kind, namespace, key, body])?;
    forget_terms(transaction, kind, namespace, key)?;
    for term in terms {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO term (kind, namespace, term, key) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![kind, namespace, term, key])?;
    }
    Ok(())
}

fn delete(transaction: &Transaction<'_>, kind: &str, namespace: &str, key: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM document WHERE kind = ?1 AND namespace = ?2 AND key = ?3")?
        .execute(params![kind, namespace, key])?;
    forget_terms(transaction, kind, namespace, key)
}

fn forget_terms(transaction: &Transaction<'_>, kind: &str, namespace: &str, key: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM term WHERE kind = ?1 AND namespace = ?2 AND key = ?3")?
        .execute(params![kind, namespace, key])?;
    Ok(())
}

fn trim(transaction: &Transaction<'_>, journal: Journal, namespace: &str, before: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM entry WHERE sequence IN (SELECT sequence FROM entry
             WHERE journal = ?1 AND namespace = ?2 AND at < ?3 AND execution = '' LIMIT ?4)",
        )?
        .execute(params![journal.name(), namespace, before, i64::try_from(TRIM_MAX).unwrap_or(i64::MAX)])?;
    Ok(())
}

fn forget_run(transaction: &Transaction<'_>, namespace: &str, execution: &str, run: &str) -> rusqlite::Result<()> {
    let mut delete = transaction
        .prepare_cached("DELETE FROM entry WHERE journal = ?1 AND namespace = ?2 AND execution = ?3 AND run = ?4")?;
    for journal in Journal::ALL {
        delete.execute(params![journal.name(), namespace, execution, run])?;
    }
    Ok(())
}

fn append(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<u64> {
    let Entry { journal, namespace, id, at, root, execution, run, kind, source, body, .. } = entry;
    let inserted = transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO entry (journal, namespace, id, at, root, execution, run, kind, source, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![journal.name(), namespace, id, at, root, execution, run, kind, source, body])?;
    Ok(if inserted == 0 { 0 } else { u64::try_from(transaction.last_insert_rowid()).unwrap_or(0) })
}

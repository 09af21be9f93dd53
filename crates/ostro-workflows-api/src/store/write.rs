//! The thread that writes records: everything that waits goes into one transaction.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;

use ostro_sqlite::LogSize;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, ffi, params};
use tokio::sync::{oneshot, watch};

use super::disk::{self, Disk};
use super::quota::{self, OF_DOCUMENT_SQL, OF_ENTRY_SQL, Usage};
use super::room::Room;
use super::{Error, RecordLimits};
use crate::model::record::{Change, Document, Entry, Journal, Kind, TRIM_MAX};

/// Jobs in one transaction, at most.
const GROUP_MAX: usize = 256;

/// After one of these nobody knows what is on the disk.
const FAILED_SYNCS: [i32; 2] = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC];

struct Job {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<Vec<u64>, Error>>,
}

/// The way to the writing thread. Dropping it waits until the thread has written what is left and closed the file.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    progress: watch::Receiver<u64>,
    stats: Arc<WriterStats>,
}

/// What the writing thread counts.
#[derive(Debug, Default)]
pub(super) struct WriterStats {
    /// Bytes of all records, as they count for quotas.
    pub bytes_now: AtomicU64,
    /// Commits that were refused: a quota was used up, or the disk nearly full.
    pub refused: AtomicU64,
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
    pub(super) fn start(
        connection: Connection,
        durable: bool,
        limits: RecordLimits,
        log: Arc<LogSize>,
    ) -> Result<Self, Error> {
        let last: i64 = connection.query_row("SELECT coalesce(max(sequence), 0) FROM entry", [], |row| row.get(0))?;
        let usage = Usage::load(&connection, limits)?;
        let room = Room::of(std::path::Path::new(connection.path().unwrap_or_default()));
        let stats = Arc::new(WriterStats::default());
        let keeper =
            Keeper { disk: Disk::new(&connection, durable), connection, usage, room, log, stats: stats.clone() };
        let (jobs, waiting) = mpsc::channel();
        let (told, progress) = watch::channel(last.unsigned_abs());
        let thread = std::thread::Builder::new()
            .name("ostro-api-records".to_owned())
            .spawn(move || run(keeper, &waiting, &told))
            .map_err(|error| Error::Sqlite(format!("cannot start the writing thread: {error}")))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), progress, stats })
    }

    pub(super) async fn commit(&self, changes: Vec<Change>) -> Result<Vec<u64>, Error> {
        let (done, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Error::Closed)?;
        jobs.send(Job { changes, done }).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) fn stats(&self) -> &WriterStats {
        &self.stats
    }

    pub(super) fn progress(&self) -> watch::Receiver<u64> {
        self.progress.clone()
    }
}

/// What the thread works with.
struct Keeper {
    connection: Connection,
    disk: Disk,
    usage: Usage,
    room: Room,
    log: Arc<LogSize>,
    stats: Arc<WriterStats>,
}

/// What comes of one job: the numbers of what it appended.
type Outcome = Result<Vec<u64>, Error>;

fn run(mut keeper: Keeper, waiting: &mpsc::Receiver<Job>, told: &watch::Sender<u64>) {
    while let Some(first) = next(waiting, &mut keeper.disk) {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(GROUP_MAX - 1));
        let outcomes = keeper.commit(&jobs).unwrap_or_else(|error| {
            tracing::error!(%error, "the API's records could not be written");
            jobs.iter().map(|_| Err(error.clone())).collect()
        });
        let highest = outcomes.iter().flatten().flatten().copied().max().unwrap_or(0);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Whoever asked may have gone; what it asked for is done all the same.
            drop(job.done.send(outcome));
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

impl Keeper {
    /// Commits the jobs together; each that is refused alone.
    fn commit(&mut self, jobs: &[Job]) -> Result<Vec<Outcome>, Error> {
        self.disk.wait(&self.connection, jobs.iter().flat_map(|job| &job.changes).any(Change::is_of_document))?;
        let outcomes = self.write(jobs);
        self.usage.ended(outcomes.is_ok());
        let outcomes = outcomes?;
        self.disk.committed();
        self.log.look();
        self.stats.bytes_now.store(self.usage.total(), Relaxed);
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        self.stats.refused.fetch_add(refused as u64, Relaxed);
        Ok(outcomes)
    }

    fn write(&mut self, jobs: &[Job]) -> Result<Vec<Outcome>, Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            let allowed = has_room(&mut self.room, &job.changes).and_then(|()| self.usage.check(&job.changes));
            outcomes.push(match allowed {
                Ok(()) => Ok(apply_all(&transaction, &mut self.usage, &job.changes)?),
                Err(refusal) => Err(refusal),
            });
        }
        self.usage.write(&transaction)?;
        transaction.commit().inspect_err(|error| {
            if error.sqlite_error().is_some_and(|error| FAILED_SYNCS.contains(&error.extended_code)) {
                disk::stop(error);
            }
        })?;
        Ok(outcomes)
    }
}

/// Refuses what is to be kept where the disk is nearly full: the engine, which must go on, needs the rest.
fn has_room(room: &mut Room, changes: &[Change]) -> Result<(), Error> {
    let adds = |change: &Change| match change {
        Change::Put(document) => document.kind != Kind::ApiKey,
        Change::Append(_) => true,
        _ => false,
    };
    if !changes.iter().any(adds) {
        return Ok(());
    }
    let left = room.left();
    if left.is_enough() { Ok(()) } else { Err(Error::DiskFull { free: left.free, needed: left.needed }) }
}

fn apply_all(transaction: &Transaction<'_>, usage: &mut Usage, changes: &[Change]) -> rusqlite::Result<Vec<u64>> {
    let mut appended = Vec::new();
    for change in changes {
        match change {
            Change::Put(document) => {
                let before = document_bytes(transaction, document.kind.name(), &document.namespace, &document.key)?;
                put(transaction, document)?;
                usage.add(&document.namespace, quota::of_document(&document.key, &document.body) - before);
            }
            Change::Delete { kind, namespace, key } => {
                usage.add(namespace, -document_bytes(transaction, kind.name(), namespace, key)?);
                delete(transaction, kind.name(), namespace, key)?;
            }
            Change::Append(entry) => {
                let sequence = append(transaction, entry)?;
                usage.add(&entry.namespace, if sequence == 0 { 0 } else { quota::of_entry(entry) });
                appended.push(sequence);
            }
            Change::Trim { journal, namespace, before } => {
                usage.add(namespace, -trim(transaction, *journal, namespace, *before)?);
            }
            Change::ForgetRun { namespace, execution, run } => {
                usage.add(namespace, -forget_run(transaction, namespace, execution, run)?);
            }
        }
    }
    Ok(appended)
}

/// What a document takes; 0 where it is not there.
fn document_bytes(transaction: &Transaction<'_>, kind: &str, namespace: &str, key: &str) -> rusqlite::Result<i64> {
    let sql = format!("SELECT {OF_DOCUMENT_SQL} FROM document WHERE kind = ?1 AND namespace = ?2 AND key = ?3");
    let bytes = transaction.prepare_cached(&sql)?.query_row(params![kind, namespace, key], |row| row.get(0));
    Ok(bytes.optional()?.unwrap_or(0))
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

/// Deletes entries of no execution; answers their bytes.
fn trim(transaction: &Transaction<'_>, journal: Journal, namespace: &str, before: i64) -> rusqlite::Result<i64> {
    let sql = format!(
        "DELETE FROM entry WHERE sequence IN (SELECT sequence FROM entry
         WHERE journal = ?1 AND namespace = ?2 AND at < ?3 AND execution = '' LIMIT ?4) RETURNING {OF_ENTRY_SQL}"
    );
    let limit = i64::try_from(TRIM_MAX).unwrap_or(i64::MAX);
    let mut delete = transaction.prepare_cached(&sql)?;
    sum(delete.query_map(params![journal.name(), namespace, before, limit], |row| row.get(0))?)
}

/// Deletes the entries of a run; answers their bytes.
fn forget_run(transaction: &Transaction<'_>, namespace: &str, execution: &str, run: &str) -> rusqlite::Result<i64> {
    let sql = format!(
        "DELETE FROM entry WHERE journal = ?1 AND namespace = ?2 AND execution = ?3 AND run = ?4
         RETURNING {OF_ENTRY_SQL}"
    );
    let mut delete = transaction.prepare_cached(&sql)?;
    let mut bytes = 0;
    for journal in Journal::ALL {
        bytes += sum(delete.query_map(params![journal.name(), namespace, execution, run], |row| row.get(0))?)?;
    }
    Ok(bytes)
}

fn sum(mut bytes: impl Iterator<Item = rusqlite::Result<i64>>) -> rusqlite::Result<i64> {
    bytes.try_fold(0i64, |sum, bytes| Ok(sum.saturating_add(bytes?)))
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

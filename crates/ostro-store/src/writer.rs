//! The one connection that writes, and its group commit.
//!
//! Whoever holds the [`Committer`] takes batches in the order of their submission: the writer's own thread takes those
//! that wait in the queue; who submits while nothing waits may commit at once, which saves two threads' hand-overs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use ostro_engine::persistence::Write;
use ostro_sqlite::LogSize;
use rusqlite::Connection;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

use crate::apply;
use crate::error::{Doing, Error, OnFatal, Result};
use crate::group::{Group, size};
use crate::queue::{DrainLimits, Queue};
use crate::stats::Stats;
use crate::visibility;

/// How many bytes of batches may wait before `submit` blocks.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much goes into one commit.
const GROUP_LIMITS: DrainLimits = DrainLimits { entries: 256, bytes: 8 * 1024 * 1024 };

/// How often the size of the log is looked at: one commit has 8 MiB at most.
const COMMITS_BETWEEN_LOOKS: u64 = 8;

/// Writes that are committed together, and what to do once they are on disk.
pub struct Batch {
    /// May be empty: then `done` only keeps its place in the order.
    pub writes: Vec<Write>,
    /// Runs on the thread that commits, after this batch and all before it are durable; it must be quick and must not
    /// call the writer. It never runs if a commit before it failed.
    pub done: Done,
}

type Done = Box<dyn FnOnce() + Send>;

enum Job {
    Batch(Batch),
    Index { name: String, kind: IndexedValueType },
}

/// The handle to the writer thread. Dropping it writes what waits, then ends the thread.
pub struct Writer {
    queue: Arc<Queue<Job>>,
    stats: Arc<Stats>,
    committer: Arc<Mutex<Committer>>,
    on_fatal: OnFatal,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, log: Arc<LogSize>, on_fatal: OnFatal) -> std::io::Result<Writer> {
        let queue = Arc::new(Queue::new(QUEUE_BYTES_MAX));
        let stats = Arc::new(Stats::default());
        let committer = Arc::new(Mutex::new(Committer { connection, log, stats: stats.clone() }));
        let worker = Worker { committer: committer.clone(), queue: queue.clone(), on_fatal: on_fatal.clone() };
        let thread = std::thread::Builder::new().name("ostro-store".to_owned()).spawn(move || worker.run())?;
        Ok(Writer { queue, stats, committer, on_fatal, thread: Mutex::new(Some(thread)) })
    }

    /// Hands over a batch; batches are committed in the order of submission, many at a time. Blocks while more than 64 MiB
    /// wait. After a fatal error, or once closed, the batch is dropped without running its `done`.
    pub fn submit(&self, batch: Batch) {
        let bytes = batch.writes.iter().map(size).sum::<usize>() + size_of::<Batch>();
        drop(self.queue.push(Job::Batch(batch), bytes));
    }

    /// Commits these batches before it returns, if no other waits or is being committed; else hands them over.
    pub fn commit_or_submit(&self, batches: Vec<Batch>) {
        match self.committer.try_lock().ok().filter(|_| self.queue.is_idle()) {
            Some(committer) => {
                let jobs = batches.into_iter().map(Job::Batch);
                committer.work_off_or_stop(jobs, &self.queue, &self.on_fatal);
            }
            // Without the lock: it may have to wait until the writer has made room.
            None => batches.into_iter().for_each(|batch| self.submit(batch)),
        }
    }

    /// Makes filters and order on a custom search attribute fast. Queries are right without it. Text and KeywordList
    /// have no index. It takes its turn among the batches: about 1.5 s for each million runs that are there already.
    pub fn ensure_search_attribute(&self, name: &str, kind: IndexedValueType) {
        drop(self.queue.push(Job::Index { name: name.to_owned(), kind }, name.len()));
    }

    /// Waits until everything submitted before is durable.
    pub fn flush(&self) -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        self.submit(Batch { writes: Vec::new(), done: Box::new(move || sender.send(()).unwrap_or(())) });
        receiver.recv().map_err(|_| Error::Stopped)
    }

    /// Writes what waits and ends the thread. Called again, or after a fatal error, it only waits for the thread.
    pub fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Its panics were handed to `on_fatal`.
            drop(thread.join());
        }
    }

    /// Counters for metrics.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Bytes of batches that wait for a commit.
    pub fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

struct Worker {
    committer: Arc<Mutex<Committer>>,
    queue: Arc<Queue<Job>>,
    on_fatal: OnFatal,
}

impl Worker {
    fn run(self) {
        let mut jobs = Vec::new();
        while self.queue.wait() {
            // Taken from the queue by whoever may commit only: so nobody overtakes.
            let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner);
            self.queue.drain(GROUP_LIMITS, &mut jobs);
            committer.work_off_or_stop(jobs.drain(..), &self.queue, &self.on_fatal);
        }
    }
}

struct Committer {
    connection: Connection,
    log: Arc<LogSize>,
    stats: Arc<Stats>,
}

impl Committer {
    fn work_off_or_stop(&self, jobs: impl Iterator<Item = Job>, queue: &Queue<Job>, on_fatal: &OnFatal) {
        // A panic is a bug of ours; it stops the process like a failed commit, and no `done` runs after it.
        let panicked = |_| Err(Error::Corrupt { what: "an invariant that the writer found broken".to_owned() });
        let mut done = Vec::with_capacity(jobs.size_hint().0);
        let ended = catch_unwind(AssertUnwindSafe(|| self.work_off(jobs, &mut done))).unwrap_or_else(panicked);
        if let Err(error) = ended {
            // Before anybody notices that no answer will come: whoever ends the process for that shall not hide the cause.
            on_fatal(error);
            queue.abandon();
        }
    }

    fn work_off(&self, jobs: impl Iterator<Item = Job>, done: &mut Vec<Done>) -> Result<()> {
        let mut group = Group::default();
        for job in jobs {
            match job {
                Job::Batch(batch) => {
                    self.stats.count(&batch);
                    batch.writes.into_iter().for_each(|write| group.add(write));
                    done.push(batch.done);
                }
                // Outside the transaction of the group: an index is no data, so its order among batches is free.
                Job::Index { name, kind } => index(&self.connection, &name, kind)?,
            }
        }
        self.commit(&group, done.len())?;
        done.drain(..).for_each(|done| done());
        Ok(())
    }

    fn commit(&self, group: &Group, batches: usize) -> Result<()> {
        if group.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        apply::apply(&self.connection, group).doing("commit to the store")?;
        self.stats.committed(batches, started.elapsed());
        if self.stats.commits.load(Relaxed).is_multiple_of(COMMITS_BETWEEN_LOOKS) {
            self.log.look();
        }
        Ok(())
    }
}

fn index(connection: &Connection, name: &str, kind: IndexedValueType) -> Result<()> {
    let Some(index) = visibility::search_index(name, kind) else { return Ok(()) };
    apply::create_search_index(connection, &index).doing("make an index for a search attribute")
}

impl Stats {
    fn count(&self, batch: &Batch) {
        self.batches.fetch_add(1, Relaxed);
        self.writes.fetch_add(batch.writes.len() as u64, Relaxed);
        self.bytes.fetch_add(batch.writes.iter().map(size).sum::<usize>() as u64, Relaxed);
    }
}

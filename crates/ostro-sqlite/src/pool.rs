//! Connections that many read through.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fair::{Fair, Wish};
use crate::log::{LOG_BYTES_MAX, LogSize};

/// Steps of SQLite's machine between two looks whether a read must end: about a tenth of a millisecond.
const STEPS: i32 = 10_000;
/// A read this young is no danger to the log.
const HARMLESS: Duration = Duration::from_millis(500);

/// The limits of a pool.
#[derive(Debug, Clone)]
pub struct PoolLimits {
    /// Longest that one read may take, once it has a connection.
    pub time: Duration,
    /// Reads of one namespace that may wait for a connection.
    pub waiting_max: usize,
}

/// A read that brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "{waiting} reads of namespace {namespace:?} wait for the store already (reads_waiting_max): try again, ask for less at \
         a time"
    )]
    TooMany { namespace: String, waiting: usize },
    #[error(
        "the read was ended after {0:?} (read_timeout): narrow the filter, with a time or a workflow type, or raise the limit"
    )]
    TooLong(Duration),
    #[error(
        "the read was ended because it held back the store's log, which has {0} bytes: narrow the filter, or try again"
    )]
    LogTooLarge(u64),
    #[error("the store is closed")]
    Closed,
}

/// What a pool counts.
#[derive(Debug, Default)]
pub struct PoolStats {
    /// Reads that wait for a connection.
    pub waiting_now: AtomicU64,
    /// Reads that found the queue of their namespace full.
    pub refused: AtomicU64,
    /// Reads that were ended because their time was over, or because of the log.
    pub cut: AtomicU64,
    /// Reads that were ended because nobody waited for them any more.
    pub abandoned: AtomicU64,
}

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct ReadPool(Arc<Shared>);

struct Shared {
    limits: PoolLimits,
    log: Arc<LogSize>,
    stats: PoolStats,
    fair: Mutex<Fair<Connection, oneshot::Sender<Lease>>>,
}

/// A connection in use; it goes back however the read ends.
struct Lease {
    pool: Arc<Shared>,
    tenant: String,
    connection: Option<Connection>,
}

/// Why a read has to end.
#[derive(Default)]
struct End {
    /// Nobody waits for it.
    gone: AtomicBool,
    cause: AtomicU8,
}

const GONE: u8 = 1;
const TIME: u8 = 2;
const LOG: u8 = 3;

impl ReadPool {
    /// Reads through these connections, and heeds the log of their file.
    pub fn new(connections: Vec<Connection>, limits: PoolLimits, log: Arc<LogSize>) -> Self {
        let fair = Mutex::new(Fair::new(connections, limits.waiting_max));
        Self(Arc::new(Shared { limits, log, stats: PoolStats::default(), fair }))
    }

    /// Reads for a namespace, off the async threads. Dropping the future ends the read.
    ///
    /// # Errors
    /// The queue of the namespace is full, or the read had to be ended.
    pub async fn read<T: Send + 'static>(
        &self,
        namespace: &str,
        work: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let lease = match self.0.wish(namespace)? {
            Ok(lease) => lease,
            Err(waits) => waits.await.map_err(|_| Refused::Closed)?,
        };
        let end = Gone(Arc::default());
        let (pool, watched) = (self.0.clone(), end.0.clone());
        let done = tokio::task::spawn_blocking(move || pool.work(lease, &watched, work)).await;
        done.map_err(|_| Refused::Closed)?
    }

    /// The same on this thread, which must not be one of an async runtime.
    ///
    /// # Errors
    /// As [`ReadPool::read`].
    pub fn read_now<T>(&self, namespace: &str, work: impl FnOnce(&Connection) -> T) -> Result<T, Refused> {
        let lease = match self.0.wish(namespace)? {
            Ok(lease) => lease,
            Err(waits) => waits.blocking_recv().map_err(|_| Refused::Closed)?,
        };
        self.0.work(lease, &Arc::default(), work)
    }

    /// What it counts.
    pub fn stats(&self) -> &PoolStats {
        &self.0.stats
    }
}

/// Ends the read when its caller has gone.
struct Gone(Arc<End>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.gone.store(true, Relaxed);
    }
}

impl Shared {
    fn wish(self: &Arc<Self>, namespace: &str) -> Result<Result<Lease, oneshot::Receiver<Lease>>, Refused> {
        let (sender, receiver) = oneshot::channel();
        let mut fair = self.lock();
        let wish = fair.wish(namespace, || sender, oneshot::Sender::is_closed);
        self.stats.waiting_now.store(fair.waiting() as u64, Relaxed);
        match wish {
            Wish::Granted(connection) => Ok(Ok(self.lease(namespace.to_owned(), connection))),
            Wish::Waits => Ok(Err(receiver)),
            Wish::TooMany(waiting, _) => {
                self.stats.refused.fetch_add(1, Relaxed);
                Err(Refused::TooMany { namespace: namespace.to_owned(), waiting })
            }
        }
    }

    fn lease(self: &Arc<Self>, tenant: String, connection: Connection) -> Lease {
        Lease { pool: self.clone(), tenant, connection: Some(connection) }
    }

    fn work<T>(&self, mut lease: Lease, end: &Arc<End>, work: impl FnOnce(&Connection) -> T) -> Result<T, Refused> {
        let connection = lease.connection.as_mut().expect("a lease has its connection until it is dropped");
        self.watch(connection, end);
        let answer = work(connection);
        let cause = end.cause.load(Relaxed);
        let counter = if cause == GONE { &self.stats.abandoned } else { &self.stats.cut };
        counter.fetch_add(u64::from(cause != 0), Relaxed);
        match cause {
            0 => Ok(answer),
            TIME => Err(Refused::TooLong(self.limits.time)),
            LOG => Err(Refused::LogTooLarge(self.log.bytes())),
            _ => Err(Refused::Closed),
        }
    }

    /// Lets SQLite look, every few steps, whether the read must end.
    fn watch(&self, connection: &mut Connection, end: &Arc<End>) {
        let (end, log, time, began) = (end.clone(), self.log.clone(), self.limits.time, Instant::now());
        let must_end = move || {
            let age = began.elapsed();
            let cause = match () {
                () if end.gone.load(Relaxed) => GONE,
                () if age >= time => TIME,
                () if age >= HARMLESS && log.bytes() > LOG_BYTES_MAX => LOG,
                () => return false,
            };
            end.cause.store(cause, Relaxed);
            true
        };
        connection.progress_handler(STEPS, Some(must_end)).expect("the connection is ours, so it is open");
    }

    fn lock(&self) -> MutexGuard<'_, Fair<Connection, oneshot::Sender<Lease>>> {
        self.fair.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut fair = self.pool.lock();
        fair.give_back(&self.tenant, connection);
        while let Some((tenant, connection, waiter)) = fair.next() {
            let lease = self.pool.lease(tenant.clone(), connection);
            // Who has gone meanwhile leaves it to the next.
            if let Err(mut lease) = waiter.send(lease)
                && let Some(connection) = lease.connection.take()
            {
                fair.give_back(&tenant, connection);
            }
        }
        self.pool.stats.waiting_now.store(fair.waiting() as u64, Relaxed);
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;

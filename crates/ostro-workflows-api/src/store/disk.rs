//! When what was written reaches the disk.
//!
//! Documents do before they are acknowledged. Lines of journals are acknowledged once they outlive the process, and reach the
//! disk a moment later: a worker waits for two of its events with each activity, and the engine's history, which does wait,
//! is what an execution goes on from.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// What was acknowledged is on the disk this much later, at the latest.
const DELAY: Duration = Duration::from_millis(50);

/// The disk under a connection that writes.
pub(crate) struct Disk {
    /// SQLite's write-ahead log; `None` where nothing needs to outlive the machine.
    log: Option<PathBuf>,
    /// Whether a commit of the connection waits for the disk.
    waits: bool,
    /// When the first commit was made that has not reached the disk.
    unsafe_since: Option<Instant>,
}

impl Disk {
    /// The disk under a connection that waits with each commit, if `durable`.
    pub(crate) fn new(connection: &Connection, durable: bool) -> Self {
        let log = connection.path().filter(|_| durable).map(|path| PathBuf::from(format!("{path}-wal")));
        Self { log, waits: durable, unsafe_since: None }
    }

    /// Says whether the next commit waits for the disk. Outside of a transaction.
    pub(crate) fn wait(&mut self, connection: &Connection, waits: bool) -> rusqlite::Result<()> {
        if self.log.is_some() && self.waits != waits {
            connection.pragma_update(None, "synchronous", if waits { "full" } else { "normal" })?;
            self.waits = waits;
        }
        Ok(())
    }

    /// Notes a commit. One that waited took everything before it along.
    pub(crate) fn committed(&mut self) {
        if self.waits || self.log.is_none() {
            self.unsafe_since = None;
        } else {
            self.unsafe_since.get_or_insert_with(Instant::now);
        }
    }

    /// How long the disk may still be let wait; `None` where there is nothing to bring to it.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.unsafe_since.map(|since| DELAY.saturating_sub(since.elapsed()))
    }

    /// Brings what was committed to the disk. Where that fails the process stops, as the engine's does: what is in the kernel's
    /// memory may be gone, and the next call would say that all is well.
    pub(crate) fn flush(&mut self) {
        if self.unsafe_since.take().is_some()
            && let Err(error) = self.sync()
        {
            stop(&error);
        }
    }

    /// Through a file of its own: SQLite holds no lock on the log that closing it would take away.
    fn sync(&self) -> io::Result<()> {
        match &self.log {
            Some(log) => File::open(log)?.sync_data(),
            None => Ok(()),
        }
    }
}

/// Nothing is acknowledged any more that may not be there after a crash.
pub(super) fn stop(error: &dyn std::error::Error) -> ! {
    tracing::error!(%error, "the API's records could not be brought to the disk; the process stops so that nothing unsaved is acknowledged");
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("a mode")
    }

    #[test]
    fn what_did_not_wait_is_due_until_it_is_flushed_or_taken_along() {
        let directory = tempfile::tempdir().expect("a directory");
        let connection = Connection::open(directory.path().join("r.db")).expect("a file");
        connection.pragma_update(None, "journal_mode", "wal").expect("a log");
        connection.execute_batch("CREATE TABLE t (a); PRAGMA synchronous = full").expect("a table");
        let mut disk = Disk::new(&connection, true);
        disk.committed();
        assert_eq!((disk.patience(), mode(&connection)), (None, 2));
        disk.wait(&connection, false).expect("a mode");
        disk.committed();
        assert_eq!(mode(&connection), 1);
        assert!(disk.patience().is_some_and(|left| left <= DELAY));
        disk.flush();
        assert_eq!(disk.patience(), None);
        disk.committed();
        disk.wait(&connection, true).expect("a mode");
        disk.committed();
        assert_eq!((disk.patience(), mode(&connection)), (None, 2));
    }
}

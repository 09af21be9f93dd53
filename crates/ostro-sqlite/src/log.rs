//! The write-ahead log beside a file: how large it is, and how it stays small.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use rusqlite::Connection;

/// The log's file is cut to this when it begins anew.
pub const LOG_BYTES_KEPT: u64 = 64 << 20;
/// Reads that hold back a log larger than this end before their time.
pub const LOG_BYTES_MAX: u64 = 256 << 20;

/// The size of a log, as it was when somebody looked.
#[derive(Debug)]
pub struct LogSize {
    log: PathBuf,
    bytes: AtomicU64,
}

impl LogSize {
    /// Of the log that belongs to the file at `path`.
    pub fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let size = Self { log: log.into(), bytes: AtomicU64::new(0) };
        size.look();
        size
    }

    /// Looks at the file: a few microseconds.
    pub fn look(&self) {
        self.bytes.store(std::fs::metadata(&self.log).map_or(0, |file| file.len()), Relaxed);
    }

    /// Its size in bytes at the last look.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}

/// Lets the log of a connection that writes shrink again once it was large.
///
/// # Errors
/// Those of SQLite.
pub fn keep_log_small(writer: &Connection) -> rusqlite::Result<()> {
    writer.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT as i64, |_| Ok(()))
}

//! What can go wrong with the file.

use std::path::PathBuf;

/// An error of the store itself: the file cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot open {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(
        "{} is served by another process{}: stop that process, or name another file", path.display(),
        owner.as_ref().map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse { path: PathBuf, owner: Option<String> },
    #[error(
        "{} has schema version {found}, this program knows versions up to {supported}: start the newer release that wrote \
         it, or restore a backup of before the upgrade", path.display()
    )]
    Newer { path: PathBuf, found: i64, supported: i64 },
    #[error("{} exists already: name a new file, or move that one away", path.display())]
    Exists { path: PathBuf },
    #[error("{} is a database of another program: name another file, Ostro creates it", path.display())]
    Foreign { path: PathBuf },
    #[error("cannot {doing}: {source}")]
    Sqlite { doing: &'static str, source: rusqlite::Error },
    #[error("the store holds {what}, which this program cannot read: restore a backup, and report it")]
    Corrupt { what: String },
    #[error(
        "the writer of the store has stopped after an error: see the log, free disk space if it is full, start again"
    )]
    Stopped,
}

pub type Result<T> = std::result::Result<T, Error>;

/// Called once when a read or a commit fails that must not: the process cannot go on.
pub type OnFatal = std::sync::Arc<dyn Fn(Error) + Send + Sync>;

/// Logs the error and aborts the process: crash before corrupt.
pub fn abort_on_fatal() -> OnFatal {
    std::sync::Arc::new(|error| {
        tracing::error!(%error, "the store failed; the process stops so that nothing unsaved is acknowledged");
        std::process::abort();
    })
}

/// Says what was being done when SQLite refused.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str) -> Result<T> {
        self.map_err(|source| Error::Sqlite { doing, source })
    }
}

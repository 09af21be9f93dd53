//! What can go wrong with the file.

use std::path::PathBuf;

use rusqlite::{ErrorCode, ffi};

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
    #[error("cannot {doing}: {source}. Stop the server and run \"ostro doctor --repair\", or restore a backup")]
    Damaged { doing: &'static str, source: rusqlite::Error },
    #[error(
        "the structure of {} is damaged, so nothing is served from it: {}{}. Run \"ostro doctor --repair\", which takes all that \
         can be read into a new file, or restore a backup", path.display(), lines.first().map_or("", |line| line),
        lines.len().checked_sub(1).filter(|more| *more > 0).map(|more| format!(", and {more} lines more")).unwrap_or_default()
    )]
    Structure { path: PathBuf, lines: Vec<String> },
    #[error(transparent)]
    Disk(ostro_disk::Error),
    #[error("there is no data at {}, and data_exists says that there must be: is its file system mounted?", path.display())]
    NoData { path: PathBuf },
    #[error("{} holds {what}, which no release of Ostro puts there: restore a backup, and find out who writes to it", path.display())]
    Schema { path: PathBuf, what: String },
    #[error(
        "{count} rows of {} are not as they were written (the first: {first}): mend a copy of it with \"ostro doctor --repair \
         --data FILE.db\", or take another", path.display()
    )]
    DamagedRows { path: PathBuf, count: usize, first: String },
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

impl From<ostro_disk::Error> for Error {
    fn from(error: ostro_disk::Error) -> Self {
        match error {
            ostro_disk::Error::InUse { path, owner } => Self::InUse { path, owner },
            ostro_disk::Error::Io { path, source } => Self::Io { path, source },
            error => Self::Disk(error),
        }
    }
}

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
        self.map_err(|source| match is_damage(&source) {
            true => Error::Damaged { doing, source },
            false => Error::Sqlite { doing, source },
        })
    }
}

/// Whether something was read that is not what was written. Anything else that goes wrong may go right the next time.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::*;
    match error {
        SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                || DAMAGED_READS.contains(&failure.extended_code)
        }
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | Utf8Error(..) | InvalidColumnType(..) => true,
        UserFunctionError(error) => error.is::<crate::sum::Mismatch>(),
        _ => false,
    }
}

/// A page that the disk does not hand out, hands out in part, or of which the file system knows that it is wrong.
const DAMAGED_READS: [i32; 4] =
    [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_IOERR_CORRUPTFS, ffi::SQLITE_IOERR_DATA];

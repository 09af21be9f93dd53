//! What must hold of a SQLite file before it is served: it is nobody else's, it is private, and its log is whole.

mod frames;
mod harden;
mod lock;
pub mod log;
pub mod private;

use std::io;
use std::path::{Path, PathBuf};

pub use harden::harden;
pub use lock::{Lock, sign_of_data};

/// A file that is not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot use {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{} is served by another process{}: stop that process, or name another file", path.display(),
        owner.as_ref().map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse { path: PathBuf, owner: Option<String> },
    #[error(
        "{} has {links} names (hard links): under another name its log would be another file, and what is in it would be \
         lost. Keep one name, or copy the file with \"ostro backup\"", path.display()
    )]
    Linked { path: PathBuf, links: u64 },
    #[error(
        "{} is {}, and {} beside it tells that there was data: it may have been deleted, or a file system is not mounted. Bring it \
         back or restore a backup; give --new to begin with nothing", path.display(),
        if *empty { "empty" } else { "missing" }, sign.display()
    )]
    Vanished { path: PathBuf, empty: bool, sign: PathBuf },
    #[error(
        "the write-ahead log of {} is damaged at frame {frame}: {commits} commits that were acknowledged after it would be lost. \
         Nothing was changed. Run \"ostro doctor --repair\", which mends a flipped bit; or restore a backup; or give \
         --accept-wal-loss to go on without those commits (the log is kept)", path.display()
    )]
    LogDamaged { path: PathBuf, frame: u64, commits: u64 },
}

impl Error {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// The path with this at the end of its name.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The first of `NAME.what-1`, `NAME.what-2`... that is free.
pub fn free_beside(path: &Path, what: &str) -> PathBuf {
    let free = |count: &u32| !beside(path, &format!(".{what}-{count}")).exists();
    let count = (1..).find(free).unwrap_or_default();
    beside(path, &format!(".{what}-{count}"))
}

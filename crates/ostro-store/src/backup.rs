//! Copies of a store: taken while it is served, and put back.

use std::path::{Path, PathBuf};

use ostro_disk::{Lock, beside, private};

use crate::copy::{copy_into, sync, sync_directory};
use crate::error::{Doing, Error, Result};
use crate::inspect::Inspector;
use crate::schema;

/// What a served store keeps beside its file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Writes a copy of the store at `store` to the new file `target`, as of one moment, and syncs it. A server may serve the
/// store meanwhile: it goes on writing. Damaged rows are copied as they are, and counted.
///
/// # Errors
/// If `store` is no store or its log is damaged, or `target` exists or cannot be written.
pub fn backup(store: &Path, target: &Path) -> Result<Copied> {
    if target.exists() {
        return Err(Error::Exists { path: target.to_owned() });
    }
    let source = Inspector::open(store)?;
    source.refuse_lost_commits()?;
    // Into a file of another name first: what carries the target's name is whole.
    let partial = beside(target, ".partial");
    copy_into(source.connection(), &partial)?;
    let bytes = sync(&partial)?;
    let damaged = Inspector::open(&partial)?.damaged()?.len();
    std::fs::rename(&partial, target).map_err(|source| Error::Io { path: target.to_owned(), source })?;
    sync_directory(target)?;
    Ok(Copied { bytes, damaged })
}

/// A copy that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The size of the file.
    pub bytes: u64,
    /// Rows in it that are not as they were written.
    pub damaged: usize,
}

/// Rewrites the store at `path`, which nobody serves, so that nothing deleted is left in it and no space is unused.
///
/// # Errors
/// If a server serves it, or it is damaged.
pub fn compact(path: &Path) -> Result<()> {
    std::fs::metadata(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let _lock = Lock::take(path)?;
    ostro_disk::log::check(path, false)?;
    let connection = schema::open_writer(path, true)?;
    connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").doing("compact the store")?;
    sync(path).map(drop)
}

/// Puts the copy `backup` in the place of the store at `store`. What was there is kept under another name, which is
/// answered.
///
/// # Errors
/// If `backup` is damaged or no store, or if a server serves `store`.
pub fn restore(backup: &Path, store: &Path) -> Result<Option<PathBuf>> {
    let copy = Inspector::open(backup)?;
    if let Some(damage) = copy.integrity()?.first() {
        return Err(Error::Corrupt { what: format!("{} in {}", damage, backup.display()) });
    }
    let damaged = copy.damaged()?;
    if let Some(first) = damaged.first() {
        let first = format!("{:?}", first.of);
        return Err(Error::DamagedRows { path: backup.to_owned(), count: damaged.len(), first });
    }
    if let Some(directory) = store.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        private::make_directory(directory)?;
    }
    let _lock = Lock::take_to_replace(store)?;
    let partial = beside(store, ".partial");
    copy_into(copy.connection(), &partial)?;
    let kept = set_aside(store)?;
    std::fs::rename(&partial, store).map_err(|source| Error::Io { path: store.to_owned(), source })?;
    sync_directory(store)?;
    Ok(kept)
}

/// Renames the store at `store` with all that belongs to it.
fn set_aside(store: &Path) -> Result<Option<PathBuf>> {
    if !store.exists() {
        return Ok(None);
    }
    let free = |count: &u32| !beside(store, &format!(".replaced-{count}")).exists();
    let count = (1..).find(free).unwrap_or_default();
    let kept = beside(store, &format!(".replaced-{count}"));
    // The log first: without its file it is nothing, the file without its log would be an older store.
    for companion in COMPANIONS {
        let from = beside(store, companion);
        if from.exists() {
            let to = beside(&kept, companion);
            std::fs::rename(&from, to).map_err(|source| Error::Io { path: from, source })?;
        }
    }
    std::fs::rename(store, &kept).map_err(|source| Error::Io { path: store.to_owned(), source })?;
    Ok(Some(kept))
}

//! Copies of a store: taken while it is served, and put back.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Error, Result};
use crate::inspect::Inspector;
use crate::lock::Lock;

/// What a served store keeps beside its file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Writes a copy of the store at `store` to the new file `target`, as of one moment, and syncs it. A server may serve the
/// store meanwhile: it goes on writing. Answers the size of the copy in bytes.
///
/// # Errors
/// If `store` is no store, or `target` exists or cannot be written.
pub fn backup(store: &Path, target: &Path) -> Result<u64> {
    if target.exists() {
        return Err(Error::Exists { path: target.to_owned() });
    }
    let source = Inspector::open(store)?;
    // Into a file of another name first: what carries the target's name is whole.
    let partial = beside(target, ".partial");
    remove(&partial)?;
    source.copy_into(&partial)?;
    let bytes = sync(&partial)?;
    std::fs::rename(&partial, target).map_err(|source| Error::Io { path: target.to_owned(), source })?;
    sync_directory(target)?;
    Ok(bytes)
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
    if let Some(directory) = store.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(|source| Error::Io { path: directory.to_owned(), source })?;
    }
    let _lock = Lock::take(store)?;
    let partial = beside(store, ".partial");
    remove(&partial)?;
    copy.copy_into(&partial)?;
    sync(&partial)?;
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

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<u64> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(file.metadata().map_err(io)?.len())
}

/// A new name is durable when its directory is.
fn sync_directory(path: &Path) -> Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let io = |source| Error::Io { path: directory.to_owned(), source };
    File::open(directory).map_err(io)?.sync_all().map_err(io)
}

impl Inspector {
    /// A compact copy as of one moment. Not SQLite's online copy, which begins anew whenever another process writes.
    fn copy_into(&self, target: &Path) -> Result<()> {
        let name = target.to_str().ok_or_else(|| Error::Io {
            path: target.to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "the name is not UTF-8"),
        })?;
        self.connection().execute("VACUUM INTO ?1", [name]).doing("copy the store").map(drop)
    }
}

//! One copy of a store's file, synced: what backups, looks at a file and migrations stand on.

use std::fs::File;
use std::path::Path;

use ostro_disk::private;
use rusqlite::Connection;

use crate::error::{Doing, Error, Result};

/// A compact copy as of one moment, in place of the file `target`, synced. Not SQLite's online copy, which begins anew
/// whenever another process writes.
pub(crate) fn copy_into(connection: &Connection, target: &Path) -> Result<()> {
    let name = target.to_str().ok_or_else(|| Error::Io {
        path: target.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "the name is not UTF-8"),
    })?;
    remove(target)?;
    // It takes an empty file, which only its owner may read.
    private::create_new(target).map_err(|source| Error::Io { path: target.to_owned(), source })?;
    connection.execute("VACUUM INTO ?1", [name]).doing("copy the store")?;
    sync(target).map(drop)
}

pub(crate) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

pub(crate) fn sync(path: &Path) -> Result<u64> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(file.metadata().map_err(io)?.len())
}

/// A new name is durable when its directory is.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let io = |source| Error::Io { path: directory.to_owned(), source };
    File::open(directory).map_err(io)?.sync_all().map_err(io)
}

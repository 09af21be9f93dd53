//! Files that only their owner may read, whatever the umask says.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::{Error, beside};

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// Whoever may write here may not delete what others have: `/tmp`.
const STICKY: u32 = 0o1000;
/// What SQLite keeps beside a file, and the lock of releases before.
const COMPANIONS: [&str; 4] = ["", "-wal", "-shm", ".lock"];

/// Makes a directory with those above it, for its owner only. One that is there is left as it is.
pub fn make_directory(path: &Path) -> Result<(), Error> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path).map_err(Error::io(path))?;
    set(path, DIRECTORY)
}

/// Closes a data directory to others; says so in the log where it was open. One that is shared by nature is left alone.
pub fn tighten_directory(path: &Path) {
    let Ok(found) = std::fs::metadata(path) else { return };
    if found.mode() & STICKY == 0 {
        tighten_to(path, found.mode(), DIRECTORY);
    }
}

/// Closes a file to others, with all that SQLite keeps beside it; says so in the log where one was open.
pub fn tighten(path: &Path) {
    for companion in COMPANIONS {
        let path = beside(path, companion);
        if let Ok(found) = std::fs::metadata(&path) {
            tighten_to(&path, found.mode(), FILE);
        }
    }
}

fn tighten_to(path: &Path, found: u32, mode: u32) {
    if found & 0o077 == 0 {
        return;
    }
    match set(path, mode) {
        Ok(()) => tracing::warn!(
            path = %path.display(),
            "others could read this ({:03o}): it is for its owner only now ({mode:03o})", found & 0o777
        ),
        Err(error) => tracing::warn!(%error, "others can read this ({:03o})", found & 0o777),
    }
}

/// Makes a new, empty file for its owner only.
///
/// # Errors
/// If it is there already, or cannot be made.
pub fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(FILE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE))?;
    Ok(file)
}

/// Writes a new file for its owner only.
///
/// # Errors
/// As [`create_new`].
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

fn set(path: &Path, mode: u32) -> Result<(), Error> {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::io(path))
}

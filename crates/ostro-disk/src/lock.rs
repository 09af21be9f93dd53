//! One server for a file, whatever path leads to it.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::{Error, beside, private};

/// Device and inode: the file itself.
type Inode = (u64, u64);

/// Files that this process serves. To open one of them a second time and close it would take away the locks that SQLite
/// holds on it: that is how POSIX has it.
static HELD: Mutex<BTreeSet<Inode>> = Mutex::new(BTreeSet::new());

/// Held as long as the file is served; the kernel releases it with the process, so a crash leaves nothing to clean up.
///
/// Two locks: one on a file beside it, which says who it is and is all that older releases know; one on the file itself
/// (`flock`, which does not touch the ranges that SQLite locks), so that no other name of it leads around the first.
#[derive(Debug)]
pub struct Lock {
    held: Option<Inode>,
    _file: Option<File>,
    /// It stays when the lock goes, because to delete it would race with the next owner.
    beside: File,
}

impl Lock {
    /// Takes the lock of the file at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// If another process or another part of this one has it, or the file has several names.
    pub fn take(path: &Path) -> Result<Self, Error> {
        Self::take_with(path, true)
    }

    /// The same for a file that is about to be replaced: it may be missing, and is not made.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_to_replace(path: &Path) -> Result<Self, Error> {
        Self::take_with(path, false)
    }

    fn take_with(path: &Path, create: bool) -> Result<Self, Error> {
        let path = &resolve(path);
        let lock_path = beside(path, ".lock");
        let mut beside = open(&lock_path).map_err(Error::io(&lock_path))?;
        if !locks(&beside).map_err(Error::io(&lock_path))? {
            return Err(Error::InUse { path: path.to_owned(), owner: owner(&mut beside) });
        }
        let (file, held) = match std::fs::metadata(path) {
            Ok(found) => own(path, &found, &mut beside)?,
            Err(_) if create => {
                drop(private::create_new(path).map_err(Error::io(path))?);
                own(path, &std::fs::metadata(path).map_err(Error::io(path))?, &mut beside)?
            }
            Err(_) => (None, None),
        };
        sign(&mut beside).map_err(Error::io(&lock_path))?;
        Ok(Self { held, _file: file, beside })
    }
}

impl Lock {
    /// Notes beside the file that there is data in it: should it vanish, the next server does not begin anew.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn mark_served(&self) -> Result<(), Error> {
        let path = PathBuf::from("the lock file");
        (&self.beside).write_all(SERVED).map_err(|source| Error::Io { path, source })
    }
}

/// What tells that there was data in the file at `path`: its log, or the note of a server that has served it.
pub fn sign_of_data(path: &Path) -> Option<PathBuf> {
    let path = resolve(path);
    let (log, lock) = (beside(&path, "-wal"), beside(&path, ".lock"));
    if std::fs::metadata(&log).is_ok_and(|file| file.len() > 0) {
        return Some(log);
    }
    std::fs::read(&lock).is_ok_and(|note| note.ends_with(SERVED)).then_some(lock)
}

/// After the process's number.
const SERVED: &[u8] = b"\nserved";

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(inode) = &self.held {
            held().remove(inode);
        }
    }
}

fn held() -> std::sync::MutexGuard<'static, BTreeSet<Inode>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a server has the file, whatever path leads to it; no where there is none.
pub(crate) fn is_served(path: &Path) -> std::io::Result<bool> {
    let found = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    // To open it a second time and close it would take away the locks that SQLite holds in this process.
    if held().contains(&(found.dev(), found.ino())) {
        return Ok(true);
    }
    match File::open(path)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file's own path: SQLite, too, puts its log beside that.
fn resolve(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (directory.canonicalize(), path.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}

/// Locks the file itself.
fn own(path: &Path, found: &Metadata, beside: &mut File) -> Result<(Option<File>, Option<Inode>), Error> {
    if found.nlink() > 1 {
        return Err(Error::Linked { path: path.to_owned(), links: found.nlink() });
    }
    let inode = (found.dev(), found.ino());
    if !held().insert(inode) {
        return Err(Error::InUse { path: path.to_owned(), owner: Some(std::process::id().to_string()) });
    }
    let locked = OpenOptions::new().read(true).write(true).open(path).and_then(|file| Ok((locks(&file)?, file)));
    match locked {
        Ok((true, file)) => return Ok((Some(file), Some(inode))),
        Ok((false, _)) | Err(_) => held().remove(&inode),
    };
    locked.map_err(Error::io(path))?;
    Err(Error::InUse { path: path.to_owned(), owner: owner(beside) })
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn locks(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn sign(beside: &mut File) -> std::io::Result<()> {
    beside.set_len(0)?;
    beside.rewind()?;
    write!(beside, "{}", std::process::id())
}

fn owner(beside: &mut File) -> Option<String> {
    let mut pid = String::new();
    beside.read_to_string(&mut pid).ok()?;
    pid.truncate(pid.find('\n').unwrap_or(pid.len()));
    (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())).then_some(pid)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_other_name_leads_around_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ostro.db");
        let first = Lock::take(&path).unwrap();
        std::fs::remove_file(beside(&path, ".lock")).unwrap();
        assert!(matches!(Lock::take(&path), Err(Error::InUse { .. })), "the lock file was removed");
        let (link, hard) = (directory.path().join("link.db"), directory.path().join("hard.db"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Lock::take(&link), Err(Error::InUse { .. })), "a symbolic link");
        std::fs::hard_link(&path, &hard).unwrap();
        assert!(matches!(Lock::take(&hard), Err(Error::Linked { links: 2, .. })), "a hard link");
        std::fs::remove_file(&hard).unwrap();
        drop(first);
        drop(Lock::take(&link).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn another_process_is_kept_out_by_the_file_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ostro.db");
        let lock = Lock::take(&path).unwrap();
        // A second open file stands for another process.
        assert!(!locks(&File::open(&path).unwrap()).unwrap());
        drop(lock);
        assert!(locks(&File::open(&path).unwrap()).unwrap());
    }
}

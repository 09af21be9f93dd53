//! The write-ahead log, looked at before SQLite recovers from it.
//!
//! SQLite takes frames up to the first that does not check, and drops the rest in silence. That is right for the torn end that
//! a loss of power leaves: what was never acknowledged. It is wrong where a bit has flipped, since commits that were
//! acknowledged lie behind it. Two signs tell them apart: a transaction is synced before the next begins, so valid frames
//! beyond the end of the transaction with the bad frame were acknowledged after it; and the index of the log (`-shm`), where it
//! outlived the process, says how far the log was committed.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::frames::{Checksum, FRAME_HEADER, Frame, HEADER, Head, Log, at, sum};
use crate::{Error, beside, free_beside, lock};

/// What SQLite uses where nobody says otherwise, and so do we.
const PAGE_SIZE: usize = 4096;

/// What is lost when SQLite recovers from a damaged log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The first frame that does not check, from 1 on; 0 is the head of the log.
    pub frame: u64,
    /// Commits behind it that were acknowledged, as far as can be seen; 1 at least.
    pub commits: u64,
}

impl Loss {
    /// What is said of it.
    pub fn of(self, path: &Path) -> Error {
        Error::LogDamaged { path: path.to_owned(), frame: self.frame, commits: self.commits }
    }
}

/// Looks at the log of the database at `path`, which nobody has open. `None`: it is whole, or its end is torn.
///
/// # Errors
/// If it cannot be read.
pub fn look(path: &Path) -> Result<Option<Loss>, Error> {
    let log_path = beside(path, "-wal");
    scan(&log_path, &beside(path, "-shm")).map_err(Error::io(&log_path))
}

/// The same for those who only read, or who may come beside a server: a log that is being written says nothing. To be asked
/// before SQLite opens the file, since SQLite may take the log up, and drop what it does not understand.
///
/// # Errors
/// If it cannot be read.
pub fn look_unless_served(path: &Path) -> Result<Option<Loss>, Error> {
    let served = || lock::is_served(path).map_err(Error::io(path));
    if served()? {
        return Ok(None);
    }
    let loss = look(path)?;
    // A server may have begun meanwhile.
    Ok(if loss.is_some() && served()? { None } else { loss })
}

/// Refuses, without a server, a log of which SQLite would drop acknowledged commits.
///
/// # Errors
/// If it is damaged, or cannot be read.
pub fn check_unless_served(path: &Path) -> Result<(), Error> {
    look_unless_served(path)?.map_or(Ok(()), |loss| Err(loss.of(path)))
}

/// Refuses a log of which SQLite would drop acknowledged commits. With `accept_loss` a copy of it is kept, and that is said
/// in the log of the server.
///
/// # Errors
/// If it is damaged, or cannot be read.
pub fn check(path: &Path, accept_loss: bool) -> Result<(), Error> {
    let Some(loss) = look(path)? else { return Ok(()) };
    let Loss { frame, commits } = loss;
    if !accept_loss {
        return Err(loss.of(path));
    }
    let kept = cut(path, loss)?;
    tracing::error!(
        path = %path.display(), kept = %kept.display(),
        "the write-ahead log is damaged at frame {frame}: {commits} acknowledged commits after it are dropped, as was asked for"
    );
    Ok(())
}

/// Copies the log aside, and cuts it before the damage: what SQLite drops of it would look like damage again after the next
/// kill. Answers where the copy is.
///
/// # Errors
/// If it cannot be copied or cut.
pub fn cut(path: &Path, loss: Loss) -> Result<PathBuf, Error> {
    let kept = keep(path)?;
    let log_path = beside(path, "-wal");
    let cut = || -> io::Result<()> {
        let whole = Log::open(&log_path)?.and_then(|log| Head::parse(&log.head)).filter(|_| loss.frame > 0);
        let bytes = whole.map_or(0, |head| at(loss.frame - 1, head.page_size));
        let log = OpenOptions::new().write(true).open(&log_path)?;
        log.set_len(bytes)?;
        log.sync_all()
    };
    cut().map_err(Error::io(&log_path))?;
    Ok(kept)
}

/// Copies the log aside; answers where.
///
/// # Errors
/// If it cannot be copied.
pub fn keep(path: &Path) -> Result<PathBuf, Error> {
    let log = beside(path, "-wal");
    let kept = free_beside(&log, "damaged");
    std::fs::copy(&log, &kept).map_err(Error::io(&kept))?;
    Ok(kept)
}

/// Mends flipped bits, one a frame, for as long as there are any; answers how many. A copy of the log is kept first.
///
/// # Errors
/// If the log cannot be read or written.
pub fn repair(path: &Path) -> Result<u64, Error> {
    let log_path = beside(path, "-wal");
    let mut mended = 0;
    while let Some(loss) = look(path)? {
        if mended == 0 {
            keep(path)?;
        }
        if !mend(&log_path, loss.frame).map_err(Error::io(&log_path))? {
            break;
        }
        mended += 1;
    }
    Ok(mended)
}

fn scan(log_path: &Path, index_path: &Path) -> io::Result<Option<Loss>> {
    let Some(mut log) = Log::open(log_path)? else { return Ok(None) };
    let Some(head) = Head::parse(&log.head) else { return scan_headless(&mut log) };
    let frames = log.frames(head.page_size);
    let (mut checksum, mut valid, mut committed) = (head.checksum, 0, 0);
    while valid < frames {
        let frame = log.frame(valid, head.page_size)?;
        if !follows(&head, &frame, checksum) {
            break;
        }
        checksum = frame.checksum();
        valid += 1;
        committed = if frame.commits() { valid } else { committed };
    }
    let beyond = if valid < frames { beyond(&mut log, &head, valid, frames)? } else { 0 };
    let promised = promised(index_path, &head);
    let lost = beyond.max(u64::from(promised > committed && valid < promised));
    Ok((lost > 0).then_some(Loss { frame: valid + 1, commits: lost }))
}

fn follows(head: &Head, frame: &Frame, before: Checksum) -> bool {
    frame.page() != 0 && frame.has(&head.salts) && head.sum(&frame.bytes, before) == frame.checksum()
}

/// Commits from the bad frame on of which at least one was acknowledged: there are valid frames behind the end of the
/// transaction with the bad frame. Each frame is checked against what its predecessor says.
fn beyond(log: &mut Log, head: &Head, bad: u64, frames: u64) -> io::Result<u64> {
    let first = log.frame(bad, head.page_size)?;
    let (mut checksum, mut commits, mut behind) = (first.checksum(), u64::from(first.commits()), false);
    for index in bad + 1..frames {
        let frame = log.frame(index, head.page_size)?;
        if follows(head, &frame, checksum) {
            behind |= commits > 0;
            commits += u64::from(frame.commits());
        }
        checksum = frame.checksum();
    }
    Ok(if behind { commits } else { 0 })
}

/// A log whose head is not whole: one that was never written to, or one that was.
fn scan_headless(log: &mut Log) -> io::Result<Option<Loss>> {
    let frames = log.frames(PAGE_SIZE);
    let mut commits = 0;
    for big_endian in [false, true] {
        let mut before: Option<Frame> = None;
        for index in 0..frames {
            let frame = log.frame(index, PAGE_SIZE)?;
            if let Some(before) = &before {
                let salts: [u8; 8] = before.bytes[8..16].try_into().unwrap_or_default();
                let head = Head { page_size: PAGE_SIZE, big_endian, salts, checksum: (0, 0) };
                commits += u64::from(follows(&head, &frame, before.checksum()) && frame.commits());
            }
            before = Some(frame);
        }
    }
    Ok((commits > 0).then_some(Loss { frame: 0, commits }))
}

/// How many frames the index of the log says are committed; 0 where it says nothing of this log.
fn promised(path: &Path, head: &Head) -> u64 {
    const COPY: usize = 48;
    let Ok(bytes) = std::fs::read(path) else { return 0 };
    let (Some(first), Some(second)) = (bytes.get(..COPY), bytes.get(COPY..2 * COPY)) else { return 0 };
    let word = |at: usize| u32::from_ne_bytes([first[at], first[at + 1], first[at + 2], first[at + 3]]);
    let native = cfg!(target_endian = "big");
    let whole = first == second && sum(native, &first[..40], (0, 0)) == (word(40), word(44));
    if whole && first[32..40] == head.salts { u64::from(word(16)) } else { 0 }
}

/// Mends one flipped bit in a frame (from 1 on) or in the head (0); false where that is not what is wrong.
fn mend(path: &Path, frame: u64) -> io::Result<bool> {
    let Some(mut log) = Log::open(path)? else { return Ok(false) };
    let mended = match frame {
        0 => mend_head(&mut log)?.map(|head| (0, head.to_vec())),
        frame => mend_frame(&mut log, frame - 1)?,
    };
    let Some((position, bytes)) = mended else { return Ok(false) };
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.seek(SeekFrom::Start(position))?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(true)
}

/// The first frame tells which of the bits that would do it is.
fn mend_head(log: &mut Log) -> io::Result<Option<[u8; HEADER]>> {
    for bit in 0..HEADER * 8 {
        let mut changed = log.head;
        changed[bit / 8] ^= 1 << (bit % 8);
        let Some(head) = Head::parse(&changed) else { continue };
        if log.frames(head.page_size) > 0 && follows(&head, &log.frame(0, head.page_size)?, head.checksum) {
            return Ok(Some(changed));
        }
    }
    Ok(None)
}

fn mend_frame(log: &mut Log, index: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let Some(head) = Head::parse(&log.head) else { return Ok(None) };
    let before = if index == 0 { head.checksum } else { log.frame(index - 1, head.page_size)?.checksum() };
    let frame = log.frame(index, head.page_size)?;
    let next = if index + 1 < log.frames(head.page_size) { Some(log.frame(index + 1, head.page_size)?) } else { None };
    let mended = mend_salts(&head, &frame, before).or_else(|| mend_checksum(&head, &frame, before, next.as_ref()));
    let mended = match mended {
        Some(bytes) => Some(bytes),
        None => mend_content(&head, &frame, before, is_superseded(log, &head, index, frame.page())?),
    };
    Ok(mended.map(|bytes| (at(index, head.page_size), bytes)))
}

/// Whether a later frame holds the same page, so that nobody reads what this one says of it.
fn is_superseded(log: &mut Log, head: &Head, index: u64, page: u32) -> io::Result<bool> {
    let mut checksum = log.frame(index, head.page_size)?.checksum();
    for later in index + 1..log.frames(head.page_size) {
        let frame = log.frame(later, head.page_size)?;
        if follows(head, &frame, checksum) && frame.page() == page {
            return Ok(true);
        }
        checksum = frame.checksum();
    }
    Ok(false)
}

/// The salts are not summed up.
fn mend_salts(head: &Head, frame: &Frame, before: Checksum) -> Option<Vec<u8>> {
    let mut bytes = frame.bytes.clone();
    bytes[8..16].copy_from_slice(&head.salts);
    let differ = frame.bytes[8..16].iter().zip(&head.salts).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
    (differ == 1 && head.sum(&bytes, before) == frame.checksum()).then_some(bytes)
}

/// The next frame tells what the checksum was; of the last frame only its bits do.
fn mend_checksum(head: &Head, frame: &Frame, before: Checksum, next: Option<&Frame>) -> Option<Vec<u8>> {
    let right = head.sum(&frame.bytes, before);
    let found = frame.checksum();
    let differ = (right.0 ^ found.0).count_ones() + (right.1 ^ found.1).count_ones();
    let fits = next.is_none_or(|next| !next.has(&head.salts) || head.sum(&next.bytes, right) == next.checksum());
    if differ != 1 || !fits {
        return None;
    }
    let mut bytes = frame.bytes.clone();
    bytes[16..20].copy_from_slice(&right.0.to_be_bytes());
    bytes[20..24].copy_from_slice(&right.1.to_be_bytes());
    Some(bytes)
}

/// SQLite's checksum tells most bits from each other, not all: the high ones of some words have the same sum. Where several would
/// do, none is mended, unless they are all in a page that nobody reads.
fn mend_content(head: &Head, frame: &Frame, before: Checksum, superseded: bool) -> Option<Vec<u8>> {
    let mut bytes = frame.bytes.clone();
    let mut fitting = Vec::new();
    for bit in (0..8 * 8).chain(8 * FRAME_HEADER..8 * frame.bytes.len()) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        if head.sum(&bytes, before) == frame.checksum() {
            fitting.push(bit);
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    let certain = fitting.len() == 1 || (superseded && fitting.iter().all(|bit| *bit >= 8 * FRAME_HEADER));
    let bit = *fitting.first().filter(|_| certain)?;
    bytes[bit / 8] ^= 1 << (bit % 8);
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A database whose log holds 20 commits, as after a kill; its path.
    fn killed(directory: &Path) -> PathBuf {
        let served = directory.join("served.db");
        let connection = Connection::open(&served).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
            .unwrap();
        for id in 1..20 {
            connection.execute("INSERT INTO t VALUES (?1, ?2)", (id, format!("row {id} ").repeat(50))).unwrap();
        }
        let copy = directory.join("killed.db");
        for companion in ["", "-wal"] {
            std::fs::copy(beside(&served, companion), beside(&copy, companion)).unwrap();
        }
        std::fs::copy(beside(&served, "-shm"), directory.join("index")).unwrap();
        copy
    }

    fn rows(path: &Path) -> i64 {
        Connection::open(path).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    fn flip(path: &Path, at: usize, bit: u32) {
        let log = beside(path, "-wal");
        let mut bytes = std::fs::read(&log).unwrap();
        bytes[at] ^= 1 << bit;
        std::fs::write(&log, bytes).unwrap();
    }

    #[test]
    fn a_whole_log_and_a_torn_one_pass() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        assert_eq!(look(&path).unwrap(), None);
        let log = beside(&path, "-wal");
        let bytes = std::fs::read(&log).unwrap();
        for left in [bytes.len() - 1, bytes.len() - 5000, HEADER + 1, HEADER, 10, 0] {
            std::fs::write(&log, &bytes[..left]).unwrap();
            assert_eq!(look(&path).unwrap(), None, "{left} bytes are left");
        }
        std::fs::remove_file(&log).unwrap();
        assert_eq!(look(&path).unwrap(), None);
    }

    #[test]
    fn a_loss_that_was_accepted_is_none_after_the_next_kill() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        flip(&path, HEADER + 8 * (FRAME_HEADER + PAGE_SIZE) + 3000, 3);
        let damaged = std::fs::read(beside(&path, "-wal")).unwrap();
        check(&path, true).unwrap();
        assert_eq!(std::fs::read(beside(&path, "-wal.damaged-1")).unwrap(), damaged);
        assert_eq!(look(&path).unwrap(), None);
        let connection = Connection::open(&path).unwrap();
        connection.execute("INSERT INTO t VALUES (100, 'after')", []).unwrap();
        assert_eq!(look(&path).unwrap(), None, "as a kill would leave it");
    }

    #[test]
    fn of_a_log_that_is_served_nothing_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        assert_eq!(look_unless_served(&path).unwrap(), None);
        flip(&path, HEADER + 8 * (FRAME_HEADER + PAGE_SIZE) + 3000, 3);
        assert!(look_unless_served(&path).unwrap().is_some());
        assert!(matches!(check_unless_served(&path), Err(Error::LogDamaged { .. })));
        let lock = crate::Lock::take(&path).unwrap();
        assert_eq!(look_unless_served(&path).unwrap(), None);
        drop(lock);
        assert!(look_unless_served(&path).unwrap().is_some());
        assert_eq!(look_unless_served(&directory.path().join("missing.db")).unwrap(), None);
    }

    #[test]
    fn every_flipped_bit_with_commits_behind_it_is_noticed_and_mended() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        let log = beside(&path, "-wal");
        let whole = std::fs::read(&log).unwrap();
        let frame = HEADER + 8 * (FRAME_HEADER + PAGE_SIZE);
        for (at, bit) in [
            (0, 0),
            (5, 3),
            (17, 1),
            (30, 7),
            (frame + 2, 0),
            (frame + 5, 4),
            (frame + 9, 2),
            (frame + 13, 6),
            (frame + 17, 1),
            (frame + 22, 5),
            (frame + 24, 0),
            (frame + 3000, 3),
            (frame + 4116, 7),
        ] {
            std::fs::write(&log, &whole).unwrap();
            flip(&path, at, bit);
            let loss = look(&path).unwrap().unwrap_or_else(|| panic!("byte {at} was not noticed"));
            assert!(loss.commits > 1, "byte {at}: {loss:?}");
            assert!(matches!(check(&path, false), Err(Error::LogDamaged { .. })));
            assert_eq!(repair(&path).unwrap(), 1, "byte {at}");
            assert_eq!(std::fs::read(&log).unwrap(), whole, "byte {at}");
        }
        assert_eq!(rows(&path), 19);
    }

    #[test]
    fn a_bit_that_cannot_be_told_from_others_is_not_guessed() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        let last = HEADER + 9 * (FRAME_HEADER + PAGE_SIZE) - 1;
        flip(&path, last, 7);
        let before = rows_of_log(&path);
        match repair(&path).unwrap() {
            0 => assert_eq!(rows_of_log(&path), before),
            _ => assert_eq!((look(&path).unwrap(), rows(&path)), (None, 19)),
        }
    }

    fn rows_of_log(path: &Path) -> Vec<u8> {
        std::fs::read(beside(path, "-wal")).unwrap()
    }

    #[test]
    fn a_flip_in_the_last_commit_is_told_by_the_index() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        let bytes = std::fs::metadata(beside(&path, "-wal")).unwrap().len() as usize;
        flip(&path, bytes - 100, 2);
        assert_eq!(look(&path).unwrap(), None, "it looks like a torn end");
        std::fs::copy(directory.path().join("index"), beside(&path, "-shm")).unwrap();
        assert_eq!(look(&path).unwrap().map(|loss| loss.commits), Some(1));
    }

    #[test]
    fn a_loss_that_is_accepted_is_kept_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = killed(directory.path());
        let frame = HEADER + 8 * (FRAME_HEADER + PAGE_SIZE);
        // Two bits: no guess mends that.
        flip(&path, frame + 100, 0);
        flip(&path, frame + 200, 0);
        assert_eq!(repair(&path).unwrap(), 0);
        check(&path, true).unwrap();
        assert!(beside(&path, "-wal.damaged-1").exists());
        assert!(rows(&path) < 19);
    }
}

//! How much room the disk has left.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an answer of the system is believed.
const BELIEVED: Duration = Duration::from_millis(250);
/// Records stop where a tenth of the disk is left, or this, whichever is less.
const FREE_BYTES_MIN: u64 = 2 << 30;
const FREE_PART: u64 = 10;

/// The disk under a file.
pub(super) struct Room {
    directory: PathBuf,
    seen: Option<(Instant, Left)>,
}

/// What is left of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub free: u64,
    /// With less of it the engine would be next.
    pub needed: u64,
}

impl Left {
    fn of(free: u64, total: u64) -> Self {
        Self { free, needed: (total / FREE_PART).min(FREE_BYTES_MIN) }
    }

    pub(super) fn is_enough(self) -> bool {
        self.free >= self.needed
    }
}

impl Room {
    pub(super) fn of(path: &Path) -> Self {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        Self { directory: directory.unwrap_or(Path::new(".")).to_owned(), seen: None }
    }

    /// What is left. Where the system does not say, all is well: SQLite notices a full disk itself.
    pub(super) fn left(&mut self) -> Left {
        if let Some((at, left)) = self.seen.filter(|(at, _)| at.elapsed() < BELIEVED) {
            self.seen = Some((at, left));
            return left;
        }
        let left = match rustix::fs::statvfs(&self.directory) {
            Ok(disk) => {
                Left::of(disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize))
            }
            Err(_) => Left { free: u64::MAX, needed: 0 },
        };
        self.seen = Some((Instant::now(), left));
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_a_small_disk_and_a_little_of_a_large_one_is_kept_free() {
        const GIB: u64 = 1 << 30;
        assert!(Left::of(2, 20).is_enough() && !Left::of(1, 20).is_enough());
        assert!(Left::of(3 * GIB, 4000 * GIB).is_enough() && !Left::of(GIB, 4000 * GIB).is_enough());
        assert!(Room::of(Path::new("records.db")).left().free > 0);
        assert!(Room::of(Path::new("/nowhere/at all/records.db")).left().is_enough());
    }
}

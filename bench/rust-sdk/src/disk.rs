//! What the disk itself takes to keep something.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Failure;

const WRITES: usize = 200;
const BYTES: usize = 4096;

/// The median of an appended page and `fdatasync`.
pub fn commit(directory: &Path) -> Result<Duration, Failure> {
    let path = directory.join(format!("ostro-bench-disk-{}", std::process::id()));
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[7; BYTES])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[WRITES / 2])
}

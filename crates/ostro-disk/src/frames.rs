//! The write-ahead log of SQLite as it is on disk: <https://sqlite.org/fileformat.html#the_write_ahead_log>.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

pub(crate) const HEADER: usize = 32;
pub(crate) const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

pub(crate) type Checksum = (u32, u32);

/// What the head of the log says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub page_size: usize,
    pub big_endian: bool,
    pub salts: [u8; 8],
    /// What the first frame's checksum goes on from.
    pub checksum: Checksum,
}

/// One frame: a page as a transaction left it.
pub(crate) struct Frame {
    /// Header, then the page.
    pub bytes: Vec<u8>,
}

impl Head {
    /// `None` where it is not whole: SQLite takes the log for empty then.
    pub(crate) fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let magic = number(bytes, 0);
        let page_size = number(bytes, 8) as usize;
        let plausible = magic & !1 == MAGIC && number(bytes, 4) == VERSION && page_size.is_power_of_two();
        if !plausible || !(512..=65536).contains(&page_size) {
            return None;
        }
        let big_endian = magic & 1 == 1;
        let checksum = (number(bytes, 24), number(bytes, 28));
        let whole = sum(big_endian, &bytes[..24], (0, 0)) == checksum;
        let salts = bytes[16..24].try_into().ok()?;
        whole.then_some(Self { page_size, big_endian, salts, checksum })
    }

    /// The checksum that a frame must have after one with `before`.
    pub(crate) fn sum(&self, frame: &[u8], before: Checksum) -> Checksum {
        let head = sum(self.big_endian, &frame[..8], before);
        sum(self.big_endian, &frame[FRAME_HEADER..], head)
    }
}

impl Frame {
    pub(crate) fn page(&self) -> u32 {
        number(&self.bytes, 0)
    }

    /// It is the last of a transaction.
    pub(crate) fn commits(&self) -> bool {
        number(&self.bytes, 4) != 0
    }

    pub(crate) fn has(&self, salts: &[u8; 8]) -> bool {
        self.bytes[8..16] == *salts
    }

    pub(crate) fn checksum(&self) -> Checksum {
        (number(&self.bytes, 16), number(&self.bytes, 20))
    }
}

/// A log that is open for reading.
pub(crate) struct Log {
    file: File,
    pub head: [u8; HEADER],
    bytes: u64,
}

impl Log {
    /// `None` where there is none, or nothing in it.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let bytes = file.metadata()?.len();
        let mut head = [0; HEADER];
        if bytes < HEADER as u64 {
            return Ok(None);
        }
        file.read_exact(&mut head)?;
        Ok(Some(Self { file, head, bytes }))
    }

    /// Whole frames.
    pub(crate) fn frames(&self, page_size: usize) -> u64 {
        (self.bytes - HEADER as u64) / (FRAME_HEADER + page_size) as u64
    }

    pub(crate) fn frame(&mut self, index: u64, page_size: usize) -> io::Result<Frame> {
        let mut bytes = vec![0; FRAME_HEADER + page_size];
        self.file.seek(SeekFrom::Start(at(index, page_size)))?;
        self.file.read_exact(&mut bytes)?;
        Ok(Frame { bytes })
    }
}

/// Where a frame begins.
pub(crate) fn at(index: u64, page_size: usize) -> u64 {
    HEADER as u64 + index * (FRAME_HEADER + page_size) as u64
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// SQLite's own checksum: two sums over pairs of words.
pub(crate) fn sum(big_endian: bool, bytes: &[u8], (mut first, mut second): Checksum) -> Checksum {
    let word = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
    }
    (first, second)
}

//! Reading batches of history.

use bytes::Bytes;
use ostro_engine::persistence::{ExecutionId, HistoryBatch};
use rusqlite::{Connection, Params, Result};

/// How much one page holds. A page has at least one batch, so it may be larger by that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    pub events: i64,
    pub bytes: usize,
}

/// Some batches of a history, in the order of reading.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistoryPage {
    pub batches: Vec<HistoryBatch>,
    /// Whether the range holds more beyond the last of `batches`.
    pub more: bool,
}

/// The batch that holds `?2` is the last that starts at or before it.
const FORWARD: &str = "SELECT first, next, blob FROM history WHERE exec = ?1 AND first < ?3 AND next > ?2 AND first >= \
     ifnull((SELECT max(first) FROM history WHERE exec = ?1 AND first <= ?2), 0) ORDER BY first";
const BACKWARD: &str = "SELECT first, next, blob FROM history WHERE exec = ?1 AND first < ?3 AND next > ?2 AND first >= \
     ifnull((SELECT max(first) FROM history WHERE exec = ?1 AND first <= ?2), 0) ORDER BY first DESC";

/// Every batch that overlaps events `from..to`.
pub(crate) fn batches(
    connection: &Connection,
    execution: ExecutionId,
    from: i64,
    to: i64,
) -> Result<Vec<HistoryBatch>> {
    let limits = PageLimits { events: i64::MAX, bytes: usize::MAX };
    read(connection, FORWARD, (execution, from, to), limits).map(|page| page.batches)
}

/// The first batches that overlap events `from..to`.
pub(crate) fn page(
    connection: &Connection,
    execution: ExecutionId,
    (from, to): (i64, i64),
    limits: PageLimits,
) -> Result<HistoryPage> {
    read(connection, FORWARD, (execution, from, to), limits)
}

/// The last batches that overlap events `from..to`, the latest first; events within a batch stay in order.
pub(crate) fn page_back(
    connection: &Connection,
    execution: ExecutionId,
    (from, to): (i64, i64),
    limits: PageLimits,
) -> Result<HistoryPage> {
    read(connection, BACKWARD, (execution, from, to), limits)
}

fn read(connection: &Connection, sql: &str, params: impl Params, limits: PageLimits) -> Result<HistoryPage> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut page = HistoryPage::default();
    let (mut events, mut bytes) = (0i64, 0usize);
    while let Some(row) = rows.next()? {
        let (first, next): (i64, i64) = (row.get(0)?, row.get(1)?);
        let blob = row.get_ref(2)?.as_blob()?;
        (events, bytes) = (events.saturating_add(next - first), bytes.saturating_add(blob.len()));
        if !page.batches.is_empty() && (events > limits.events || bytes > limits.bytes) {
            page.more = true;
            break;
        }
        page.batches.push(HistoryBatch { first, next, events: Bytes::copy_from_slice(blob) });
    }
    Ok(page)
}

//! Reading batches of history.

use bytes::Bytes;
use ostro_engine::persistence::{ExecutionId, HistoryBatch};
use rusqlite::{Connection, Params, Result};

use crate::sum::Part;

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
const FORWARD: &str = "SELECT exec, first, next, blob, sum FROM history WHERE exec = ?1 AND first < ?3 AND next > ?2 AND first >= \
     ifnull((SELECT max(first) FROM history WHERE exec = ?1 AND first <= ?2), 0) ORDER BY first";
const BACKWARD: &str = "SELECT exec, first, next, blob, sum FROM history WHERE exec = ?1 AND first < ?3 AND next > ?2 AND first >= \
     ifnull((SELECT max(first) FROM history WHERE exec = ?1 AND first <= ?2), 0) ORDER BY first DESC";

/// Every batch that overlaps events `from..to`, as far as there are any.
///
/// # Errors
/// Where one is not as it was written, or one is missing between two others.
pub(crate) fn batches(
    connection: &Connection,
    execution: ExecutionId,
    from: i64,
    to: i64,
) -> Result<Vec<HistoryBatch>> {
    let limits = PageLimits { events: i64::MAX, bytes: usize::MAX };
    read(connection, FORWARD, (execution, from, to), limits).map(|page| page.batches)
}

/// The first batches that overlap events `from..to`, all of which are there unless the execution is gone.
///
/// # Errors
/// As [`batches`]; also where batches are missing before or after.
pub(crate) fn page(
    connection: &Connection,
    execution: ExecutionId,
    (from, to): (i64, i64),
    limits: PageLimits,
) -> Result<HistoryPage> {
    let page = read(connection, FORWARD, (execution, from, to), limits)?;
    let (first, last) = (page.batches.first(), page.batches.last());
    whole(connection, execution, (from, to), first, last.filter(|_| !page.more))?;
    Ok(page)
}

/// The last batches that overlap events `from..to`, the latest first; events within a batch stay in order.
///
/// # Errors
/// As [`page`].
pub(crate) fn page_back(
    connection: &Connection,
    execution: ExecutionId,
    (from, to): (i64, i64),
    limits: PageLimits,
) -> Result<HistoryPage> {
    let page = read(connection, BACKWARD, (execution, from, to), limits)?;
    let (first, last) = (page.batches.last().filter(|_| !page.more), page.batches.first());
    whole(connection, execution, (from, to), first, last)?;
    Ok(page)
}

/// What is whole of a history: encoded events, batch by batch.
pub(crate) fn readable(connection: &Connection, execution: ExecutionId) -> Result<Vec<Bytes>> {
    let mut statement =
        connection.prepare("SELECT exec, first, next, blob, sum FROM history WHERE exec = ?1 ORDER BY first")?;
    let mut rows = statement.query([execution])?;
    let mut batches = Vec::new();
    while let Some(row) = rows.next()? {
        if Part::History.check(row, 0, 4).is_ok() {
            batches.push(Bytes::copy_from_slice(row.get_ref(3)?.as_blob()?));
        }
    }
    Ok(batches)
}

/// Checks that a page begins and ends where it must; `first` and `last` where it claims to reach that end.
fn whole(
    connection: &Connection,
    execution: ExecutionId,
    (from, to): (i64, i64),
    first: Option<&HistoryBatch>,
    last: Option<&HistoryBatch>,
) -> Result<()> {
    if first.is_none() && last.is_none() && from < to {
        let sql = "SELECT EXISTS (SELECT 1 FROM exec WHERE id = ?1)";
        let is_there: bool = connection.prepare_cached(sql)?.query_row([execution], |row| row.get(0))?;
        return if is_there { Err(Part::History.mismatch()) } else { Ok(()) };
    }
    let begins = first.is_none_or(|batch| batch.first <= from);
    let ends = last.is_none_or(|batch| batch.next >= to);
    if begins && ends { Ok(()) } else { Err(Part::History.mismatch()) }
}

fn read(connection: &Connection, sql: &str, params: impl Params, limits: PageLimits) -> Result<HistoryPage> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut page = HistoryPage::default();
    let (mut events, mut bytes) = (0i64, 0usize);
    while let Some(row) = rows.next()? {
        Part::History.check(row, 0, 4)?;
        let (first, next): (i64, i64) = (row.get(1)?, row.get(2)?);
        let blob = row.get_ref(3)?.as_blob()?;
        (events, bytes) = (events.saturating_add(next.saturating_sub(first)), bytes.saturating_add(blob.len()));
        if page.batches.last().is_some_and(|before| before.next != first && before.first != next) {
            return Err(Part::History.mismatch());
        }
        if !page.batches.is_empty() && (events > limits.events || bytes > limits.bytes) {
            page.more = true;
            break;
        }
        page.batches.push(HistoryBatch { first, next, events: Bytes::copy_from_slice(blob) });
    }
    Ok(page)
}

//! The frontend's reads: a small pool of connections.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use ostro_engine::persistence::{ExecutionId, HistoryBatch, NamespaceId, VisibilityRow};
use ostro_engine::time::Time;
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Doing, Result};
use crate::history::{self, HistoryPage, PageLimits};
use crate::reader;
use crate::row::{VISIBILITY_COLUMNS, visibility as visibility_row};
use crate::visibility::{self, Count, Page, SearchAttributeTypes};

/// Reads from any thread; cheap to clone. Calls block, so an async caller wraps them in `spawn_blocking`, and wait while
/// all connections are in use.
#[derive(Clone)]
pub struct Readers {
    pool: Arc<Pool>,
}

struct Pool {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        Self { pool: Arc::new(Pool { idle: Mutex::new(connections), returned: Condvar::new() }) }
    }

    /// Batches that overlap events `from..to`, in order.
    pub fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Result<Vec<HistoryBatch>> {
        self.with(|connection| history::batches(connection, execution, from, to)).doing("read history")
    }

    /// The first batches that overlap events `range.0..range.1`.
    pub fn history_page(&self, execution: ExecutionId, range: (i64, i64), limits: PageLimits) -> Result<HistoryPage> {
        self.with(|connection| history::page(connection, execution, range, limits)).doing("read history")
    }

    /// The last batches that overlap events `range.0..range.1`, the latest first.
    pub fn history_page_back(
        &self,
        execution: ExecutionId,
        range: (i64, i64),
        limits: PageLimits,
    ) -> Result<HistoryPage> {
        self.with(|connection| history::page_back(connection, execution, range, limits)).doing("read history")
    }

    /// The newest run of a workflow id, open or closed.
    pub fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>> {
        self.with(|connection| reader::newest_run(connection, namespace, workflow_id)).doing("find the newest run")
    }

    /// A run by its run id.
    pub fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<Option<ExecutionId>> {
        self.with(|connection| reader::run(connection, namespace, workflow_id, run_id)).doing("find a run")
    }

    /// The visibility row of a run. Its `search_values` are empty: `search_attributes` holds the same.
    pub fn visibility(&self, execution: ExecutionId) -> Result<Option<VisibilityRow>> {
        let sql = format!("SELECT {VISIBILITY_COLUMNS} FROM exec WHERE id = ?1");
        let read = |c: &Connection| c.prepare_cached(&sql)?.query_row([execution], visibility_row).optional();
        self.with(read).doing("read a run")
    }

    /// Runs whose retention ended at or before `now`, the longest expired first.
    pub fn expired(&self, now: Time, limit: usize) -> Result<Vec<ExecutionId>> {
        let sql = "SELECT id FROM exec WHERE delete_time <= ?1 ORDER BY delete_time LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = |c: &Connection| {
            c.prepare_cached(sql)?.query_map((now.nanos(), limit), |row| row.get(0))?.collect::<rusqlite::Result<_>>()
        };
        self.with(read).doing("find expired runs")
    }

    /// One page of the runs that a list filter selects; see [`visibility`](crate::visibility).
    ///
    /// `types` are the custom search attributes of the namespace. `token` is empty for the first page, then the
    /// `next_token` of the page before, with the same query.
    pub fn list(
        &self,
        namespace: NamespaceId,
        types: &SearchAttributeTypes,
        query: &str,
        page_size: usize,
        token: &[u8],
    ) -> ostro_engine::error::Result<Page> {
        self.with(|connection| visibility::list(connection, namespace, types, query, page_size, token))
    }

    /// How many runs a list filter selects, in all and by group where the filter has `GROUP BY`.
    pub fn count(
        &self,
        namespace: NamespaceId,
        types: &SearchAttributeTypes,
        query: &str,
    ) -> ostro_engine::error::Result<Count> {
        self.with(|connection| visibility::count(connection, namespace, types, query))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        let lease = self.pool.lease();
        read(lease.connection.as_ref().expect("a lease has its connection until it is dropped"))
    }
}

impl Pool {
    fn lease(&self) -> Lease<'_> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = idle.pop() {
                return Lease { pool: self, connection: Some(connection) };
            }
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A connection in use; it goes back to the pool even if the read panics.
struct Lease<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
        self.pool.returned.notify_one();
    }
}

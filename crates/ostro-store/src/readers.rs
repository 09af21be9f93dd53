//! The frontend's reads, through two pools: lists and counts, which may take long, never hold up histories.

use std::sync::Arc;

use ostro_engine::persistence::{ExecutionId, HistoryBatch, NamespaceId, VisibilityRow};
use ostro_engine::time::Time;
use ostro_sqlite::{LogSize, PoolLimits, ReadPool, Refused};
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Doing, Result};
use crate::history::{self, HistoryPage, PageLimits};
use crate::reader;
use crate::row::{VISIBILITY_COLUMNS, visibility as visibility_row};
use crate::visibility::{self, Count, Page, SearchAttributeTypes};

/// Reads from any thread; cheap to clone. A namespace has no more than half of the connections of a pool, and a read ends when
/// its caller has gone or its time is over.
#[derive(Clone)]
pub struct Readers {
    lists: ReadPool,
    histories: ReadPool,
    log: Arc<LogSize>,
}

/// How much may be read at a time, and for how long.
#[derive(Debug, Clone)]
pub struct ReadLimits {
    /// Connections of each of the two pools.
    pub connections: usize,
    pub pool: PoolLimits,
}

impl Default for ReadLimits {
    /// Those of a server that sets nothing.
    fn default() -> Self {
        let time = std::time::Duration::from_secs(15);
        Self { connections: 4, pool: PoolLimits { time, waiting_max: 64 } }
    }
}

impl Readers {
    pub(crate) fn new(
        connections: impl Fn() -> Result<Vec<Connection>>,
        limits: PoolLimits,
        log: Arc<LogSize>,
    ) -> Result<Self> {
        let pool = || -> Result<ReadPool> { Ok(ReadPool::new(connections()?, limits.clone(), log.clone())) };
        Ok(Self { lists: pool()?, histories: pool()?, log: log.clone() })
    }

    /// Lists, counts, and looks for what is old, for the namespace of this name.
    ///
    /// # Errors
    /// Too many wait for that namespace, or the read had to be ended.
    pub async fn list<T: Send + 'static>(
        &self,
        namespace: &str,
        read: impl FnOnce(Reads<'_>) -> T + Send + 'static,
    ) -> std::result::Result<T, Refused> {
        self.lists.read(namespace, |connection| read(Reads(connection))).await
    }

    /// Reads histories, and finds their runs, for the namespace of this name.
    ///
    /// # Errors
    /// As [`Readers::list`].
    pub async fn history<T: Send + 'static>(
        &self,
        namespace: &str,
        read: impl FnOnce(Reads<'_>) -> T + Send + 'static,
    ) -> std::result::Result<T, Refused> {
        self.histories.read(namespace, |connection| read(Reads(connection))).await
    }

    /// Reads on this thread, which must not be one of an async runtime.
    ///
    /// # Errors
    /// As [`Readers::list`].
    pub fn now<T>(&self, read: impl FnOnce(Reads<'_>) -> T) -> std::result::Result<T, Refused> {
        self.lists.read_now("", |connection| read(Reads(connection)))
    }

    /// The two pools, each with its name: for metrics.
    pub fn pools(&self) -> [(&'static str, &ReadPool); 2] {
        [("list", &self.lists), ("history", &self.histories)]
    }

    /// Bytes of the store's write-ahead log.
    pub fn log_bytes(&self) -> u64 {
        self.log.bytes()
    }
}

/// What can be read through a connection.
#[derive(Clone, Copy)]
pub struct Reads<'a>(&'a Connection);

impl Reads<'_> {
    /// Batches that overlap events `from..to`, in order.
    pub fn history(&self, execution: ExecutionId, from: i64, to: i64) -> Result<Vec<HistoryBatch>> {
        history::batches(self.0, execution, from, to).doing("read history")
    }

    /// The first batches that overlap events `range.0..range.1`.
    pub fn history_page(&self, execution: ExecutionId, range: (i64, i64), limits: PageLimits) -> Result<HistoryPage> {
        history::page(self.0, execution, range, limits).doing("read history")
    }

    /// The last batches that overlap events `range.0..range.1`, the latest first.
    pub fn history_page_back(
        &self,
        execution: ExecutionId,
        range: (i64, i64),
        limits: PageLimits,
    ) -> Result<HistoryPage> {
        history::page_back(self.0, execution, range, limits).doing("read history")
    }

    /// The newest run of a workflow id, open or closed.
    pub fn newest_run(&self, namespace: NamespaceId, workflow_id: &str) -> Result<Option<ExecutionId>> {
        reader::newest_run(self.0, namespace, workflow_id).doing("find the newest run")
    }

    /// A run by its run id.
    pub fn run(&self, namespace: NamespaceId, workflow_id: &str, run_id: &str) -> Result<Option<ExecutionId>> {
        reader::run(self.0, namespace, workflow_id, run_id).doing("find a run")
    }

    /// The visibility row of a run. Its `search_values` are empty: `search_attributes` holds the same.
    pub fn visibility(&self, execution: ExecutionId) -> Result<Option<VisibilityRow>> {
        let sql = format!("SELECT {VISIBILITY_COLUMNS} FROM exec WHERE id = ?1");
        let read = |c: &Connection| c.prepare_cached(&sql)?.query_row([execution], visibility_row).optional();
        read(self.0).doing("read a run")
    }

    /// Runs whose retention ended at or before `now`, the longest expired first.
    pub fn expired(&self, now: Time, limit: usize) -> Result<Vec<ExecutionId>> {
        let sql = "SELECT id FROM exec WHERE delete_time <= ?1 ORDER BY delete_time LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = |c: &Connection| {
            c.prepare_cached(sql)?.query_map((now.nanos(), limit), |row| row.get(0))?.collect::<rusqlite::Result<_>>()
        };
        read(self.0).doing("find expired runs")
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
        visibility::list(self.0, namespace, types, query, page_size, token)
    }

    /// How many runs a list filter selects, in all and by group where the filter has `GROUP BY`.
    pub fn count(
        &self,
        namespace: NamespaceId,
        types: &SearchAttributeTypes,
        query: &str,
    ) -> ostro_engine::error::Result<Count> {
        visibility::count(self.0, namespace, types, query)
    }
}

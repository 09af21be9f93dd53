-- The first schema. Times are nanoseconds since the Unix epoch. `exec` in other tables is `exec.id`.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE namespace (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    blob BLOB NOT NULL
) STRICT;

CREATE TABLE record (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- One row per run: it answers "which run is this?" and every list, in the same transaction as the run itself.
CREATE TABLE exec (
    id                     INTEGER PRIMARY KEY,
    namespace              INTEGER NOT NULL,
    workflow_id            TEXT NOT NULL,
    run_id                 TEXT NOT NULL,
    workflow_type          TEXT NOT NULL,
    status                 INTEGER NOT NULL,
    task_queue             TEXT NOT NULL,
    start_time             INTEGER NOT NULL,
    execution_time         INTEGER NOT NULL,
    close_time             INTEGER, -- this and the next three: NULL while open
    history_length         INTEGER,
    history_size_bytes     INTEGER,
    state_transition_count INTEGER,
    parent_workflow_id     TEXT,
    parent_run_id          TEXT,
    root_workflow_id       TEXT,
    root_run_id            TEXT,
    first_run_id           TEXT NOT NULL,
    delete_time            INTEGER,
    -- The attribute TemporalNamespaceDivision: rows that have it are left out of lists which do not ask for it.
    division               TEXT,
    -- JSON object: attribute name -> value, times as integers. NULL where there is none.
    search_values          TEXT,
    search_attributes      BLOB NOT NULL,
    memo                   BLOB NOT NULL,
    -- The first key of the default order: open runs come first.
    close_order            INTEGER NOT NULL GENERATED ALWAYS AS (ifnull(close_time, 9223372036854775807)) VIRTUAL
) STRICT;

CREATE UNIQUE INDEX exec_run ON exec (namespace, run_id, workflow_id);
-- The rowid that ends each index entry makes "the newest run of a workflow id" the last entry of a range.
CREATE INDEX exec_workflow ON exec (namespace, workflow_id);
CREATE INDEX exec_start ON exec (namespace, start_time) WHERE division IS NULL;
CREATE INDEX exec_close ON exec (namespace, close_order, start_time) WHERE division IS NULL;
CREATE INDEX exec_type ON exec (namespace, workflow_type, close_order, start_time) WHERE division IS NULL;
CREATE INDEX exec_status ON exec (namespace, status, close_order, start_time) WHERE division IS NULL;
CREATE INDEX exec_parent ON exec (namespace, parent_workflow_id) WHERE parent_workflow_id IS NOT NULL;
CREATE INDEX exec_division ON exec (namespace, division, close_order, start_time) WHERE division IS NOT NULL;
CREATE INDEX exec_delete ON exec (delete_time) WHERE delete_time IS NOT NULL;

CREATE TABLE state (
    exec INTEGER PRIMARY KEY,
    blob BLOB NOT NULL
) STRICT;

-- What recovery reads of open executions: narrow, so that a million rows are read in a moment, and without an index,
-- because next_due changes at nearly every commit.
CREATE TABLE wake (
    exec          INTEGER PRIMARY KEY,
    next_due      INTEGER,
    waiting_queue TEXT
) STRICT;

CREATE TABLE item (
    exec          INTEGER NOT NULL,
    kind          INTEGER NOT NULL,
    key           ANY NOT NULL, -- an event id (INTEGER) or a name (TEXT)
    waiting_queue TEXT,
    value         BLOB NOT NULL,
    PRIMARY KEY (exec, kind, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX item_waiting ON item (waiting_queue) WHERE waiting_queue IS NOT NULL;

-- One row per committed batch of events, appended and never rewritten.
CREATE TABLE history (
    id    INTEGER PRIMARY KEY,
    exec  INTEGER NOT NULL,
    first INTEGER NOT NULL,
    next  INTEGER NOT NULL,
    blob  BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX history_exec ON history (exec, first);

-- What the query planner believes of `exec`: "rows in the index, rows that agree in the first column, the first two...".
-- Written by hand, so that plans are the same on every file: an id leads to a few rows, which are then sorted; a
-- namespace alone leads to nearly all, which are then read in the order of an index.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('exec', 'exec_run', '1000000 1000000 1 1'),
    ('exec', 'exec_workflow', '1000000 1000000 3'),
    ('exec', 'exec_start', '1000000 1000000 3'),
    ('exec', 'exec_close', '1000000 1000000 4 1'),
    ('exec', 'exec_type', '1000000 1000000 50000 4 1'),
    ('exec', 'exec_status', '1000000 1000000 200000 4 1'),
    ('exec', 'exec_parent', '100000 100000 10'),
    ('exec', 'exec_division', '1000 1000 500 4 1'),
    ('exec', 'exec_delete', '1000000 3');

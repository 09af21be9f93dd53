CREATE TABLE document (
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, key)
) WITHOUT ROWID;

CREATE TABLE term (
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    term TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, term, key)
) WITHOUT ROWID;
CREATE INDEX term_key ON term (kind, namespace, key);

CREATE TABLE entry (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    journal TEXT NOT NULL,
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    root TEXT NOT NULL,
    execution TEXT NOT NULL,
    run TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX entry_id ON entry (journal, namespace, id);
CREATE INDEX entry_root ON entry (journal, namespace, root, sequence);
CREATE INDEX entry_execution ON entry (journal, namespace, execution, sequence);
CREATE INDEX entry_source ON entry (journal, namespace, source, sequence);
CREATE INDEX entry_at ON entry (journal, at);

-- Retention looks for what is old in one namespace.
DROP INDEX entry_at;
CREATE INDEX entry_age ON entry (journal, namespace, at);

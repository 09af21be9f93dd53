-- What each namespace keeps, so that its quota is known without reading all of it.
CREATE TABLE usage (
    namespace TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO usage (namespace, bytes)
SELECT namespace, sum(bytes) FROM (
    SELECT namespace, octet_length(body) + octet_length(key) + 256 AS bytes FROM document
    UNION ALL
    SELECT namespace, octet_length(body) + 512 + 2 * (octet_length(id) + octet_length(root) + octet_length(execution)
        + octet_length(run) + octet_length(kind) + octet_length(source)) FROM entry
) GROUP BY namespace;

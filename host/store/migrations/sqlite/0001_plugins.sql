-- What plugins keep (portcullis:auth/keyvalue and revocation). Statements in Rust are the same for both databases; what differs is here:
-- the clock (milliseconds since 1970), the version of the next write, and the order of revocations.

CREATE VIEW portcullis_clock AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS ms;

CREATE TABLE plugin_entries (
    plugin     TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    value      BLOB   NOT NULL, -- nonce and ciphertext
    key_id     TEXT   NOT NULL, -- the master key that opens it
    version    BIGINT NOT NULL,
    expires_at BIGINT,          -- on portcullis_clock; NULL: never
    PRIMARY KEY (plugin, key)
);
CREATE INDEX plugin_entries_expiry ON plugin_entries (expires_at) WHERE expires_at IS NOT NULL;

-- SQLite has one writer at a time, so that counting in a row is safe. Numbers are never used twice, even after a deletion.
CREATE TABLE plugin_versions (last BIGINT NOT NULL);
INSERT INTO plugin_versions (last) VALUES (0);
CREATE VIEW portcullis_next_version AS SELECT last + 1 AS version FROM plugin_versions;
CREATE TRIGGER plugin_entries_inserted AFTER INSERT ON plugin_entries BEGIN
    UPDATE plugin_versions SET last = NEW.version;
END;
CREATE TRIGGER plugin_entries_updated AFTER UPDATE OF version ON plugin_entries BEGIN
    UPDATE plugin_versions SET last = NEW.version;
END;

CREATE TABLE plugin_revocations (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin     TEXT   NOT NULL,
    grant_name TEXT   NOT NULL,
    at         BIGINT NOT NULL,
    UNIQUE (plugin, grant_name)
);
CREATE INDEX plugin_revocations_age ON plugin_revocations (at);

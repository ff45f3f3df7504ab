-- What plugins keep (portcullis:auth/keyvalue and revocation). Statements in Rust are the same for both databases; what differs is here:
-- the clock (milliseconds since 1970), the version of the next write, and the order of revocations.

CREATE VIEW portcullis_clock AS SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms;

CREATE TABLE plugin_entries (
    plugin     TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    value      BYTEA  NOT NULL, -- nonce and ciphertext
    key_id     TEXT   NOT NULL, -- the master key that opens it
    version    BIGINT NOT NULL,
    expires_at BIGINT,          -- on portcullis_clock; NULL: never
    PRIMARY KEY (plugin, key)
);
CREATE INDEX plugin_entries_expiry ON plugin_entries (expires_at) WHERE expires_at IS NOT NULL;

-- Numbers are never used twice, even after a deletion. An upsert draws its number after it has locked the row, so that they grow.
CREATE SEQUENCE plugin_versions;
CREATE VIEW portcullis_next_version AS SELECT nextval('plugin_versions') AS version;

CREATE TABLE plugin_revocations (
    seq        BIGINT NOT NULL PRIMARY KEY,
    plugin     TEXT COLLATE "C" NOT NULL,
    grant_name TEXT COLLATE "C" NOT NULL,
    at         BIGINT NOT NULL,
    UNIQUE (plugin, grant_name)
);
CREATE INDEX plugin_revocations_age ON plugin_revocations (at);

-- Replicas ask for numbers above the last one that they saw. A sequence would let 5 become visible after 6, and 5 would never be seen:
-- the lock on this row makes the order of numbers the order of commits. Revocations are rare.
CREATE TABLE plugin_revocation_count (last BIGINT NOT NULL);
INSERT INTO plugin_revocation_count (last) VALUES (0);
CREATE FUNCTION plugin_revocation_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE plugin_revocation_count SET last = last + 1 RETURNING last INTO NEW.seq;
    RETURN NEW;
END;
$$;
CREATE TRIGGER plugin_revocations_numbered BEFORE INSERT ON plugin_revocations
    FOR EACH ROW EXECUTE FUNCTION plugin_revocation_number();

CREATE TABLE invite_records (
    record_id     BLOB    NOT NULL PRIMARY KEY,
    fingerprint   BLOB    NOT NULL,
    email_hash    BLOB    NOT NULL,
    track_id      INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    state         TEXT    NOT NULL
        CHECK (state IN ('sending', 'invited', 'refused', 'unknown', 'released')),
    created_at    REAL    NOT NULL,
    updated_at    REAL    NOT NULL,
    first_sent_at REAL    NOT NULL,
    lease_until   REAL    NOT NULL,
    absent_since  REAL,
    answer        BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX invite_records_open ON invite_records (record_id)
    WHERE state IN ('sending', 'unknown');

CREATE INDEX invite_records_state ON invite_records (state, updated_at);

CREATE TABLE gateway_meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE gateway_leases (
    name   TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until  REAL NOT NULL
) STRICT, WITHOUT ROWID;

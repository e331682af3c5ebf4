CREATE TABLE records_in_order (
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
    answer        BLOB,
    doubt         TEXT,
    witness       INTEGER,
    absent_ticks  REAL,
    absent_boot   TEXT,
    caller        TEXT
) STRICT;

INSERT INTO records_in_order
    SELECT record_id, fingerprint, email_hash, track_id, attempt, state, created_at, updated_at,
        first_sent_at, lease_until, absent_since, answer, doubt, witness, absent_ticks, absent_boot,
        caller
    FROM invite_records ORDER BY created_at;

DROP TABLE invite_records;

ALTER TABLE records_in_order RENAME TO invite_records;

CREATE INDEX invite_records_open ON invite_records (record_id)
    WHERE state IN ('sending', 'unknown');

CREATE INDEX invite_records_state ON invite_records (state, updated_at);

CREATE INDEX invite_records_person ON invite_records (email_hash, track_id);

CREATE INDEX invite_records_witness ON invite_records (track_id, updated_at)
    WHERE witness IS NOT NULL;

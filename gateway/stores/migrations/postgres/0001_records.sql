CREATE TABLE invite_records (
    record_id     bytea            NOT NULL PRIMARY KEY,
    fingerprint   bytea            NOT NULL,
    email_hash    bytea            NOT NULL,
    track_id      bigint           NOT NULL,
    attempt       integer          NOT NULL,
    state         text             NOT NULL
        CHECK (state IN ('sending', 'invited', 'refused', 'unknown', 'released')),
    created_at    double precision NOT NULL,
    updated_at    double precision NOT NULL,
    first_sent_at double precision NOT NULL,
    lease_until   double precision NOT NULL,
    absent_since  double precision,
    answer        bytea
);

CREATE INDEX invite_records_open ON invite_records (record_id)
    WHERE state IN ('sending', 'unknown');

CREATE INDEX invite_records_state ON invite_records (state, updated_at);

CREATE TABLE gateway_meta (
    name  text  NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE gateway_leases (
    name   text             NOT NULL PRIMARY KEY,
    holder text             NOT NULL,
    until  double precision NOT NULL
);

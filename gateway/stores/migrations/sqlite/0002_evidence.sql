ALTER TABLE invite_records ADD COLUMN doubt TEXT;

ALTER TABLE invite_records ADD COLUMN witness INTEGER;

ALTER TABLE invite_records ADD COLUMN absent_ticks REAL;

ALTER TABLE invite_records ADD COLUMN absent_boot TEXT;

CREATE INDEX invite_records_person ON invite_records (email_hash, track_id);

CREATE INDEX invite_records_witness ON invite_records (track_id, updated_at)
    WHERE witness IS NOT NULL;

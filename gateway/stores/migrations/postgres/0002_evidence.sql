ALTER TABLE invite_records ADD COLUMN doubt text;

ALTER TABLE invite_records ADD COLUMN witness smallint;

ALTER TABLE invite_records ADD COLUMN absent_ticks double precision;

ALTER TABLE invite_records ADD COLUMN absent_boot text;

CREATE INDEX invite_records_person ON invite_records (email_hash, track_id);

CREATE INDEX invite_records_witness ON invite_records (track_id, updated_at)
    WHERE witness IS NOT NULL;

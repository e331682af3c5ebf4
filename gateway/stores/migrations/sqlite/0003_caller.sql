ALTER TABLE invite_records ADD COLUMN caller TEXT;

ALTER TABLE invite_records ADD COLUMN caller text;

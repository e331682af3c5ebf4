"""Where idempotency records are kept: SQLite or PostgreSQL."""

"""HTTP/1.1 in: bytes to requests, and responses to bytes."""

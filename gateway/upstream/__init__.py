"""The way to the recruiting platform: bytes and typed facts, no decisions."""

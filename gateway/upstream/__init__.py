"""The recruiting platform's API: bytes and typed facts, no decisions."""

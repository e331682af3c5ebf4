"""A stand-in for the upstream, for first tries and tests."""

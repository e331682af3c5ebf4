"""The direct client: calls the upstream without an HTTP library."""

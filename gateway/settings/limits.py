"""What a connection and a request may ask for."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PIPELINED = 8
"""Requests that wait on a connection for the answer before them."""
MAX_CHUNKS = 4_096
"""Chunks of one body."""
MAX_OVERHEAD_BYTES = 1_048_576
"""Chunk sizes, chunk extensions and trailers of one body; or all of a body that was refused."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one client may hold; the fields are named as their settings are."""

    max_connections: int = 800
    max_header_bytes: int = 16_384
    """Request line and headers together."""
    header_timeout_seconds: float = 10.0
    """From a connection's start, or a request's first byte, to the end of the headers."""
    body_timeout_seconds: float = 10.0
    """From the end of the headers to the end of the body."""
    keep_alive_seconds: float = 75.0
    """How long a connection may idle between requests; longer than a load balancer's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for; the fields are named as their settings are."""

    max_body_bytes: int = 131_072
    max_document_bytes: int = 16_384
    """Comments, spaces and commas count."""
    max_tokens: int = 1_000
    """A comment counts as one."""
    max_depth: int = 20
    """Levels of fields and inline fragments, fragments spread out."""
    max_input_depth: int = 10
    """Levels of lists and input objects in an argument or default written in the document."""
    max_fields: int = 500
    """Fields of one operation, fragments spread out."""
    max_aliases: int = 30
    max_root_fields: int = 10
    max_directives: int = 30
    max_operations: int = 20
    max_fragments: int = 30
    """Fragments; their spreads may be twice as many."""
    max_overlaps: int = 1_000
    """Pairs of fields that share a place in the answer; each has to be compared."""
    max_invites: int = 1
    """Fields that invite, in one operation."""
    max_json_depth: int = 32
    max_json_number_length: int = 100

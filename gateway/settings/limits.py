"""Limits on connections and requests."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MAX_PIPELINED = 8
"""Requests that wait on a connection for an earlier response."""
MAX_CHUNKS = 4_096
"""Chunks of one body."""
MAX_OVERHEAD_BYTES = 1_048_576
"""Chunk sizes, chunk extensions and trailers of one body; or what comes after a refusal."""
MAX_BODY_BYTES = 131_072


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits on one client's connections; the fields are named like their settings."""

    max_connections: int = 800
    max_header_bytes: int = 16_384
    """Request line and headers together."""
    max_body_bytes: int = MAX_BODY_BYTES
    header_timeout_seconds: float = 10.0
    """From a connection's start, or a request's first byte, to the end of the headers."""
    body_timeout_seconds: float = 10.0
    """From the end of the headers to the end of the body."""
    keep_alive_seconds: float = 75.0
    """How long a connection may idle between requests; longer than a load balancer's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one request; the fields are named like their settings."""

    max_body_bytes: int = MAX_BODY_BYTES
    max_document_bytes: int = 32_768
    """Comments, spaces and commas count."""
    max_tokens: int = 2_000
    """A comment counts as one. A list of 100 candidates written into a document has 1,100."""
    max_depth: int = 20
    """Levels of fields and inline fragments, fragments spread out."""
    max_input_depth: int = 10
    """Levels of lists and input objects in an argument or default written in the document."""
    max_fields: int = 500
    """Fields of one operation, fragments spread out."""
    max_aliases: int = 100
    max_root_fields: int = 10
    max_directives: int = 30
    max_operations: int = 20
    max_fragments: int = 30
    """Fragments; their spreads may be twice as many."""
    max_overlaps: int = 1_000
    """Pairs of fields with the same response name; each pair has to be compared."""
    max_invites: int = 1
    """Fields that invite, in one operation."""
    max_json_depth: int = 32
    max_json_number_length: int = 100


_LIMITS: Final = Limits()
_CONNECTIONS: Final = ConnectionLimits()


class LimitSettings(BaseSettings):
    """The settings that limit clients and requests."""

    # Only used as a base class.
    model_config = SettingsConfigDict(defer_build=True)

    max_invites: int = Field(
        _LIMITS.max_invites, ge=1, description="Fields that invite, in one request."
    )
    max_body_bytes: int = Field(_LIMITS.max_body_bytes, ge=1_024, description="A request's body.")
    max_document_bytes: int = Field(
        _LIMITS.max_document_bytes, ge=256, description="A document, comments and spaces included."
    )
    max_tokens: int = Field(
        _LIMITS.max_tokens, ge=50, description="Tokens in a document, and comments as many."
    )
    max_depth: int = Field(
        _LIMITS.max_depth, ge=3, le=100, description="Levels of fields, fragments spread out."
    )
    max_input_depth: int = Field(
        _LIMITS.max_input_depth, ge=1, le=100, description="Levels of a value in a document."
    )
    max_fields: int = Field(
        _LIMITS.max_fields, ge=20, description="Fields of an operation, fragments spread out."
    )
    max_aliases: int = Field(_LIMITS.max_aliases, ge=0, description="Aliases in a document.")
    max_root_fields: int = Field(
        _LIMITS.max_root_fields, ge=1, description="Fields at an operation's root."
    )
    max_directives: int = Field(
        _LIMITS.max_directives, ge=0, description="Directives in a document."
    )
    max_operations: int = Field(
        _LIMITS.max_operations, ge=1, description="Operations in a document."
    )
    max_fragments: int = Field(
        _LIMITS.max_fragments,
        ge=0,
        description="Fragments in a document; it may spread them twice as often.",
    )
    max_overlaps: int = Field(
        _LIMITS.max_overlaps,
        ge=0,
        description="Pairs of fields with the same response name.",
    )
    max_json_depth: int = Field(
        _LIMITS.max_json_depth, ge=4, le=500, description="Levels of a request's JSON."
    )
    max_json_number_length: int = Field(
        _LIMITS.max_json_number_length, ge=20, le=4_000, description="Characters of a number in it."
    )
    max_connections: int = Field(
        _CONNECTIONS.max_connections,
        ge=1,
        description=(
            "Connections, for each worker. At the bound, the one that has waited longest for"
            " its client makes room; if all are being served, the new one gets 503."
        ),
    )
    max_header_bytes: int = Field(
        _CONNECTIONS.max_header_bytes, ge=1_024, description="Request line and headers together."
    )
    header_timeout_seconds: float = Field(
        _CONNECTIONS.header_timeout_seconds,
        gt=0,
        le=300,
        allow_inf_nan=False,
        description="The time for a request's headers to arrive.",
    )
    body_timeout_seconds: float = Field(
        _CONNECTIONS.body_timeout_seconds,
        gt=0,
        le=300,
        allow_inf_nan=False,
        description="The time for its body to arrive.",
    )
    keep_alive_seconds: float = Field(
        _CONNECTIONS.keep_alive_seconds,
        gt=0,
        le=3_600,
        allow_inf_nan=False,
        description="The time a connection may idle; longer than a load balancer's in front.",
    )

    def request_limits(self) -> Limits:
        """The limits on one request."""
        return Limits(**{limit.name: getattr(self, limit.name) for limit in fields(Limits)})

    def connection_limits(self) -> ConnectionLimits:
        """The limits on one client's connections."""
        return ConnectionLimits(
            **{limit.name: getattr(self, limit.name) for limit in fields(ConnectionLimits)}
        )

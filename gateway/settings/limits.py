"""Limits on connections and requests, and the settings that set them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MAX_PIPELINED = 8
"""Requests that wait on a connection for an earlier response."""
MAX_CHUNKS = 4_096
"""Chunks of one body."""
MAX_OVERHEAD_BYTES = 1_048_576
"""Chunk sizes, chunk extensions and trailers of one body; or what comes after a refusal."""
MaxBodyBytes = Annotated[int, Field(ge=1_024, description="A request's body.")]
MAX_BODY_BYTES = 131_072


@dataclass(frozen=True)
class Limits:
    """Limits on one request."""

    max_invites: Annotated[int, Field(ge=1, description="Fields that invite, in one request.")] = 1
    max_body_bytes: MaxBodyBytes = MAX_BODY_BYTES
    max_document_bytes: Annotated[
        int, Field(ge=256, description="A document, comments and spaces included.")
    ] = 32_768
    # A list of 100 candidates written into a document has 1,100.
    max_tokens: Annotated[
        int, Field(ge=50, description="Tokens in a document, and comments as many.")
    ] = 2_000
    max_depth: Annotated[
        int, Field(ge=3, le=100, description="Levels of fields, fragments spread out.")
    ] = 20
    max_input_depth: Annotated[
        int, Field(ge=1, le=100, description="Levels of a value in a document.")
    ] = 10
    max_fields: Annotated[
        int, Field(ge=20, description="Fields of an operation, fragments spread out.")
    ] = 500
    max_aliases: Annotated[int, Field(ge=0, description="Aliases in a document.")] = 100
    max_root_fields: Annotated[int, Field(ge=1, description="Fields at an operation's root.")] = 10
    max_directives: Annotated[int, Field(ge=0, description="Directives in a document.")] = 30
    max_operations: Annotated[int, Field(ge=1, description="Operations in a document.")] = 20
    max_fragments: Annotated[
        int,
        Field(ge=0, description="Fragments in a document; it may spread them twice as often."),
    ] = 30
    max_overlaps: Annotated[
        int, Field(ge=0, description="Pairs of fields with the same response name.")
    ] = 1_000
    max_json_depth: Annotated[
        int, Field(ge=4, le=500, description="Levels of a request's JSON.")
    ] = 32
    max_json_number_length: Annotated[
        int, Field(ge=20, le=4_000, description="Characters of a number in it.")
    ] = 100


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits on one client's connections."""

    max_connections: Annotated[
        int,
        Field(
            ge=1,
            description=(
                "Connections, for each worker. At the bound, the one that has waited longest for"
                " its client makes room; if all are being served, the new one gets 503."
            ),
        ),
    ] = 800
    max_header_bytes: Annotated[
        int, Field(ge=1_024, description="Request line and headers together.")
    ] = 16_384
    max_body_bytes: MaxBodyBytes = MAX_BODY_BYTES
    # From a connection's start, or a request's first byte, to the end of the headers.
    header_timeout_seconds: Annotated[
        float, Field(gt=0, le=300, description="The time for a request's headers to arrive.")
    ] = 10.0
    # From the end of the headers on.
    body_timeout_seconds: Annotated[
        float, Field(gt=0, le=300, description="The time for its body to arrive.")
    ] = 10.0
    keep_alive_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=3_600,
            description=("The time a connection may idle; longer than a load balancer's in front."),
        ),
    ] = 75.0


class LimitSettings(BaseSettings, ConnectionLimits, Limits):
    """The settings that limit clients and requests: a field for each limit."""

    # Only used as a base class.
    model_config = SettingsConfigDict(defer_build=True)

    def request_limits(self) -> Limits:
        """The limits on one request."""
        return Limits(**{limit.name: getattr(self, limit.name) for limit in fields(Limits)})

    def connection_limits(self) -> ConnectionLimits:
        """The limits on one client's connections."""
        return ConnectionLimits(
            **{limit.name: getattr(self, limit.name) for limit in fields(ConnectionLimits)}
        )

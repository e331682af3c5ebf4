"""The media types of requests and responses.

https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple


class MediaType(Enum):
    """The media types of a GraphQL response."""

    JSON = "application/json"
    GRAPHQL_RESPONSE = "application/graphql-response+json"

    # Compared by identity: headers are looked up by it for every response.
    __hash__ = object.__hash__


@lru_cache(maxsize=256)
def accepted(accept: bytes | None) -> MediaType | None:
    """The response's media type, or None if none is acceptable; JSON without the header.

    Quality decides, then the order in the header; wildcards prefer JSON.
    """
    if accept is None or not accept.strip():
        return MediaType.JSON
    ranges = list(_ranges(accept.decode("latin-1")))
    candidates = [(*_rank(media_type, ranges), media_type) for media_type in MediaType]
    acceptable = [candidate for candidate in candidates if candidate[0] > 0]
    if not acceptable:
        return None
    # max() keeps the first of equals, which is JSON.
    return max(acceptable, key=lambda candidate: candidate[:2])[2]


@lru_cache(maxsize=64)
def is_json(content_type: bytes | None) -> bool:
    """Whether a body of this type is supported: `application/json`, in UTF-8.

    A comma joins several types, if a client sends the header twice. All of them must be
    supported, as a proxy may have gone by any of them.
    """
    if content_type is None:
        return False
    types = map(_split, content_type.decode("latin-1").split(","))
    return all(name == MediaType.JSON.value and _is_utf8(given) for name, given in types)


_MAX_RANGES = 50


class _Range(NamedTuple):
    pattern: str
    quality: float
    position: int


def _ranges(accept: str) -> Iterator[_Range]:
    for position, part in enumerate(accept.split(",", _MAX_RANGES)[:_MAX_RANGES]):
        pattern, parameters = _split(part)
        if _is_utf8(parameters):
            yield _Range(pattern, _quality(parameters.get("q", "1")), position)


def _rank(media_type: MediaType, ranges: list[_Range]) -> tuple[float, int]:
    """The quality of the most specific matching range, and how early it comes."""
    for pattern in (media_type.value, "application/*", "*/*"):
        for candidate in ranges:
            if candidate.pattern == pattern:
                return candidate.quality, -candidate.position
    return 0.0, 0


def _split(text: str) -> tuple[str, dict[str, str]]:
    """A media type and its parameters, names in lower case, without quotes."""
    media_type, *rest = text.split(";")
    parameters = {}
    for parameter in rest:
        name, _, value = parameter.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return media_type.strip().lower(), parameters


def _is_utf8(parameters: dict[str, str]) -> bool:
    return parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if math.isfinite(quality) and 0 <= quality <= 1 else 0.0

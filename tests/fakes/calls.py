"""What a call to the platform asks for, for upstreams that are no servers."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from gateway.upstream.call import Call


class Asked(NamedTuple):
    """The ids in a call's path, and its query; `application_id` is None for a list."""

    track_id: int
    application_id: int | None
    query: dict[str, str]


def asked(call: Call) -> Asked:
    """What a call that reads asks for."""
    parts = urlsplit(call.path)
    ids = [int(part) for part in parts.path.split("/") if part.isdecimal()]
    return Asked(ids[0], ids[1] if len(ids) > 1 else None, dict(parse_qsl(parts.query)))

"""The failures that the stand-in simulates on demand.

An invite's is chosen by the candidate's e-mail address, a read's by the track.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.sandbox.platform import local_part_of


class Mishap(Enum):
    """A fault of the connection or the reply; the values are addresses' local parts."""

    SLOW = "slow"
    DROPPED = "dropped"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    RESET = "reset"
    """The only one that happens before the invite is accepted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error reply; nobody is invited."""

    status: int
    body: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page, as an intermediary such as a firewall sends it; nobody is invited."""

    status: int


PAGES: Mapping[str, Page] = {f"page-{status}": Page(status) for status in (200, 403, 404, 503)}
REFUSALS: Mapping[str, Refusal] = {
    "invalid": Refusal(400, {"error": "This candidate is not accepted"}),
    "unauthorized": Refusal(401, {"error": "API key missing or invalid"}),
    "forbidden": Refusal(403, {"error": "API key has no access to tracks"}),
    "exhausted": Refusal(
        403, {"message": "Invites Exhausted. Please contact support.", "error": "limit_exceed"}
    ),
    "conflict": Refusal(409, {"error": "Applicant already exists"}),
    "rate-limited": Refusal(429, {"error": "Too many requests"}, {"retry-after": "2"}),
    "broken": Refusal(500, {"error": "Internal server error"}),
    "unavailable": Refusal(503, {"error": "Service unavailable"}, {"retry-after": "1"}),
}


READ_REFUSALS: Mapping[int, Refusal] = {
    401401: REFUSALS["unauthorized"],
    403403: REFUSALS["forbidden"],
    429429: REFUSALS["rate-limited"],
    500500: REFUSALS["broken"],
    503503: REFUSALS["unavailable"],
}
"""The reply to reading a track's applicants; inviting to it works as usual."""


FAILURES: Mapping[str, Refusal | Page | Mishap] = {
    **REFUSALS,
    **PAGES,
    **{mishap.value: mishap for mishap in Mishap},
}


def failure_for(email: str) -> Refusal | Page | Mishap | None:
    """The failure that an address asks for, whatever its domain, case and `+suffix`."""
    return FAILURES.get(local_part_of(email))

"""What the core needs of the upstream, whichever client makes the calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.upstream.wire import Exchange


class ApplicantList(Protocol):
    """The upstream's own list of who is on a track.

    `api_key` is used instead of the client's own.
    """

    async def applicants(
        self,
        track_id: int,
        query: Mapping[str, str],
        *,
        timeout_seconds: float,
        api_key: str | None = None,
    ) -> Exchange:
        """One page of the list, as it came."""
        ...

    async def applicant(
        self,
        track_id: int,
        application_id: int,
        *,
        timeout_seconds: float,
        api_key: str | None = None,
    ) -> Exchange:
        """One entry of the list with all its details, as it came."""
        ...

    def reread_api_key(self) -> bool:
        """Look for a new API key at once; True if there is one."""
        ...

    async def aclose(self) -> None: ...


class Upstream(ApplicantList, Protocol):
    """What the core needs of a client; every implementation reports the same facts."""

    async def invite(
        self,
        body: bytes,
        *,
        timeout_seconds: float,
        idempotency_key: str | None = None,
        send_by: float | None = None,
        api_key: str | None = None,
    ) -> Exchange:
        """Post one invite, at most once, and say what happened.

        `timeout_seconds` bounds the whole call. `send_by`, on `time.monotonic`'s clock, is
        the moment after which no byte may leave any more. `api_key` is used instead of the
        client's own.
        """
        ...


class ApiKey(Protocol):
    """The upstream's API key, as it is now."""

    def current(self) -> str: ...

    def reread(self) -> bool:
        """Look for a new key at once; True if there is one."""
        ...

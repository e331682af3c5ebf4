"""The interface between the core and the clients of the platform."""

from __future__ import annotations

from typing import Protocol

from gateway.upstream.call import Call
from gateway.upstream.wire import Exchange


class Upstream(Protocol):
    """A client of the platform; every implementation reports the same facts."""

    async def send(self, call: Call) -> Exchange:
        """Make the call, at most once, and report what happened."""
        ...

    def reread_api_key(self) -> bool:
        """Check for a new API key at once; True if there is one."""
        ...

    async def aclose(self) -> None: ...


class ApiKey(Protocol):
    """The platform's current API key."""

    def current(self) -> str: ...

    def reread(self) -> bool:
        """Check for a new key at once; True if there is one."""
        ...

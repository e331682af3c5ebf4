"""What the core needs of the platform, whichever client makes the calls."""

from __future__ import annotations

from typing import Protocol

from gateway.upstream.call import Call
from gateway.upstream.wire import Exchange


class Upstream(Protocol):
    """A client of the platform; every implementation reports the same facts."""

    async def send(self, call: Call) -> Exchange:
        """Make the call, once at most, and say what happened."""
        ...

    def reread_api_key(self) -> bool:
        """Look for a new API key at once; True if there is one."""
        ...

    async def aclose(self) -> None: ...


class ApiKey(Protocol):
    """The platform's API key, as it is now."""

    def current(self) -> str: ...

    def reread(self) -> bool:
        """Look for a new key at once; True if there is one."""
        ...

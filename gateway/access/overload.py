"""Refuses requests before their documents are read: overload, or shutdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.http.errors import ErrorCode, RequestError, request_error
from gateway.http.gates import Admitted, Decision
from gateway.invites.admission import Admission, OverloadedError
from gateway.server.drain import Draining, stopping

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.http.requests import RequestHead


class OverloadGate:
    """A gate that reserves a place for the duration of a request."""

    def __init__(self, admission: Admission, draining: Draining) -> None:
        self._admission = admission
        self._draining = draining
        self._admitted = Admitted(release=admission.leave)

    def __call__(self, _head: RequestHead, /) -> Decision | Awaitable[Decision]:
        return self._admit() if self._admission.try_enter() else self._wait()

    async def _wait(self) -> Decision:
        try:
            await self._admission.enter()
        except OverloadedError as error:
            return _refusal(error.retry_after_seconds)
        return self._admit()

    def _admit(self) -> Decision:
        if self._draining.closed:
            # Its head came in time, but running it could outlast the shutdown.
            self._admission.leave()
            return stopping()
        return self._admitted


def _refusal(seconds: int) -> RequestError:
    return request_error(
        "There is too much to do at the moment. Nothing was done; try again later.",
        ErrorCode.OVERLOADED,
        status=503,
        retry_after_seconds=seconds,
    )

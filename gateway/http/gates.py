"""Gates: checks that may refuse a request before its document is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from gateway.http.errors import RequestError
from gateway.http.requests import RequestHead


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request may go on.

    `caller` is passed on in the head, to the next gates and to the context. `release` is called
    once when the request has ended, in any way.
    """

    caller: object = None
    release: Callable[[], None] | None = None


Decision: TypeAlias = Admitted | RequestError
DECISIONS: Final = (Admitted, RequestError)


class Gate(Protocol):
    """Decides on a request by its head, at once or later; refuses it by a RequestError.

    Runs after the body has arrived, so that slow clients hold no place, and before it is parsed.
    """

    def __call__(self, head: RequestHead, /) -> Decision | Awaitable[Decision]: ...

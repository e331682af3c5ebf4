"""Gates: what may turn a request away before its document is looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.http.errors import RequestError
from gateway.http.requests import RequestHead


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request may go on.

    `caller` is passed on in the head, to the gates behind and to the context. `release` is
    called once when the request has been answered, however that went.
    """

    caller: object = None
    release: Callable[[], None] | None = None


class Gate(Protocol):
    """Decides on a request by its head; refuses by returning a RequestError, ready to be sent.

    Runs once the body has arrived, so that a caller who sends slowly holds nothing, and before
    anything of it is parsed.
    """

    def __call__(self, head: RequestHead, /) -> Awaitable[Admitted | RequestError]: ...

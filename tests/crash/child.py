"""Gateways that kill themselves at a named point: `python -m tests.crash.child`.

Each line on standard input, `POINT NTH`, becomes a gateway in a process of its own, forked from
this one so that the imports are paid for once. Printed are `pid`, its address once it serves, and
`dead`. Settings come from the environment. The points live here and not in the gateway, so that
production carries nothing of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from gateway.app import create_app
from gateway.checks import checked_settings
from gateway.invites.record import Record, State
from gateway.server.config import running_gateway
from gateway.server.listen import listen
from gateway.settings.model import Settings
from gateway.stores.opening import store_of
from gateway.stores.postgres import PostgresStore
from gateway.stores.sqlite import SqliteStore
from gateway.upstream.direct.connection import Connection
from gateway.upstream.direct.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.invites.store import Store
    from gateway.upstream.wire import Exchange

POINTS = (
    "before-claim",
    "after-claim",
    "first-byte",
    "reply",
    "before-settle",
    "after-settle",
)


class Trap:
    """Kills the process, without any farewell, when a point is passed for the nth time.

    A point that begins with `pause-` stops it instead, until somebody sends SIGCONT.
    """

    def __init__(self, point: str, nth: int) -> None:
        self._point = point.removeprefix("pause-")
        self._signal = signal.SIGKILL if self._point == point else signal.SIGSTOP
        self._left = nth

    def is_due(self, point: str) -> bool:
        if point != self._point:
            return False
        self._left -= 1
        return self._left == 0

    def passed(self, point: str) -> None:
        if self.is_due(point):
            os.kill(os.getpid(), self._signal)


def trapped(store: Store, trap: Trap) -> Store:
    """`store` with points around claim and settle."""
    insert, swap = store.insert, store.swap

    async def trapped_insert(record: Record) -> bool:
        trap.passed("before-claim")
        won = await insert(record)
        trap.passed("after-claim")
        return won

    async def trapped_swap(record: Record, *, was: Record) -> bool:
        phase = "claim" if record.state is State.SENDING else "settle"
        trap.passed(f"before-{phase}")
        won = await swap(record, was=was)
        trap.passed(f"after-{phase}")
        return won

    assert isinstance(store, SqliteStore | PostgresStore)
    store.insert = trapped_insert  # type: ignore[method-assign]
    store.swap = trapped_swap  # type: ignore[method-assign]
    return store


def trap_the_wire(trap: Trap) -> None:
    """Points after the first byte of a POST and after its reply."""
    exchange = Connection.exchange

    async def trapped_exchange(self: Connection, request: bytes, *, deadline: float) -> Exchange:
        if not request.startswith(b"POST"):
            return await exchange(self, request, deadline=deadline)
        answering = exchange(self, request, deadline=deadline)
        await asyncio.sleep(0)
        if trap.is_due("first-byte"):
            # The bytes are with the kernel: the upstream may or may not come to read them.
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await answering
        trap.passed("reply")
        return answer

    setattr(Connection, "exchange", trapped_exchange)  # noqa: B010 - mypy refuses the assignment


def trap_the_dialling(trap: Trap) -> None:
    """A point between claim and first byte: the connection is made, and nothing is sent."""

    def trapped(dial: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def trapped_dial(*given: Any, **named: Any) -> Any:
            connection = await dial(*given, **named)
            trap.passed("dialled")
            return connection

        return trapped_dial

    from gateway.upstream.httpx_client import _Network  # noqa: PLC0415 - slow to load

    setattr(Pool, "dial", trapped(Pool.dial))  # noqa: B010 - as above
    setattr(_Network, "connect_tcp", trapped(_Network.connect_tcp))  # noqa: B010 - as above


async def serve(settings: Settings, trap: Trap) -> None:
    store = trapped(store_of(settings), trap)
    trap_the_wire(trap)
    trap_the_dialling(trap)
    app: Any = create_app(settings, store=store)
    async with running_gateway(app, settings, listen("127.0.0.1", 0)) as address:
        print(address, flush=True)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def raise_children() -> None:
    """One after another, as asked for on standard input."""
    settings = checked_settings()
    for line in sys.stdin:
        point, nth = line.split()
        child = os.fork()
        if child == 0:
            print("pid", os.getpid(), flush=True)
            asyncio.run(serve(settings, Trap(point, int(nth))))
            os._exit(0)
        os.waitpid(child, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    raise_children()

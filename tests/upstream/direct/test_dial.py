from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from gateway.upstream.direct import dial as dial_module
from gateway.upstream.direct.dial import Address, Dialer, first_connected, interleaved

V4, V6 = socket.AF_INET, socket.AF_INET6


@contextlib.contextmanager
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address(V4, server.getsockname())


def refusing() -> Address:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Address(V4, free.getsockname())


def test_families_take_turns():
    """The first family leads, so that a broken one costs one delay at most."""
    a, b, c, d = Address(V6, (1,)), Address(V6, (2,)), Address(V4, (3,)), Address(V6, (4,))

    assert interleaved([a, b, c, d]) == [a, c, b, d]
    assert interleaved([]) == []


async def test_the_first_address_that_answers_is_used():
    """One that refuses is passed over at once."""
    with listening() as good:
        connected = await first_connected([refusing(), good])

        assert connected.getpeername() == good.endpoint
        connected.close()


async def test_a_silent_address_is_not_waited_for(monkeypatch):
    """The next one is tried beside it, and the slow attempt is closed."""
    monkeypatch.setattr(dial_module, "ATTEMPT_DELAY_SECONDS", 0.0)
    silent, attempts = Address(V4, ("127.0.0.1", 1)), []
    connect = dial_module._connect

    async def slow(address: Address) -> socket.socket:
        if address is not silent:
            return await connect(address)
        try:
            await asyncio.Event().wait()
        finally:
            attempts.append("closed")
        raise AssertionError

    monkeypatch.setattr(dial_module, "_connect", slow)
    with listening() as good:
        connected = await first_connected([silent, good])
        await asyncio.sleep(0)

        assert connected.getpeername() == good.endpoint
        assert attempts == ["closed"]
        connected.close()


async def test_a_second_connection_in_the_same_moment_is_closed(monkeypatch):
    """Two attempts that succeed together leave one socket open."""
    monkeypatch.setattr(dial_module, "ATTEMPT_DELAY_SECONDS", 0.0)
    made: list[socket.socket] = []
    together = asyncio.Event()

    async def connect(_: Address) -> socket.socket:
        await together.wait()
        made.append(socket.socket())
        return made[-1]

    monkeypatch.setattr(dial_module, "_connect", connect)
    asyncio.get_running_loop().call_later(0.01, together.set)

    winner = await first_connected([Address(V4, (1,)), Address(V4, (2,))])
    await asyncio.sleep(0)

    assert len(made) == 2
    assert [one.fileno() >= 0 for one in made].count(True) == 1
    winner.close()


async def test_the_last_refusal_is_told():
    """All addresses refuse: that is the error."""
    with pytest.raises(ConnectionRefusedError):
        await first_connected([refusing(), refusing()])


async def test_no_address_is_an_error():
    """A name that exists without an address cannot be reached."""
    with pytest.raises(OSError, match="no address"):
        await first_connected([])


async def test_a_failed_handshake_closes_the_socket():
    """A server that speaks no TLS leaves nothing open behind."""
    import ssl  # noqa: PLC0415 - for this test alone

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    with pytest.raises(OSError):  # noqa: PT011 - which one differs between event loops
        await Dialer("127.0.0.1", port, tls=ssl.create_default_context()).dial()

    server.close()

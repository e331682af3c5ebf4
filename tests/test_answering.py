"""An answer goes out in one piece if it can, and otherwise as uvicorn writes it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from gateway.answering import AnsweringCycle

DATE = (b"date", b"Wed, 25 Nov 2026 00:00:00 GMT")
LENGTH_2 = (b"content-length", b"2")


class Wire:
    """A transport that keeps what is written, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Request:
    """One request, answered with the messages of an application."""

    def __init__(self, *, method: str = "POST", keep_alive: bool = True) -> None:
        self.wire = Wire()
        self.ended = 0
        self.flow = FlowControl(self.wire)  # type: ignore[arg-type]
        self.cycle = AnsweringCycle(
            scope={"method": method, "path": "/"},  # type: ignore[typeddict-item]
            transport=self.wire,  # type: ignore[arg-type]
            flow=self.flow,
            logger=logging.getLogger("uvicorn.error"),
            access_logger=logging.getLogger("uvicorn.access"),
            access_log=False,
            default_headers=[DATE],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self._end,
        )

    def _end(self) -> None:
        self.ended += 1

    async def answer(self, *headers, status: int = 200, bodies: tuple[bytes, ...] = (b"{}",)):
        async def app(_scope, _receive, send) -> None:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            for number, body in enumerate(bodies, 1):
                more = number < len(bodies)
                await send({"type": "http.response.body", "body": body, "more_body": more})

        await self.cycle.run_asgi(app)


async def test_whole_answer_is_one_piece():
    """Status, headers and body leave together."""
    request = Request()

    await request.answer(LENGTH_2, (b"x-name", b"value"))

    (answer,) = request.wire.pieces
    assert answer.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"date: Wed, 25 Nov 2026 00:00:00 GMT",
        b"content-length: 2",
        b"x-name: value",
        b"",
        b"{}",
    ]
    assert request.cycle.response_complete
    assert request.ended == 1
    assert not request.wire.closed


async def test_last_answer_says_so_and_closes():
    """A connection that is not kept is told to be closed, and is."""
    request = Request(keep_alive=False)

    await request.answer(LENGTH_2)

    (answer,) = request.wire.pieces
    assert b"\r\nconnection: close\r\n" in answer
    assert request.wire.closed


@pytest.mark.parametrize(
    ("method", "headers", "bodies", "answer_ends"),
    [
        ("HEAD", (LENGTH_2,), (b"{}",), b"content-length: 2\r\n\r\n"),
        ("GET", (), (b"{}",), b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        ("GET", (LENGTH_2,), (b"{", b"}"), b"content-length: 2\r\n\r\n{}"),
        ("GET", (LENGTH_2, (b"connection", b"close")), (b"{}",), b"connection: close\r\n\r\n{}"),
    ],
    ids=["head", "no-length", "in-parts", "closing"],
)
async def test_other_answers_are_written_by_uvicorn(method, headers, bodies, answer_ends):
    """Whatever is not one piece is right all the same."""
    request = Request(method=method)

    await request.answer(*headers, bodies=bodies)

    assert b"".join(request.wire.pieces).endswith(answer_ends)
    assert request.cycle.response_complete
    assert request.ended == 1


@pytest.mark.parametrize("control", ["\r\nx-more: 1", "\n", "\r", "\0", "\x7f"], ids=repr)
async def test_no_header_can_begin_another(control, caplog):
    """A header with a line break or another control character is never written."""
    request = Request()

    await request.answer(LENGTH_2, (b"x-name", f"a{control}".encode()))

    assert request.wire.pieces == []
    assert request.wire.closed
    assert "Exception in ASGI application" in caplog.text


async def test_body_of_another_length_is_a_bug(caplog):
    """A client is not left waiting for octets that do not come."""
    request = Request()

    await request.answer((b"content-length", b"3"))

    assert request.wire.closed
    assert "Exception in ASGI application" in caplog.text


async def test_failure_before_the_body_is_answered_500(caplog):
    """The head that was held back is not sent before another one."""
    request = Request()

    async def app(_scope, _receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [LENGTH_2]})
        raise ValueError

    await request.cycle.run_asgi(app)

    answer = b"".join(request.wire.pieces)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"200 OK" not in answer
    assert "Exception in ASGI application" in caplog.text


async def test_nothing_is_written_to_a_client_that_has_gone():
    """Its connection is somebody else's by now, or nobody's."""
    request = Request()
    request.cycle.disconnected = True

    await request.answer(LENGTH_2)

    assert request.wire.pieces == []


async def test_slow_reader_is_waited_for():
    """What a client does not read is not piled up."""
    request = Request()
    request.flow.pause_writing()

    answering = asyncio.create_task(request.answer(LENGTH_2))
    await asyncio.sleep(0)
    before = list(request.wire.pieces)
    request.flow.resume_writing()
    await answering

    assert before == []
    assert b"".join(request.wire.pieces).endswith(b"\r\n\r\n{}")

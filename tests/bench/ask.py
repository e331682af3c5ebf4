"""One request over a plain socket, so that the answer's whole length is known."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """`octets` counts the head too."""

    status: int
    body: bytes
    octets: int


class NoAnswerError(OSError):
    """The server closed the connection before its answer was whole."""


def ask(port: int, body: str, headers: Mapping[str, str]) -> Answer:
    """Posts `body` to /graphql on loopback; OSError if there is no whole answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(_request(port, body.encode(), headers))
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if (answer := read_answer(received)) is not None:
                return answer
    raise NoAnswerError(f"closed after {len(received)} octets")


def read_answer(received: bytes) -> Answer | None:
    """The HTTP answer in `received`; None while it is not whole."""
    response = http.client.HTTPResponse(_Recorded(received))  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read()
    except http.client.HTTPException:
        return None
    return Answer(response.status, body, len(received))


class _Recorded:
    """What http.client needs of a socket, over octets that are already here."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


def _request(port: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [
        "POST /graphql HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

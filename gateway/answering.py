"""One request's way through the application, whose answer goes out in one piece if it can.

uvicorn writes head and body of an answer apart: two system calls, two packets and two wake-ups
of the client for what is one piece here, and two searches in each header.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

Message: TypeAlias = MutableMapping[str, Any]

_left_to_uvicorn = frozenset((b"connection", b"transfer-encoding")).intersection
_CONTROLS = bytes({*range(0x20), 0x7F} - {0x09})


class AnsweringCycle(RequestResponseCycle):
    """Writes an answer at once if its length is announced and its body comes whole."""

    _start: Message | None = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            # Nothing of it has been written: a later one, say that of a failure, takes its place.
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            answer = self._whole_answer(start, message)
            if answer is not None and not self.flow.write_paused:
                self._finish(answer)
                return
            await super().send(cast("ASGISendEvent", start))
        await super().send(message)

    def _whole_answer(self, start: Message, message: Message) -> bytes | None:
        """The answer's bytes, or None if it is for uvicorn, which also words what is wrong."""
        body: bytes = message.get("body", b"")
        if message.get("more_body", False) or self.scope["method"] == "HEAD":
            return None
        headers = [*self.default_headers, *start.get("headers", ())]
        by_name = dict(headers)
        if by_name.get(b"content-length") != b"%d" % len(body) or _left_to_uvicorn(by_name):
            return None
        if not self.keep_alive:
            headers.append((b"connection", b"close"))
        parts = [part for name, value in headers for part in (name, b": ", value, b"\r\n")]
        head = STATUS_LINE[start["status"]] + b"".join(parts)
        # A line break within a header would begin another one, or another answer.
        controls = len(head) - len(head.translate(None, _CONTROLS))
        if controls != len(b"\r\n") * (1 + len(headers)):
            return None
        return b"%b\r\n%b" % (head, body)

    def _finish(self, answer: bytes) -> None:
        if self.disconnected:
            return
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(answer)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

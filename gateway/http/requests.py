"""A request without its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any


# Not frozen: that would take four times as long to make, and a named tuple eight times as long
# to read, of every invite. Nothing changes it all the same. Without a repr, none of it comes into
# a log by way of an error's message.
@dataclass(slots=True, repr=False)
class RequestHead:
    """A request without its body; header names are lower-case bytes.

    A header that came several times has its values joined by commas. `caller` is what a gate
    found out about who is calling.
    """

    method: str
    headers: Mapping[bytes, bytes]
    query_string: bytes = b""
    client: str | None = None
    caller: object = None

    def header(self, name: bytes) -> str | None:
        """The header's value, without the space around it that is no part of it.

        https://www.rfc-editor.org/rfc/rfc9110#section-5.5
        """
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")

    def called_by(self, caller: object) -> RequestHead:
        return replace(self, caller=caller)


def request_head(scope: Mapping[str, Any]) -> RequestHead:
    """The head of an ASGI request."""
    client = scope.get("client")
    return RequestHead(
        scope["method"],
        joined(scope["headers"]),
        scope.get("query_string", b""),
        client[0] if client else None,
    )


def joined(raw: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by their names, as RequestHead has them."""
    headers = dict(raw)
    if len(headers) != len(raw):
        headers = {}
        for name, value in raw:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers

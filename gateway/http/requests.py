"""A request without its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


# Not frozen, for speed, and without a repr, for privacy: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False)
class RequestHead:
    """A request without its body; header names are lower-case bytes.

    The values of a repeated header are joined by commas. `caller` is set by the gate that
    identified the caller.
    """

    method: str
    headers: Mapping[bytes, bytes]
    query_string: bytes = b""
    client: str | None = None
    caller: object = None

    def header(self, name: bytes) -> str | None:
        """The header's value, without surrounding white space.

        https://www.rfc-editor.org/rfc/rfc9110#section-5.5
        """
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")

    def called_by(self, caller: object) -> RequestHead:
        return RequestHead(self.method, self.headers, self.query_string, self.client, caller)


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
    """The headers by name, in the form of RequestHead."""
    headers = dict(raw)
    if len(headers) != len(raw):
        headers = {}
        for name, value in raw:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers

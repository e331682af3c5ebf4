"""The settings as a page of the guide: `python -m gateway.settings.reference` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from gateway.settings.model import PREFIX, Settings

_SECTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "upstream_url": ("The platform", ""),
    "host": ("The server", ""),
    "log_level": ("Logs, metrics and traces", "See [Running in production](operations.md)."),
    "drain_delay_seconds": ("Stopping", ""),
    "store_url_file": (
        "Idempotency keys and doubts",
        "See [Never twice, never lost](reliability.md).",
    ),
    "queue_size": ("How much at a time", ""),
    "explorer": ("The schema", ""),
    "auth": ("Who may call", "See [Who may call](access.md)."),
    "cors_origins": ("Pages of other origins", "See [Inviting from a frontend](frontends.md)."),
    "tls_key": (
        "TLS and proxies",
        (
            "On the way to the platform and to the identity provider, `HTTP_PROXY` or `HTTPS_PROXY`"
            " is used, or else `ALL_PROXY`, unless `NO_PROXY` names the server: domains with what"
            " is below them, addresses or networks, with a port or for all ports, or `*`. Servers"
            " on this machine are reached directly. A proxy to the identity provider must be"
            " `http://`."
        ),
    ),
    "rate_limit_url": ("Rate limits", "See [Rate limits](access.md#rate-limits)."),
    "max_invites": (
        "What one request may ask for",
        (
            "Whatever breaks a limit is refused before work is done. With these defaults no single"
            " request holds up the others for long: `python -m tests.bench.stall` sends some"
            " seventy kinds of hostile ones and times an ordinary caller meanwhile (on a busy"
            " two-core machine 33 ms at most, as a median; its exit code says whether 100 were"
            " exceeded)."
        ),
    ),
    "documents": ("Trusted documents", "See [Errors](errors.md#graphql-over-http)."),
    "max_connections": ("What one client may hold", ""),
}
"""By the field with which a section begins: its heading, and a sentence."""

_HEAD: Final = """\
# Settings

Environment variables, or a `.env` file in the working directory; the environment goes first.
`gateway serve` refuses to start on a missing or contradictory one and names all of them at once.
`gateway check` prints those in force. This page is made from the code, and a test compares them.
"""


def reference() -> str:
    """The page, in Markdown, ending with a line break."""
    return _HEAD + "".join(map(_section, _SECTIONS))


def fields_in_order() -> Iterator[str]:
    """The names of all fields, as the page has them."""
    for first in _SECTIONS:
        yield from (name for name, _ in _fields_from(first))


def _section(first: str) -> str:
    heading, sentence = _SECTIONS[first]
    rows = "".join(_row(name, field) for name, field in _fields_from(first))
    text = f"{sentence}\n\n" if sentence else ""
    return f"\n## {heading}\n\n{text}| variable | default | |\n|---|---|---|\n{rows}"


def _fields_from(first: str) -> Iterator[tuple[str, FieldInfo]]:
    fields = list(Settings.model_fields.items())
    begin = [name for name, _ in fields].index(first)
    for place, (name, field) in enumerate(fields[begin:]):
        if place and name in _SECTIONS:
            return
        yield name, field


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |\n"


def _default(field: FieldInfo) -> str:
    value = default_of(field)
    return "-" if value is None else f"`{value}`"


def default_of(field: FieldInfo) -> str | None:
    """The default as an operator would write it; None if there is none."""
    value = _plain(field.default)
    return None if field.is_required() or value in ("", "None") else value


def _plain(value: Any) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(value)
        case float():
            return f"{value:g}"
    return str(value)


if __name__ == "__main__":
    sys.stdout.write(reference())

"""Connections to PostgreSQL from libpq URLs, and messages for when one fails.

A message holds only text of this module and names: a URL's values may hold the password, and the
server's text may quote a row.
"""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import asyncpg

APPLICATION: Final = "track-invite-gateway"
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_OF_THE_DRIVER: Final = frozenset(
    {*_FILES, "host", "port", "dbname", "database", "user", "password", "passfile", "service"}
    | {"sslmode", "sslnegotiation", "sslpassword", "target_session_attrs", "krbsrvname", "gsslib"}
    | {"ssl_min_protocol_version", "ssl_max_protocol_version"}
)
# libpq's parameters without effect here: the driver always uses UTF-8 and never GSSAPI encryption,
# and each statement's timeout finds a dead connection sooner than TCP does.
_WITHOUT_EFFECT: Final = frozenset(
    {"client_encoding", "fallback_application_name", "gssdelegation", "load_balance_hosts"}
    | {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"}
    | {"tcp_user_timeout", "sslcompression", "sslsni", "servicefile"}
)
# The driver cannot do what other values demand; ignoring them would be less safe than asked.
_POSSIBLE_VALUES: Final = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    "sslcertmode": ("allow",),
    "require_auth": (),
    "requirepeer": (),
    "sslcrldir": (),
    "hostaddr": (),
    "replication": (),
}
_INSTEAD: Final = {
    "channel_binding": "; sslmode=verify-full makes sure of the server as well",
    "hostaddr": "; write the address as the host",
}


class ConnectionUrlError(ValueError):
    """The URL asks for something impossible; the message quotes none of its values."""


def connection_options(url: str) -> dict[str, Any]:
    """`url` as asyncpg's arguments. Raises ValueError, or ConnectionUrlError with the reason."""
    head, _, query = url.partition("?")
    given = dict(parse_qsl(query, strict_parsing=True)) if query else {}
    for name, possible in _POSSIBLE_VALUES.items():
        if given.pop(name, "") not in ("", *possible):
            raise ConnectionUrlError(
                f"its parameter {name} demands what the driver cannot do: leave it out"
                + _INSTEAD.get(name, "")
            )
    for name in _WITHOUT_EFFECT & given.keys():
        del given[name]
    settings = {
        # A claim must survive the server's crash, whatever the database's default is.
        "synchronous_commit": "on",
        "application_name": given.pop("application_name", APPLICATION),
    }
    options = {"server_settings": settings, **_timeout(given), **_trust(given)}
    if "target_session_attrs" not in given and "PGTARGETSESSIONATTRS" not in os.environ:
        # A read-only server is of no use; another of the URL's hosts may accept writes.
        options["target_session_attrs"] = "read-write"
    for name in _FILES:
        _check_file(name, given.get(name))
    return options | {"dsn": f"{head}?{urlencode(given)}" if given else head}


async def connect(url: str, *, timeout_seconds: float, **options: Any) -> asyncpg.Connection:
    """A connection with durable commits, for claims."""
    return await asyncpg.connect(
        **{"timeout": timeout_seconds, "command_timeout": timeout_seconds}
        | connection_options(url)
        | options
    )


def _timeout(given: dict[str, str]) -> dict[str, float]:
    text = given.pop("connect_timeout", "0")
    if not re.fullmatch(r"-?[0-9]{1,6}", text):
        raise ConnectionUrlError("its parameter connect_timeout must be a number of seconds")
    # For libpq 0 means no timeout; then the store's own applies.
    return {"timeout": float(text)} if int(text) > 0 else {}


def _trust(given: dict[str, str]) -> dict[str, ssl.SSLContext]:
    """The system's CAs, if the URL asks for them; the driver itself reads CAs only from files."""
    if given.get("sslrootcert", os.environ.get("PGSSLROOTCERT")) != "system":
        return {}
    given.pop("sslrootcert", None)
    if given.pop("sslmode", os.environ.get("PGSSLMODE", "verify-full")) != "verify-full":
        raise ConnectionUrlError("sslrootcert=system needs sslmode=verify-full")
    context = ssl.create_default_context()
    context.set_alpn_protocols(["postgresql"])
    if cert := given.pop("sslcert", os.environ.get("PGSSLCERT")):
        key = given.pop("sslkey", os.environ.get("PGSSLKEY"))
        _check_file("sslcert", cert)
        _check_file("sslkey", key)
        context.load_cert_chain(cert, key, password=given.pop("sslpassword", ""))
    return {"ssl": context}


def _check_file(name: str, path: str | None) -> None:
    if not path:
        return
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise ConnectionUrlError(f"the file of {name} cannot be read: {error.strerror}") from None


def why_not_connected(error: Exception, url: str) -> str:
    """Why no connection to `url` was made, and what the operator can do."""
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate in _REFUSALS:
        return f"{_REFUSALS[error.sqlstate].format(**_names(url))} ({error.sqlstate})"
    match error:
        case ConnectionUrlError():
            return str(error)
        case asyncpg.TargetServerAttributeNotMatched():
            return "none of its servers takes writes"
        case PermissionError() if _home_is_closed():
            return _CLOSED_HOME
        case ValueError() if not isinstance(error, OSError):
            return (
                f"its URL cannot be used ({type(error).__name__}); is a parameter wrong, or a"
                " special character of the password not written as %XX?"
            )
        case _:
            return reason(error)


_REFUSALS: Final = {
    "28P01": "the server refuses the user or the password",
    "28000": "the server refuses the user, or connections from here (pg_hba.conf)",
    "3D000": "the database does not exist: CREATE DATABASE {database}",
    "42501": "the user may not connect: GRANT CONNECT ON DATABASE {database} TO {user}",
    "42704": "the server does not know a parameter of its URL{unknown}",
    "53300": "the server has no connection left; each worker of a gateway holds up to ten",
    "57P03": "the server is starting or stopping",
}
# Data exceptions, also those of the driver; violated constraints.
_ROW_CLASSES: Final = frozenset({"22", "23"})
# Serialization failures and deadlocks.
_ROW_CONFLICTS: Final = frozenset({"40001", "40P01"})
_CLOSED_HOME: Final = (
    "certificates are looked for in ~/.postgresql, and HOME is a folder that may not be entered:"
    " set HOME to one of the gateway's own user"
)


def reason(error: Exception) -> str:
    """The reason for the operator, without values, URLs or passwords."""
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__} ({error.sqlstate})"
    if isinstance(error, OSError) and str(error):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def is_about_a_row(error: BaseException | None) -> bool:
    """Whether one row is to blame, and nothing was written."""
    if not isinstance(error, asyncpg.PostgresError):
        return False
    return error.sqlstate[:2] in _ROW_CLASSES or error.sqlstate in _ROW_CONFLICTS


def _home_is_closed() -> bool:
    try:
        (Path.home() / ".postgresql").stat()
    except (OSError, RuntimeError) as error:
        return isinstance(error, PermissionError)
    return False


def _names(url: str) -> dict[str, str]:
    parts, (_, _, query) = urlsplit(url), url.partition("?")
    known = _OF_THE_DRIVER | _WITHOUT_EFFECT | _POSSIBLE_VALUES.keys()
    unknown = [name for name, _ in parse_qsl(query) if name not in known]
    return {
        "database": _identifier(unquote(parts.path.lstrip("/"))),
        "user": _identifier(unquote(parts.username or "")),
        # A query with an @ may be the rest of a password.
        "unknown": f": {', '.join(map(_identifier, unknown))}" if "@" not in query else "",
    }


def _identifier(name: str) -> str:
    """`name` as an SQL identifier; an unusual name may be the rest of a password."""
    return f'"{name}"' if re.fullmatch(r"[A-Za-z0-9_.$-]{1,63}", name) else "…"

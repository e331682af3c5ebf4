"""The state that all connections to one port share, and its routes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias, cast, runtime_checkable

from starlette.types import ASGIApp, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.http.asgi import Respond
from gateway.http.errors import Header
from gateway.http.responses import Response
from gateway.server.application import response_of
from gateway.server.drain import Draining
from gateway.server.reader import Request
from gateway.server.wire import lines_of
from gateway.settings.limits import ConnectionLimits

UNIX: Final = "unix"
"""Stands for the client's address on a Unix socket."""
TRANSPORT: Final = "gateway.transport"
"""The extension of the scope that holds the connection's transport."""

Routes: TypeAlias = Mapping[str, Respond]
"""The handlers of GraphQL, by path."""


@runtime_checkable
class Direct(Protocol):
    """An ASGI application with routes that the server calls without ASGI.

    ASGI would take each request and response apart into messages and join them again.
    """

    routes: Routes
    draining: Draining
    operations: ASGIApp | None
    """The application for the separate port of probes and metrics."""


class Connection(Protocol):
    """What a handler may use of the connection that a request came on."""

    transport: asyncio.Transport
    client: str
    app_state: dict[str, Any]

    async def until_lost(self) -> None: ...


class Client(Protocol):
    """A connection that counts towards a port's limit, from the moment it is accepted."""

    @property
    def waits(self) -> bool: ...

    @property
    def eviction_order(self) -> tuple[bool, float]: ...

    def abort(self) -> None: ...


@dataclass(slots=True)
class Port:
    """The state that all connections to one port share."""

    app: ASGIApp
    limits: ConnectionLimits
    routes: Routes = field(default_factory=dict)
    draining: Draining = field(default_factory=Draining)
    tls: ssl.SSLContext | None = None
    proxies: ProxyHeadersMiddleware | None = None
    """Takes the client's address from the headers of trusted proxies."""
    connections: set[Client] = field(default_factory=set)
    _headers: list[Header] = field(default_factory=list)
    _lines: bytes = b""

    def enter(self, client: Client) -> bool:
        """Admit the client; at the limit, the connection that has waited longest is closed.

        False if the limit is reached and no connection waits for its client.
        """
        if len(self.connections) >= self.limits.max_connections:
            waiting = [one for one in self.connections if one.waits]
            if not waiting:
                return False
            leaving = min(waiting, key=lambda one: one.eviction_order)
            # Removed at once, or the next client would evict the same one.
            self.connections.discard(leaving)
            leaving.abort()
        self.connections.add(client)
        return True

    def lines_of(self, headers: list[Header]) -> bytes:
        """The default headers as bytes; uvicorn makes a new list of them every second."""
        if headers is not self._headers:
            self._headers, self._lines = headers, lines_of(tuple(headers))
        return self._lines

    def response_to(self, request: Request, connection: Connection) -> Awaitable[Response]:
        respond = self.routes.get(request.target.path)
        if respond is None:
            scope = self._scope(request, connection)
            return response_of(self.app, scope, request.body, connection.until_lost)
        if self.proxies is not None and b"x-forwarded-for" in request.headers:
            return self._respond_behind(self.proxies, respond, request, connection)
        request.client = connection.client
        return respond(request, request.body)

    async def _respond_behind(
        self,
        proxies: ProxyHeadersMiddleware,
        respond: Respond,
        request: Request,
        connection: Connection,
    ) -> Response:
        scope = self._scope(request, connection)
        # Used for its change of the scope only; its application does nothing.
        await proxies(cast("Any", scope), cast("Any", None), cast("Any", None))
        request.client = scope["client"][0]
        return await respond(request, request.body)

    def _scope(self, request: Request, connection: Connection) -> Scope:
        """The request's ASGI scope."""
        path, raw_path, query = request.target
        client = connection.transport.get_extra_info("peername")
        server = connection.transport.get_extra_info("sockname")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.version,
            "server": server[:2] if isinstance(server, tuple) else (server, None),
            "client": client[:2] if isinstance(client, tuple) else (UNIX, 0),
            "scheme": "http" if self.tls is None else "https",
            "method": request.method,
            "root_path": "",
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": request.lines,
            "state": connection.app_state.copy(),
            "extensions": {TRANSPORT: connection.transport},
        }

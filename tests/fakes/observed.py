"""The gateway over an upstream that is no server, observed all the same."""

from __future__ import annotations

from unittest.mock import patch

from gateway.app import Gateway, create_app
from gateway.settings.model import Settings
from gateway.upstream.call import Call, CallObserver
from gateway.upstream.contract import Upstream
from gateway.upstream.wire import Exchange


class Observed:
    """An upstream whose calls are observed as a real client's are."""

    def __init__(self, upstream: Upstream, observe: CallObserver) -> None:
        self._upstream = upstream
        self._observe = observe
        self.reread_api_key = upstream.reread_api_key
        self.aclose = upstream.aclose

    async def send(self, call: Call) -> Exchange:
        ended, exchange = self._observe(call), None
        try:
            exchange = await self._upstream.send(call)
        finally:
            ended(exchange)
        return exchange


def observed_app(settings: Settings, upstream: Upstream) -> Gateway:
    """The gateway over `upstream`, of whose calls metrics and logs tell."""

    def client(_: Settings, *, observe: CallObserver) -> Upstream:
        return Observed(upstream, observe)

    with patch.multiple("gateway.app", upstream_of=client, list_of=client):
        return create_app(settings)

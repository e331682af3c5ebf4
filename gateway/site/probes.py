"""Probes for operators: `/livez`, `/readyz` and `/metrics`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.server.drain import Draining
from gateway.telemetry.metrics import Metrics


async def _always() -> bool:
    return True


def probes_and_metrics(
    draining: Draining,
    metrics: Metrics | None,
    *,
    can_record: Callable[[], Awaitable[bool]] = _always,
) -> list[Route]:
    """The routes; `can_record` says whether an invite could be recorded now."""

    async def ready(_: Request) -> Response:
        if draining.begun:
            return _status("stopping", 503)
        return _status("ok") if await can_record() else _status("unavailable", 503)

    routes = [Route("/livez", _alive), Route("/readyz", ready)]
    if metrics is not None:
        routes.append(Route("/metrics", _exposition(metrics)))
    return routes


async def _alive(_: Request) -> Response:
    return _status("ok")


def _exposition(metrics: Metrics) -> Callable[[Request], Response]:
    def exposition(_: Request) -> Response:
        # Reading the other workers' files takes a while, so this is not a coroutine and runs in
        # a thread.
        return Response(metrics.exposition(), headers={"content-type": metrics.content_type})

    return exposition


def _status(word: str, status: int = 200) -> Response:
    return JSONResponse({"status": word}, status)

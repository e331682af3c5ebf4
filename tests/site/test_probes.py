"""Those who run the gateway learn whether it lives, and whether it may be sent requests."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.server.drain import Draining
from gateway.site.probes import probes_and_metrics


def test_readiness_needs_a_store_that_can_be_written():
    """A gateway that could not record an invite gets none."""

    async def can_record() -> bool:
        return False

    routes = probes_and_metrics(Draining(), None, can_record=can_record)
    client = TestClient(Starlette(routes=routes))

    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200


def test_readiness_ends_when_stopping_begins():
    """The load balancer is told before anybody is turned away."""
    draining = Draining()
    client = TestClient(Starlette(routes=probes_and_metrics(draining, None)))
    before = client.get("/readyz").status_code
    draining.begun = True

    assert (before, client.get("/readyz").status_code) == (200, 503)

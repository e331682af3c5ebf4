"""Too much at once is turned away before its document is looked at."""

from __future__ import annotations

from gateway.access.overload import OverloadGate
from gateway.http.errors import RequestError
from gateway.http.gates import DECISIONS, Admitted, Decision
from gateway.http.requests import RequestHead
from gateway.invites.admission import Admission
from gateway.server.drain import Draining

HEAD = RequestHead("POST", {})


async def decided(gate: OverloadGate) -> Decision:
    decision = gate(HEAD)
    return decision if isinstance(decision, DECISIONS) else await decision


async def test_place_is_held_for_the_request():
    """A request has its place until it is answered."""
    admission = Admission(1, queue=0, max_wait_seconds=1)

    admitted = await decided(OverloadGate(admission, Draining()))

    assert isinstance(admitted, Admitted)
    assert admission.in_use == 1
    assert admitted.release is not None
    admitted.release()
    assert admission.in_use == 0


async def test_without_a_place_it_is_503():
    """GraphQL's shape, a code that clients know, and when to come back."""
    admission = Admission(1, queue=0, max_wait_seconds=1, retry_after_seconds=2)
    gate = OverloadGate(admission, Draining())
    await decided(gate)

    refusal = await decided(gate)

    assert isinstance(refusal, RequestError)
    assert refusal.status == 503
    assert dict(refusal.headers)[b"retry-after"] == b"2"
    (error,) = refusal.errors
    assert error["extensions"] == {"code": "OVERLOADED", "retryAfterSeconds": 2}


async def test_short_wait_is_better_than_a_refusal():
    """A place that comes free in time is taken."""
    admission = Admission(1, queue=1, max_wait_seconds=0.001)
    gate = OverloadGate(admission, Draining())
    await decided(gate)

    waited_in_vain = await decided(gate)
    admission.leave()

    assert isinstance(waited_in_vain, RequestError)
    assert isinstance(await decided(gate), Admitted)


async def test_request_that_arrives_too_late_is_turned_away():
    """A body that came after the gateway began to stop is not looked at, and holds no place."""
    admission, draining = Admission(1, queue=0, max_wait_seconds=1), Draining()
    draining.closed = True

    refusal = await decided(OverloadGate(admission, draining))

    assert isinstance(refusal, RequestError)
    assert refusal.status == 503
    assert dict(refusal.headers)[b"connection"] == b"close"
    assert admission.in_use == 0

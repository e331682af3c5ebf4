"""What stands between the parts lets pass what it does not know."""

from __future__ import annotations

from contextvars import Context

import pytest

from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.inputs import InviteDraft, InviteEnded
from gateway.invites.models import (
    ANYONE,
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    Origin,
)
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observed import noting_invites, observed
from gateway.telemetry.tracing import Tracing
from gateway.telemetry.trail import TRAIL, Trail
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes.receiver import Receiver
from tests.fakes.records import a_record
from tests.fakes.telemetry import INVITED, gateway, invite, samples

HEAD = RequestHead("POST", {})
DRAFT = InviteDraft("Ada", "ada@example.com", "6578", InviteFormat.GET_LINK)
FAILURE = InviteFailure(
    # No row of the outcome table: a result that nobody has foreseen is counted all the same.
    InviteErrorCode.RATE_LIMITED,
    "",
    InviteOutcome.UNKNOWN,
    retryable=False,
)


@pytest.mark.parametrize("body", [b'{"errors": []}', b'{"errors"', b'{"errors":[{}]}'])
async def test_strange_answers_have_no_code(body):
    """An answer that cannot be read is sent on as it is."""
    trails: list[Trail] = []

    async def respond(_head, _body) -> Response:
        return Response(200, (), body)

    response = await observed(respond, [trails.append])(HEAD, b"")

    assert response.body == body
    assert trails[0].error_code is None


def test_invites_outside_a_request_are_counted():
    """Whoever uses the core without HTTP is seen too."""
    metrics = Metrics()

    noting_invites([metrics.on_invite], in_list=False)(DRAFT, FAILURE, ANYONE)

    assert (
        b'gateway_invites_total{code="RATE_LIMITED",outcome="UNKNOWN",type="RateLimitedError"} 1.0'
        in metrics.exposition()
    )


def _within(trail: Trail, ended: InviteEnded) -> None:
    TRAIL.set(trail)
    ended(DRAFT, FAILURE, Origin("a"))


@pytest.mark.parametrize(("in_list", "outcome"), [(False, "UNKNOWN"), (True, None)])
def test_one_of_a_list_is_not_the_result_of_its_request(in_list, outcome):
    """A request for many has no outcome of its own; each is seen with whose request it was."""
    seen: list[tuple[object, ...]] = []
    trail = Trail("id", 0.0)
    ended = noting_invites([lambda *what: seen.append(what)], in_list=in_list)

    Context().run(_within, trail, ended)

    assert trail.outcome == outcome
    assert seen == [(DRAFT, FAILURE, trail, "a")]


def test_replays_are_counted():
    """An answer from the record of an earlier request is told from an invite."""
    with gateway(INVITED) as client:
        invite(client, idempotencyKey="k-1")
        invite(client, idempotencyKey="k-1")

        assert samples(client)["gateway_invite_replays_total"] == 1


async def test_traces_leave_what_is_no_request(receiver: Receiver):
    """What the reconciler writes, and what nobody observes, has no span."""
    tracing = Tracing(f"{receiver.url}/v1/traces")
    calls = []

    class Store:
        async def insert(self, record: object) -> bool:
            calls.append("insert")
            return True

        async def swap(self, record: object, *, was: object) -> bool:
            calls.append("swap")
            return True

    async def respond(_head, _body) -> Response:
        calls.append("respond")
        return Response(200, ())

    store, record = tracing.store(Store()), a_record()  # type: ignore[arg-type]
    await store.insert(record)
    await store.swap(record, was=record)
    await tracing.respond(respond)(HEAD, b"")
    tracing.close()

    assert calls == ["insert", "swap", "respond"]
    assert receiver.spans == []


def test_no_reply_and_reply_have_results():
    """Calls are told apart by status, or by why there was none."""
    metrics = Metrics()
    for exchange in (Reply(418), NoReply(Fault.PROTOCOL, possibly_sent=True)):
        metrics.on_call(exchange, 0.1, None)

    told = metrics.exposition()
    assert b'gateway_upstream_calls_total{result="418"} 1.0' in told
    assert b'gateway_upstream_calls_total{result="protocol"} 1.0' in told

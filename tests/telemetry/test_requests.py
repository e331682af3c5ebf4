"""Requests leave their marks in logs and metrics, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import re

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.graphql.results import to_graphql
from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.models import InviteErrorCode, InviteFailure, InviteOutcome
from gateway.settings.store_url import IN_MEMORY
from gateway.telemetry.logs import configure_logging
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observed import observed, request_id_of
from gateway.telemetry.trail import Trail, summary_of
from gateway.upstream.call import Call
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.applications import FakeTrack
from tests.fakes.observed import observed_app
from tests.fakes.settings import settings
from tests.fakes.telemetry import INVITED, Answering, gateway, invite, invite_many, lines, samples

ALLOWED = {
    "event", "level", "timestamp", "request_id", "trace_id", "caller", "method", "status",
    "operation", "document", "type", "code", "outcome", "replayed", "upstream_calls",
    "upstream_status", "upstream_fault", "upstream_ms", "upstream_reads", "duration_ms",
}  # fmt: skip
AUDITED = {
    "event", "level", "timestamp", "request_id", "caller", "track_id", "format", "email_hash",
    "key_hash", "type", "code", "outcome", "replayed", "upstream_status",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _logging_as_before():
    """Other tests log as they did."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_request_has_a_line(capsys):
    """Operation, document, result and durations are told; names and addresses are not."""
    invite(gateway(), {"x-request-id": "abc-1"})

    (line,) = lines(capsys, "request")
    assert line["request_id"] == "abc-1"
    assert line["operation"] == "Hire"
    assert line["type"] == "InviteCandidateSuccess"
    assert line["outcome"] == "INVITED"
    assert line["status"] == line["upstream_status"] == 200
    assert re.fullmatch("[0-9a-f]{64}", str(line["document"]))
    assert set(line) <= ALLOWED


def test_failure_is_told_by_its_code(capsys):
    """The line says which failure it was and why there was no reply."""
    invite(gateway(NoReply(Fault.READ, possibly_sent=True)))

    (line,) = lines(capsys, "request")
    assert (line["code"], line["outcome"]) == ("UPSTREAM_FAULT", "UNKNOWN")
    assert line["upstream_fault"] == "read"


def test_refused_request_is_told_by_its_code(capsys):
    """A request that was not run has a line with the code of its top-level error."""
    gateway().post("/graphql", json={"query": "{ nothing"})

    (line,) = lines(capsys, "request")
    assert line["code"] == "GRAPHQL_PARSE_FAILED"
    assert "document" not in line


def test_invite_is_audited(capsys):
    """Track, outcome and hashes are told; the same address has the same hash, however written."""
    with gateway() as client:
        invite(client, idempotencyKey="k-1")
        invite(client, candidateEmail=" ADA@example.com ")
        invite(client, candidateEmail="grace@example.com")

    first, same, other = lines(capsys, "invite")
    assert (first["track_id"], first["outcome"]) == ("6578", "INVITED")
    assert first["email_hash"] == same["email_hash"] != other["email_hash"]
    assert "key_hash" in first
    assert "key_hash" not in same
    assert set(first) <= AUDITED


def test_address_is_hashed_as_it_is_stored(capsys):
    """Of two spellings of one address both audit lines lead to the same record."""
    with gateway() as client:
        invite(client, candidateEmail="ada@bücher.example.com")
        invite(client, candidateEmail="ada@XN--BCHER-KVA.example.com")

    first, same = lines(capsys, "invite")
    assert first["outcome"] == same["outcome"] == "INVITED"
    assert first["email_hash"] == same["email_hash"]


def test_audit_does_not_repeat_what_is_no_track(capsys):
    """A track id that cannot be one could be anything, a name for example."""
    invite(gateway(), trackId="Ada Lovelace")

    (line,) = lines(capsys, "invite")
    assert "track_id" not in line
    assert line["code"] == "INVALID_INPUT"


@pytest.mark.parametrize("level", ["warning", "error"])
def test_requests_are_not_logged_above_info(capsys, level):
    """An operator who wants warnings alone gets no line per request."""
    invite(gateway(log_level=level))

    assert capsys.readouterr().err == ""


def test_text_is_for_people(capsys):
    """The same line without JSON."""
    invite(gateway(log_format="text"))

    told = capsys.readouterr().err
    assert "request" in told
    assert "InviteCandidateSuccess" in told
    assert "{" not in told


def test_request_id_comes_back():
    """The caller finds its own id in the answer, and one of ours if it sent none."""
    client = gateway()

    assert invite(client, {"x-request-id": "mine.1"}).headers["x-request-id"] == "mine.1"
    assert re.fullmatch("[0-9a-f]{16}", invite(client).headers["x-request-id"])


@pytest.mark.parametrize(
    "sent", [b"", b"ada@example.com", b"two words", b"x" * 65, b"-x", b"a\nb", b"\xff"]
)
def test_strange_request_ids_are_replaced(sent):
    """What is no id, an address for example, reaches neither log nor answer."""
    assert re.fullmatch("[0-9a-f]{16}", request_id_of(RequestHead("POST", {b"x-request-id": sent})))


def test_metrics_count_requests_and_results():
    """Requests by status, results by type, code and outcome, calls by status."""
    client = gateway(INVITED, Reply(404, b'{"error": "Track not found"}'))
    invite(client)
    invite(client)
    client.post("/graphql", json={"query": "{ nothing"})

    seen = samples(client)
    assert seen["gateway_requests_total{status=200}"] == 3
    assert seen["gateway_request_duration_seconds_count"] == 3
    assert seen["gateway_request_errors_total{code=GRAPHQL_PARSE_FAILED}"] == 1
    name = "gateway_invites_total"
    assert seen[f"{name}{{code=}}{{outcome=INVITED}}{{type=InviteCandidateSuccess}}"] == 1
    assert (
        seen[f"{name}{{code=TRACK_NOT_FOUND}}{{outcome=NOT_INVITED}}{{type=TrackNotFoundError}}"]
        == 1
    )
    assert seen["gateway_upstream_calls_total{result=200}"] == 1
    assert seen["gateway_upstream_calls_total{result=404}"] == 1
    assert seen["gateway_upstream_duration_seconds_count"] == 2


def test_gauges_show_what_is_under_way():
    """Breaker and records are read while the gateway runs."""
    with gateway() as client:
        invite(client, idempotencyKey="k-1")
        client.portal.call(asyncio.sleep, 0)  # type: ignore[union-attr]
        seen = client.get("/metrics").text

    assert 'gateway_breaker_state{state="closed"} 1.0' in seen
    assert 'gateway_in_flight{what="calls"} 0.0' in seen
    assert 'gateway_records{state="unknown"}' in seen


def test_second_call_for_an_invite_is_a_retry():
    """A call repeated with a new key is told from a new invite's."""
    client = gateway(Reply(401), INVITED, rereads=True)
    invite(client)

    assert samples(client)["gateway_upstream_retries_total"] == 1


def test_calls_of_a_list_are_no_retries():
    """Each candidate's first call is its own."""
    client = gateway(INVITED)
    invite_many(client, "ada@example.com", "grace@example.com")

    assert "gateway_upstream_retries_total" not in samples(client)


def test_replays_of_a_list_are_told(capsys):
    """Log and metrics see each candidate who was answered from its record."""
    with gateway(INVITED) as client:
        for _ in range(2):
            invite_many(client, "ada@example.com", "grace@example.com", key="k")

        replays = samples(client)["gateway_invite_replays_total"]

    told = [line.get("replayed") for line in lines(capsys, "invite")]
    assert told == [None, None, True, True]
    assert replays == 2


def test_calls_without_a_reply_are_counted_by_fault():
    """A dashboard can tell a refused connection from a timeout."""
    client = gateway(NoReply(Fault.CONNECT, possibly_sent=False))
    invite(client)

    assert samples(client)["gateway_upstream_calls_total{result=connect}"] == 1


def test_reads_are_counted_by_themselves(capsys):
    """What is read of applications is told from the calls that invite, and nobody is named."""
    track = FakeTrack(2)
    track.answers += [NoReply(Fault.READ, possibly_sent=True), Reply(500)]
    given = settings(store_url=SecretStr(IN_MEMORY))
    client = TestClient(observed_app(given, track))
    for first in (1, 2):
        query = "query Look($first: Int) { applications(trackId: 6578, first: $first,"
        query += ' filter: {email: "c1@example.com"}) { nodes { name details { trackTitle } } } }'
        client.post("/graphql", json={"query": query, "variables": {"first": first}})

    seen = samples(client)
    assert seen["gateway_upstream_reads_total{result=read}"] == 1
    assert seen["gateway_upstream_reads_total{result=500}"] == 1
    assert seen["gateway_upstream_reads_total{result=200}"] == 3
    assert seen["gateway_request_errors_total{code=UPSTREAM_FAULT}"] == 1
    assert not any("calls" in name or "retries" in name for name in seen)
    failed, found = lines(capsys, "request")
    assert (failed["code"], failed["upstream_reads"]) == ("UPSTREAM_FAULT", 2)
    assert (found["operation"], found["upstream_reads"]) == ("Look", 3)
    assert set(failed) | set(found) <= ALLOWED
    assert "example" not in str(found) + str(failed)


def test_metrics_can_be_switched_off():
    """Then the path is nothing."""
    assert gateway(metrics=False).get("/metrics").status_code == 404


@pytest.mark.parametrize("code", InviteErrorCode, ids=lambda code: code.name)
def test_logged_type_is_the_schema_s(code):
    """The type in logs and metrics is the one that the client got."""
    failure = InviteFailure(code, "", InviteOutcome.UNKNOWN, retryable=False)

    assert summary_of(failure).type == type(to_graphql(failure)).__name__


async def test_failing_observer_changes_nothing():
    """A full disk under the log is no reason to fail an invite."""

    async def respond(_head, _body) -> Response:
        return Response(200, (), b"{}")

    def fail(_: Trail) -> None:
        raise OSError("No space left on device")

    response = await observed(respond, [fail])(RequestHead("POST", {}), b"")

    assert (response.status, response.body) == (200, b"{}")


async def test_request_that_is_cut_off_is_counted():
    """A request without an answer, at the end of the process, counts as 499."""
    metrics = Metrics()

    async def respond(_head, _body) -> Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await observed(respond, [metrics.on_request])(RequestHead("POST", {}), b"")

    assert b'gateway_requests_total{status="499"} 1.0' in metrics.exposition()


def test_log_of_a_bug_names_the_request(capsys):
    """A masked error's line leads to the request, and quotes no message."""
    upstream = Answering(INVITED)

    async def fail(_: Call) -> Exchange:
        raise ValueError("ada@example.com")

    upstream.send = fail  # type: ignore[assignment,method-assign]
    client = TestClient(observed_app(settings(), upstream))
    configure_logging(as_json=True)
    answer = invite(client, {"x-request-id": "r-1"})

    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    audit, bug, line = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert bug["request_id"] == line["request_id"] == audit["request_id"] == "r-1"
    assert line["code"] == "INTERNAL_SERVER_ERROR"
    assert "ada" not in str(bug)
    # The call may have reached the platform before the bug did its work.
    assert (audit["event"], audit["outcome"]) == ("invite", "UNKNOWN")

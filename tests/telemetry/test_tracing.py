"""Traces arrive at a real OTLP receiver, whole and without anything personal."""

from __future__ import annotations

import json
import threading

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.checks import checked_settings
from gateway.settings.loading import SettingsError
from gateway.settings.store_url import IN_MEMORY
from gateway.telemetry.watch import Watch
from tests.fakes.receiver import Receiver
from tests.fakes.settings import settings

CANARY = "zzyzx"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
CALLER = {
    "traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01",
    "tracestate": "vendor=1",
    "baggage": f"name={CANARY}",
    "authorization": f"Bearer {CANARY}",
    "x-request-id": "r-1",
}
DOCUMENT = """mutation Hire($input: InviteCandidateInput!) { inviteCandidate(input: $input) {
  __typename ... on InviteError { code outcome } } }"""


@pytest.fixture(params=["direct", "httpx2"])
def client(request) -> str:
    return str(request.param)


def ask(receiver: Receiver, body: object, *, headers: dict[str, str], **given: object):
    """One answer of a gateway that has come to its end, so that all spans have been sent."""
    options = {
        "upstream_url": receiver.url,
        "traces_url": f"{receiver.url}/v1/traces",
        "store_url": SecretStr(IN_MEMORY),
        **given,
    }
    with TestClient(create_app(settings(**options))) as gateway:
        return gateway.post("/graphql", json=body, headers=headers)


def mutation() -> dict[str, object]:
    given = {
        "candidateName": f"Canaria {CANARY}",
        "candidateEmail": f"{CANARY}@example.com",
        "trackId": 6578,
        "idempotencyKey": f"key-{CANARY}",
    }
    return {"query": DOCUMENT, "variables": {"input": given}}


def attributes(span: Span) -> dict[str, object]:
    return {
        one.key: one.value.string_value or one.value.int_value or one.value.bool_value
        for one in span.attributes
    }


def test_trace_goes_through(receiver, client):
    """The caller's trace continues through every part and out to the upstream."""
    answer = ask(receiver, mutation(), headers=CALLER, upstream_client=client)

    assert answer.json()["data"]["inviteCandidate"]["__typename"] == "InviteCandidateSuccess"
    request = receiver.named("POST /graphql")
    assert request.parent_span_id.hex() == PARENT_ID
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE_ID}
    for name in ("parse and validate", "claim", "settle", "POST /tracks/invite"):
        assert receiver.named(name).parent_span_id == request.span_id
    call = receiver.named("POST /tracks/invite")
    (sent,) = receiver.invited
    assert sent["traceparent"] == f"00-{TRACE_ID}-{call.span_id.hex()}-01"
    assert "baggage" not in sent


def test_spans_come_in_their_order(receiver, client):
    """Each part begins after the one before it has ended, within the request."""
    ask(receiver, mutation(), headers=CALLER, upstream_client=client)

    names = ("parse and validate", "claim", "POST /tracks/invite", "settle")
    parts = [receiver.named(name) for name in names]
    times = [
        time for part in parts for time in (part.start_time_unix_nano, part.end_time_unix_nano)
    ]
    request = receiver.named("POST /graphql")
    times = [request.start_time_unix_nano, *times, request.end_time_unix_nano]
    assert times == sorted(times)


def test_spans_tell_nothing_personal(receiver, client):
    """Results and statuses are told; candidate, key, token, document and baggage are not."""
    receiver.status = 404
    ask(receiver, mutation(), headers=CALLER, upstream_client=client)

    assert CANARY.encode() not in receiver.exported
    assert b"inviteCandidate(" not in receiver.exported
    assert attributes(receiver.named("POST /graphql")) == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "graphql.operation.name": "Hire",
        "gateway.request_id": "r-1",
        "gateway.result.type": "TrackNotFoundError",
        "gateway.code": "TRACK_NOT_FOUND",
        "gateway.outcome": "NOT_INVITED",
    }
    assert attributes(receiver.named("POST /tracks/invite")) == {
        "http.request.method": "POST",
        "http.response.status_code": 404,
    }


def test_looks_at_the_list_are_traced(receiver, client):
    """A doubt that is taken to the upstream's list shows, without the address in the query."""
    receiver.status = 500
    ask(receiver, mutation(), headers=CALLER, upstream_client=client)

    looks = [span for span in receiver.spans if span.name.startswith("GET ")]
    assert [span.name for span in looks] == ["GET /tracks/{track_id}/applicants"] * len(
        receiver.listed
    )
    assert receiver.listed
    assert CANARY.encode() not in receiver.exported


@pytest.mark.parametrize(
    ("name", "query"),
    [
        (
            "GET /tracks/{track_id}/applicants",
            f'{{applications(trackId:6578,filter:{{email:"{CANARY}@",name:"{CANARY}"}}){{totalCount}}}}',
        ),
        (
            "GET /tracks/{track_id}/applicants/{application_id}",
            "{application(trackId:6578,applicationId:91){name}}",
        ),
    ],
    ids=["list", "one"],
)
def test_reads_are_traced(receiver, client, name, query):
    """Each read has its span, which carries the trace on, and tells of nobody."""
    ask(receiver, {"query": query}, headers=CALLER, upstream_client=client)

    span = receiver.named(name)
    assert span.parent_span_id == receiver.named("POST /graphql").span_id
    assert attributes(span) == {"http.request.method": "GET", "http.response.status_code": 404}
    (headers,) = receiver.listed
    assert headers["traceparent"].split("-")[1:3] == [TRACE_ID, span.span_id.hex()]
    assert CANARY.encode() not in receiver.exported


def test_refused_document_has_its_span(receiver):
    """A request that was not run is told by its code."""
    ask(receiver, {"query": f"{{ nothing {CANARY}"}, headers=CALLER)

    assert attributes(receiver.named("parse and validate")) == {
        "error.type": "GRAPHQL_PARSE_FAILED"
    }
    assert attributes(receiver.named("POST /graphql"))["gateway.code"] == "GRAPHQL_PARSE_FAILED"
    assert CANARY.encode() not in receiver.exported


def test_call_without_a_reply_is_told_by_its_fault(receiver):
    """The span of a refused connection has the fault and an error status."""
    ask(receiver, mutation(), headers=CALLER, upstream_url="http://127.0.0.1:1", retry_attempts=1)

    call = receiver.named("POST /tracks/invite")
    assert attributes(call)["error.type"] == "connect"
    assert call.status.code == 2


def test_line_leads_to_the_trace(receiver, capsys):
    """The log has the trace's id."""
    ask(receiver, mutation(), headers=CALLER)

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line[0] == "{"]
    (line,) = (line for line in lines if line["event"] == "request")
    assert line["trace_id"] == TRACE_ID


def test_caller_decides_on_sampling(receiver):
    """A trace that the caller does not keep is not kept here."""
    unsampled = CALLER | {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-00"}
    ask(receiver, mutation(), headers=unsampled)

    assert receiver.spans == []
    assert receiver.invited[0]["traceparent"].endswith("-00")


def test_share_of_traces_is_kept(receiver):
    """Where the caller has not decided, the ratio does."""
    ask(receiver, mutation(), headers={}, traces_sample_ratio=0)

    assert receiver.spans == []


def test_receiver_that_is_gone_stops_nothing(receiver):
    """Traces are lost without a receiver; invites are not."""
    url = f"{receiver.url}/nothing/traces"
    answer = ask(receiver, mutation(), headers=CALLER, traces_url=url)

    assert answer.json()["data"]["inviteCandidate"]["__typename"] == "InviteCandidateSuccess"


@pytest.mark.parametrize("url", ["collector:4318", "http://x/?token=1", "http://me:pw@x/v1/traces"])
def test_strange_receivers_are_refused(url, monkeypatch, tmp_path):
    """What is no plain URL is said at start."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match="GATEWAY_TRACES_URL"):
        checked_settings(auth="none", upstream_api_key="k", traces_url=url)
    with pytest.raises(SettingsError) as told:
        checked_settings(auth="none", upstream_api_key="k", traces_url=url)
    assert "pw" not in str(told.value)


def test_extra_that_is_missing_is_named(monkeypatch, tmp_path):
    """Without OpenTelemetry the fault says how to get it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gateway.checks.find_spec", lambda _: None)

    with pytest.raises(SettingsError, match=r"track-invite-gateway\[otel\]"):
        checked_settings(auth="none", upstream_api_key="k", traces_url="http://x/v1/traces")


def test_without_traces_the_upstream_gets_no_context(receiver):
    """Off means off: nothing is passed on either."""
    ask(receiver, mutation(), headers=CALLER, traces_url=None)

    assert "traceparent" not in receiver.invited[0]
    assert receiver.spans == []


def test_long_operation_names_are_cut(receiver):
    """A name may be as long as a document; what is told of it is not."""
    body = mutation()
    body["query"] = DOCUMENT.replace("Hire", "H" * 500)

    ask(receiver, body, headers={})

    assert attributes(receiver.named("POST /graphql"))["graphql.operation.name"] == "H" * 100


async def test_receiver_that_does_not_answer_holds_up_no_end(monkeypatch):
    """Spans are worth some seconds at the end of a process, and no more."""
    monkeypatch.setattr("gateway.telemetry.watch._LAST_SPANS_SECONDS", 0.01)
    answered = threading.Event()

    class Unheard:
        def close(self) -> None:
            answered.wait()

    await Watch(tracing=Unheard()).aclose()  # type: ignore[arg-type]

    assert not answered.is_set()
    answered.set()

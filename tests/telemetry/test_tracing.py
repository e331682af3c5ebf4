"""Traces arrive at a real OTLP receiver, whole and without anything personal."""

from __future__ import annotations

import json
import threading
from urllib.parse import urlencode, urlsplit

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import graphql_attributes
from opentelemetry.semconv.attributes import (
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.app import Gateway, create_app
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
    with TestClient(traced(receiver, **given)) as gateway:
        return gateway.post("/graphql", json=body, headers=headers)


def traced(receiver: Receiver, **given: object) -> Gateway:
    """A gateway whose traces go to the receiver."""
    options = {
        "upstream_url": receiver.url,
        "traces_url": f"{receiver.url}/v1/traces",
        "store_url": SecretStr(IN_MEMORY),
        **given,
    }
    return create_app(settings(**options))


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
        "url.path": "/graphql",
        "url.scheme": "http",
        "server.address": "testserver",
        "server.port": 80,
        "graphql.operation.name": "Hire",
        "graphql.operation.type": "mutation",
        "gateway.request_id": "r-1",
        "gateway.result.type": "TrackNotFoundError",
        "gateway.code": "TRACK_NOT_FOUND",
        "gateway.outcome": "NOT_INVITED",
    }
    call = receiver.named("POST /tracks/invite")
    assert attributes(call) == {
        "http.request.method": "POST",
        "http.response.status_code": 404,
        "error.type": "404",
        "url.full": f"{receiver.url}/tracks/invite",
        "server.address": "127.0.0.1",
        "server.port": urlsplit(receiver.url).port,
    }
    assert call.status.code == Status.STATUS_CODE_ERROR


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
    ("name", "path", "query"),
    [
        (
            "GET /tracks/{track_id}/applicants",
            "/tracks/6578/applicants",
            f'{{applications(trackId:6578,filter:{{email:"{CANARY}@",name:"{CANARY}"}}){{totalCount}}}}',
        ),
        (
            "GET /tracks/{track_id}/applicants/{application_id}",
            "/tracks/6578/applicants/91",
            "{application(trackId:6578,applicationId:91){name}}",
        ),
        ("GET /tracks/{track_id}/stats", "/tracks/6578/stats", "{track(trackId:6578){title}}"),
    ],
    ids=["list", "one", "track"],
)
def test_reads_are_traced(receiver, client, name, path, query):
    """Each read has its span, which carries the trace on, and tells of nobody."""
    ask(receiver, {"query": query}, headers=CALLER, upstream_client=client)

    span = receiver.named(name)
    assert span.parent_span_id == receiver.named("POST /graphql").span_id
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "error.type": "404",
        "url.full": receiver.url + path,
        "server.address": "127.0.0.1",
        "server.port": urlsplit(receiver.url).port,
    }
    (headers,) = receiver.listed
    assert headers["traceparent"].split("-")[1:3] == [TRACE_ID, span.span_id.hex()]
    assert CANARY.encode() not in receiver.exported


# The attributes of the conventions' tables, by when they are required, as of version 1.44.
HTTP_SERVER = {
    "always": {"http.request.method", "url.path", "url.scheme"},
    "if known": {
        "error.type",
        "http.request.method_original",
        "http.response.status_code",
        "http.route",
        "network.protocol.name",
        "server.port",
        "url.query",
        "client.address",
        "network.peer.address",
        "network.peer.port",
        "network.protocol.version",
        "server.address",
        "user_agent.original",
    },
}
HTTP_CLIENT = {
    "always": {"http.request.method", "server.address", "server.port", "url.full"},
    "if known": {
        "error.type",
        "http.request.method_original",
        "http.response.status_code",
        "network.protocol.name",
        "http.request.resend_count",
        "network.peer.address",
        "network.peer.port",
        "network.protocol.version",
    },
}
GRAPHQL_SERVER = {"graphql.operation.name", "graphql.operation.type", "graphql.document"}


def test_spans_keep_to_the_conventions(receiver):
    """Each required attribute is there, and each other one of theirs or of our own namespace."""
    ask(receiver, mutation(), headers=CALLER)
    served, called = receiver.named("POST /graphql"), receiver.named("POST /tracks/invite")

    assert (served.kind, called.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    for span, table, more in (
        (served, HTTP_SERVER, GRAPHQL_SERVER),
        (called, HTTP_CLIENT, set()),
    ):
        names = {name for name in attributes(span) if not name.startswith("gateway.")}
        assert table["always"] <= names <= table["always"] | table["if known"] | more


def test_names_are_those_of_the_registry(receiver):
    """The conventions of GraphQL are in development: the library knows when a name has changed."""
    ask(receiver, mutation(), headers=CALLER)
    known = {
        value
        for module in (
            error_attributes,
            graphql_attributes,
            http_attributes,
            server_attributes,
            url_attributes,
        )
        for value in vars(module).values()
        if isinstance(value, str)
    }

    told = {name for span in receiver.spans for name in attributes(span)}
    assert {name for name in told if not name.startswith("gateway.")} <= known
    assert graphql_attributes.GraphqlOperationTypeValues("mutation")


@pytest.mark.parametrize(
    ("method", "name", "told", "original"),
    [
        ("GET", "GET /graphql", "GET", None),
        ("HEAD", "HEAD /graphql", "HEAD", None),
        ("QUERY", "QUERY /graphql", "QUERY", None),
        ("BREW", "HTTP /graphql", "_OTHER", "BREW"),
        ("B" * 200, "HTTP /graphql", "_OTHER", "B" * 32),
    ],
    ids=["get", "head", "query", "unknown", "long"],
)
def test_every_method_is_told_as_it_is(receiver, method, name, told, original):
    """Those that few know have one name, and what was sent beside it."""
    with TestClient(traced(receiver)) as gateway:
        gateway.request(method, "/graphql?" + urlencode({"query": "{gateway{version}}"}))

    found = attributes(receiver.named(name))
    assert found["http.request.method"] == told
    assert found.get("http.request.method_original") == original
    if method == "GET":
        assert found["graphql.operation.type"] == "query"
        assert "graphql.operation.name" not in found


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("invites.example.com", "invites.example.com", 80),
        ("invites.example.com:8443", "invites.example.com", 8443),
        ("[::1]:8000", "::1", 8000),
        (f"{CANARY}@x", None, None),
        ("a b", None, None),
        ("a:99999999", None, None),
    ],
)
def test_server_is_named_as_the_caller_names_it(receiver, host, address, port):
    """If that can be the name of one."""
    ask(receiver, {"query": "{__typename}"}, headers={"host": host})

    found = attributes(receiver.named("POST /graphql"))
    assert (found.get("server.address"), found.get("server.port")) == (address, port)
    assert CANARY.encode() not in receiver.exported


def test_failed_request_has_its_status_as_the_error(receiver):
    """A 503 is an error of the server's; what a caller did wrong is none."""
    app = traced(receiver)
    with TestClient(app) as gateway:
        app.draining.closed = True
        gateway.post("/graphql", json={"query": "{__typename}"})

    span = receiver.named("POST /graphql")
    assert attributes(span)["error.type"] == "503"
    assert span.status.code == Status.STATUS_CODE_ERROR


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

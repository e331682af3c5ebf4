"""Whatever is sent, the answer is a well-formed GraphQL response, and never a 5xx.

The application of `serve` itself answers, with an upstream that accepts every invite.
"""

from __future__ import annotations

import asyncio
import json
import string
from typing import Any
from urllib.parse import quote

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, mutations, queries

from gateway.app import create_app
from gateway.applications.inputs import cursor_at
from gateway.graphql.schema import printed_schema
from gateway.http.errors import ErrorCode
from gateway.http.media_types import MediaType
from gateway.invites.models import InviteErrorCode
from gateway.upstream.call import Call
from gateway.upstream.wire import Exchange, Reply
from tests.fakes.applications import answered, details, entry, listed
from tests.fakes.calls import asked
from tests.fakes.invites import MemoryStore
from tests.fakes.settings import settings as coded

SCHEMA = printed_schema()
# A read that fails is told in the words of the invites.
CODES = {code.value for code in (*ErrorCode, *InviteErrorCode)} - {
    ErrorCode.INTERNAL_SERVER_ERROR.value
}
ordinary = settings(max_examples=150, deadline=None)


class AcceptingUpstream:
    """Accepts every invite, with nothing but an application's id, and has it on every track."""

    def __init__(self) -> None:
        self.invites = 0

    async def send(self, call: Call) -> Exchange:
        if call.body is not None:
            self.invites += 1
            return Reply(200, b'{"application_id": 1}')
        track_id, application_id, _ = asked(call)
        if application_id is None:
            return answered(listed(entry(1), total=1))
        return answered(details(application_id, track_id=track_id))

    def reread_api_key(self) -> bool:
        return False

    async def aclose(self) -> None: ...


UPSTREAM = AcceptingUpstream()
APP = create_app(coded(), upstream=UPSTREAM, applicants=UPSTREAM, store=MemoryStore())


def answer(
    body: bytes = b"",
    *,
    method: str = "POST",
    query_string: bytes = b"",
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),),
) -> tuple[int, Any, int]:
    """Status, content (None if there is none) and the number of invites sent."""
    before = UPSTREAM.invites
    scope = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "query_string": query_string,
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(_run(APP, scope, receive, send))
    status, content = sent[0]["status"], sent[1]["body"]
    check(status, dict(sent[0]["headers"]), content, method=method)
    return status, json.loads(content) if content else None, UPSTREAM.invites - before


async def _run(app: Any, scope: Any, receive: Any, send: Any) -> None:
    async with asyncio.timeout(10):
        await app(scope, receive, send)


def check(status: int, headers: dict[bytes, bytes], content: bytes, *, method: str) -> None:
    """Raise AssertionError unless this is a well-formed GraphQL response and no 5xx."""
    assert status < 500
    assert all(b"\n" not in value and b"\r" not in value for value in headers.values())
    if method == "OPTIONS":
        assert (status, content) == (204, b"")
        return
    media_type = headers[b"content-type"].decode().partition(";")[0]
    assert media_type in {known.value for known in MediaType}
    response = json.loads(content)
    assert set(response) <= {"data", "errors"}
    assert response.get("errors", [1]), "an empty list of errors"
    for error in response.get("errors", []):
        assert isinstance(error["message"], str)
        assert error["message"]
        assert error["extensions"]["code"] in CODES
    if "data" in response:
        assert status == 200
    elif media_type == MediaType.GRAPHQL_RESPONSE.value:
        assert 400 <= status < 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
likely_documents = st.one_of(
    st.sampled_from(["{__typename}", "query A{gateway{version}}", "mutation{__typename}", "{", ""]),
    st.text(alphabet="{}()[]$!@:=|&.,#\"' \n" + string.ascii_letters + string.digits, max_size=60),
    st.text(max_size=40),
)
parameters = st.fixed_dictionaries(
    {},
    optional={
        "query": likely_documents | json_values,
        "variables": json_values,
        "operationName": st.sampled_from(["A", "", None]) | json_values,
        "extensions": json_values
        | st.fixed_dictionaries(
            {
                "persistedQuery": st.fixed_dictionaries(
                    {"version": st.just(1), "sha256Hash": st.text()}
                )
            }
        ),
        "documentId": json_values,
    },
)
token = st.text(alphabet=string.printable.strip() + " ", max_size=30)
header_names = st.sampled_from(
    ["accept", "content-type", "content-encoding", "content-length", "origin", "idempotency-key",
     "access-control-request-method", "request-timeout", "authorization", "x-request-id"]
)  # fmt: skip
header_values = (
    st.sampled_from(
        ["application/json", "*/*", "null", "gzip", "identity", "-1", "5", "text/plain"]
    )
    | token
    | st.binary(max_size=20).map(lambda value: value.decode("latin-1"))
)
headers = st.lists(st.tuples(header_names, header_values), max_size=5).map(
    lambda pairs: tuple((name.encode(), value.encode("latin-1")) for name, value in pairs)
)


@ordinary
@given(mutations(SCHEMA, fields=["inviteCandidate"]))
def test_any_valid_mutation(document):
    """A document that fits the schema is run, or refused by a limit; it invites at most once."""
    _, _, invites = answer(json.dumps({"query": document}).encode())

    assert invites <= 1


@ordinary
@given(queries(SCHEMA))
def test_any_valid_query(document):
    """So with queries, by GET unless they name a candidate."""
    status, content, _ = answer(method="GET", query_string=b"query=" + quote(document).encode())
    if status == 405:
        _, content, _ = answer(json.dumps({"query": document}).encode())

    assert "data" in content or {e["extensions"]["code"] for e in content["errors"]} == {
        "GRAPHQL_VALIDATION_FAILED"
    }


@ordinary
@given(mutations(SCHEMA, mode=Mode.NEGATIVE))
def test_any_invalid_mutation(document):
    """A document that does not fit is refused with errors of its own, and told no values."""
    answer(json.dumps({"query": document}).encode())


@ordinary
@given(json_values)
@example(2**70)
@example({"candidateName": "\x00", "candidateEmail": "a@b", "trackId": "1" * 5_000})
def test_any_variable(value):
    """Whatever stands for the input, it is an issue or a request error, never a bug."""
    document = "mutation($i:InviteCandidateInput!){inviteCandidate(input:$i){__typename}}"

    _, content, invites = answer(
        json.dumps({"query": document, "variables": {"i": value}}).encode()
    )

    assert invites == 0 or content["data"]["inviteCandidate"]


@ordinary
@given(
    st.fixed_dictionaries(
        {
            "candidateName": st.text(max_size=30),
            "candidateEmail": st.emails() | st.text(max_size=30),
            "trackId": st.integers() | st.text(max_size=20),
        },
        optional={
            "inviteFormat": st.sampled_from(["GET_LINK", "SEND_LINK"]),
            "idempotencyKey": st.none() | st.text(max_size=20),
        },
    )
)
def test_any_input(value):
    """An input of the right types always gets a member of the union."""
    document = "mutation($i:InviteCandidateInput!){inviteCandidate(input:$i){__typename}}"

    status, content, _ = answer(json.dumps({"query": document, "variables": {"i": value}}).encode())

    assert status == 200
    assert content["data"]["inviteCandidate"]["__typename"]


READ = """
query ($track: ID!, $first: Int, $after: String, $filter: ApplicationFilter, $one: ID!) {
  applications(trackId: $track, first: $first, after: $after, filter: $filter) {
    edges { cursor node { name details { trackTitle parsedResume } currentStage { color } } }
  }
  application(trackId: $track, applicationId: $one) { email }
}
"""
ids = st.integers(-1, 9) | st.integers() | st.text(max_size=9)
texts = st.none() | st.text(max_size=9) | st.dates().map(str)


@ordinary
@given(
    st.fixed_dictionaries(
        {"track": ids, "one": ids},
        optional={
            "first": st.none() | st.integers(-1, 202),
            "after": st.none() | st.text(max_size=9) | st.integers(0, 99).map(cursor_at),
            "filter": st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "name": texts,
                    "email": texts,
                    "candidateId": texts,
                    "applicationId": st.none() | ids,
                    "stageId": texts,
                    "fromDate": texts,
                    "toDate": texts,
                },
            ),
        },
    )
)
def test_any_read(variables):
    """Arguments of the right types are answered, or all that is wrong with them is told."""
    body = json.dumps({"query": READ, "variables": variables}).encode()

    _, content, invites = answer(body)

    codes = {error["extensions"]["code"] for error in content.get("errors", [])}
    assert codes <= {"INVALID_INPUT"}
    assert content["data"] or codes
    assert invites == 0


@ordinary
@given(parameters)
def test_any_parameters(value):
    """A JSON object of any content is answered or refused."""
    answer(json.dumps(value).encode())


@ordinary
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body(body):
    """So is any body at all."""
    answer(body)


@ordinary
@given(parameters, headers, st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS"]))
def test_any_headers(value, given_headers, method):
    """Headers change how an answer is worded, and break nothing."""
    answer(json.dumps(value).encode(), method=method, headers=given_headers)


@ordinary
@given(st.binary(max_size=100) | st.text(max_size=50).map(lambda text: f"query={text}".encode()))
def test_any_query_string(query_string):
    """A query string of any bytes is read or refused."""
    answer(method="GET", query_string=query_string)


@ordinary
@given(likely_documents)
def test_documents_do_not_leak_the_schema(document):
    """With introspection off, no error suggests a name of the schema."""
    _, content, _ = answer(json.dumps({"query": document}).encode())

    assert "Did you mean" not in json.dumps(content)

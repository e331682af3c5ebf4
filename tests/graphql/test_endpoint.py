"""GraphQL over HTTP, request by request."""

from __future__ import annotations

import json

import pytest

from gateway.http.asgi import AsgiApp
from gateway.http.errors import ErrorCode, request_error
from gateway.http.gates import Admitted
from gateway.settings.limits import Limits
from tests.fakes.endpoint import ADA, GRAPHQL, INVITE


async def test_mutation_is_run(caller):
    """A POST with a document and variables runs the mutation and answers with its data."""
    answer = await caller.post(INVITE, variables={"input": ADA})

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json == {"data": {"inviteCandidate": {"name": "Ada Lovelace", "trackId": "6578"}}}
    assert len(caller.invited) == 1


async def send_track(caller, number: str):
    body = json.dumps({"query": INVITE, "variables": {"input": {**ADA, "trackId": 0}}})
    return await caller.send(body.replace('"trackId": 0', f'"trackId": {number}').encode())


@pytest.mark.parametrize(
    ("number", "track_id"),
    [
        ("6578.0", "6578"),
        ("6.578e3", "6578"),
        ("6578E0", "6578"),
        ("657800e-2", "6578"),
        ("-0.0", "0"),
        ("9007199254740991.0", "9007199254740991"),
    ],
)
async def test_whole_number_with_a_point_is_an_integer(caller, number, track_id):
    """Some clients know one kind of number and write every one with a point."""
    answer = await send_track(caller, number)

    assert answer.json["data"]["inviteCandidate"]["trackId"] == track_id


@pytest.mark.parametrize(
    "number",
    [
        "6.5",
        "9007199254740992.0",
        "9007199254740993.0",
        "-9007199254740993.0",
        "4503599627370496.5",
        "6578.00000000000000000001",
        "1e18",
        "1e300",
    ],
)
async def test_number_that_may_be_another_is_no_id(caller, number):
    """From 2^53 on, and with a fraction, it might be read as another track's."""
    answer = await send_track(caller, number)

    assert answer.codes == ["BAD_USER_INPUT"]
    assert "at .trackId: ID cannot represent" in answer.message
    assert caller.invited == []


async def send_numbers(caller, numbers: str):
    query = "query($a:[Int!]){many(of:$a){version}}"
    return await caller.send(f'{{"query":"{query}","variables":{{"a":[{numbers}]}}}}'.encode())


@pytest.mark.parametrize("number", ["25.0", "2.5e1"])
async def test_whole_number_with_a_point_is_an_int(caller, number):
    """At every level of the variables."""
    answer = await send_numbers(caller, f"1,{number}")

    assert answer.json == {"data": {"many": [{"version": "1"}, {"version": "25"}]}}


@pytest.mark.parametrize("number", ["25.5", "1e17", "9007199254740993.0", "2147483648.0"])
async def test_other_numbers_are_no_int(caller, number):
    """What is said of them is true of each."""
    answer = await send_numbers(caller, number)

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.message.endswith("Int cannot represent non 32-bit signed integer value.")


async def test_depth_of_variables_is_for_the_setting_to_say(calling):
    """What is within the largest limit that can be set is looked through."""
    caller = calling(limits=Limits(max_json_depth=500))
    nested = b'{"query":"{__typename}","variables":{"a":' + b"[" * 498 + b"1.5" + b"]" * 498 + b"}}"

    answer = await caller.send(nested)

    assert answer.json == {"data": {"__typename": "Query"}}


async def test_query_is_read_from_the_query_string(caller):
    """GET runs queries."""
    answer = await caller.get("query=%7Bgateway%7Bversion%7D%7D")

    assert answer.json == {"data": {"gateway": {"version": "1"}}}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_mutation_needs_post(caller, method):
    """A mutation is not run where a link or a preview could run it."""
    answer = await caller.get("query=mutation%7B__typename%7D", method=method)

    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert answer.codes == ["BAD_REQUEST"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW"])
async def test_other_methods_are_refused(caller, method):
    """405 names the methods that are taken."""
    answer = await caller.send(b"{}", method=method)

    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("APPLICATION/JSON; Charset=UTF-8", 200),
        ('application/json;charset="utf-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/jsonp", 415),
        ("application/graphql", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json, application/json", 200),
        ("application/json, text/plain", 415),
        ("", 415),
    ],
)
async def test_body_must_be_json(caller, content_type, status):
    """Types that a page of another origin can send without asking are not read."""
    answer = await caller.post("{__typename}", headers={"content-type": content_type})

    assert answer.status == status


async def test_missing_content_type_is_refused(caller):
    """A POST that does not say what it brings is not guessed at."""
    answer = await caller.send(b"{}", headers={"content-type": ""})

    assert answer.status == 415


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("content-encoding", "gzip", 415),
        ("content-encoding", "gzip, identity", 415),
        ("content-encoding", "Identity", 200),
        ("content-encoding", "", 200),
        ("content-encoding", " , identity", 200),
        ("transfer-encoding", "gzip, chunked", 415),
        ("transfer-encoding", "Chunked", 200),
    ],
)
async def test_compressed_body_is_refused(caller, header, value, status):
    """A few bytes that unpack to many are not unpacked."""
    answer = await caller.post("{__typename}", headers={header: value})

    assert answer.status == status


async def test_unacceptable_answer_is_406(caller):
    """A caller that takes neither media type gets told which there are."""
    answer = await caller.post("{__typename}", headers={"accept": "text/html"})

    assert answer.status == 406
    assert answer.codes == ["BAD_REQUEST"]


@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), (GRAPHQL, 400)])
@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{nothing}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": INVITE, "variables": {"input": None}}, "BAD_USER_INPUT"),
        ({"query": "query A{__typename} query B{__typename}"}, "BAD_REQUEST"),
        ({"query": "{__typename}", "operationName": "A"}, "BAD_REQUEST"),
    ],
    ids=["syntax", "unknown-field", "variables", "no-operation-named", "unknown-operation"],
)
async def test_request_errors_of_well_formed_requests(caller, parameters, code, accept, status):
    """They are 200 in application/json and 400 in the newer type, and carry no data."""
    answer = await caller.post(headers={"accept": accept}, **parameters)

    assert answer.status == status
    assert answer.codes == [code]
    assert "data" not in answer.json


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_unreadable_request_is_400(caller, accept):
    """What cannot be read is 400 in either media type."""
    answer = await caller.send(b"{", headers={"accept": accept})

    assert answer.status == 400
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


async def test_body_is_counted_while_it_comes(calling):
    """A body without a length is cut off at the limit."""
    caller = calling(limits=Limits(max_body_bytes=10))

    answer = await caller.send(b'{"query"', b':"{__typename}"}', gone=True)

    assert answer.status == 413


async def test_announced_length_is_enough_to_refuse(caller):
    """A body that says it is too long is not waited for."""
    answer = await caller.send(headers={"content-length": "131073"})

    assert answer.status == 413


async def test_caller_who_hangs_up_gets_no_answer(caller):
    """A request whose body never ends is dropped in silence."""
    answer = await caller.send(b'{"query"', gone=True)

    assert answer.status == 0
    assert caller.invited == []


async def test_bug_is_masked(caller, caplog):
    """The caller gets an id; the log has it with the exception's type, and not its message."""
    answer = await caller.post("{broken}")

    error = answer.json["errors"][0]
    assert answer.status == 200
    assert answer.json["data"] == {"broken": None}
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["path"] == ["broken"]
    assert error["extensions"]["errorId"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "ada@example.com" not in caplog.text + answer.body.decode()


async def test_bug_of_the_endpoint_is_masked(calling, caplog):
    """An exception that nobody foresaw is a 500 of GraphQL's shape."""

    def fail(_head):
        raise LookupError("secret")

    caller = calling(make_context=fail)

    answer = await caller.post("{__typename}")

    assert answer.status == 500
    assert answer.codes == ["INTERNAL_SERVER_ERROR"]
    assert answer.json["errors"][0]["extensions"]["errorId"] in caplog.text
    assert "secret" not in caplog.text + answer.body.decode()


async def test_caller_is_passed_from_gate_to_context(calling):
    """What a gate finds out about the caller reaches the resolvers' context."""
    seen = []

    async def gate(head):
        return Admitted(caller=head.header(b"authorization"))

    caller = calling(gates=[gate], make_context=lambda head: seen.append(head.caller))

    await caller.post("{__typename}", headers={"authorization": "Bearer x"})

    assert seen == ["Bearer x"]


async def test_gate_refuses_before_the_document_is_read(calling):
    """A refusal keeps its status and headers, however wrong the request is."""

    async def gate(_head):
        return request_error(
            "Who are you?",
            ErrorCode.UNAUTHENTICATED,
            status=401,
            headers=((b"www-authenticate", b"Bearer"),),
        )

    answer = await calling(gates=[gate]).send(b"{")

    assert answer.status == 401
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("body", [b'{"query":"{__typename}"}', b"{"], ids=["answered", "refused"])
async def test_what_a_gate_holds_is_released(calling, body):
    """A place taken for a request is given back, once, however the request ends."""
    released = []

    async def gate(_head):
        return Admitted(release=lambda: released.append(1))

    async def refusing(_head):
        return request_error("Full.", ErrorCode.OVERLOADED, status=503)

    await calling(gates=[gate]).send(body)
    await calling(gates=[gate, refusing]).send(body)

    assert released == [1, 1]


async def test_websocket_is_refused(caller):
    """There is no subscription, so no upgrade either."""
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    await AsgiApp(caller.endpoint.respond, max_body_bytes=9)({"type": "websocket"}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_answers_are_not_kept_or_sniffed(caller):
    """Every answer carries the security headers and forbids caches to keep it."""
    answer = await caller.post("{__typename}")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]

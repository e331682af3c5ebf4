"""Pages of other origins call only where the operator named them."""

from __future__ import annotations

import pytest

ORIGIN = "https://app.example.com"


@pytest.fixture
def open_caller(calling):
    """A caller where one origin is named."""
    return calling(cors_origins=frozenset({ORIGIN}))


async def test_named_origin_may_read_the_answer(open_caller):
    """The answer names the origin itself, never a wildcard, and no credentials."""
    answer = await open_caller.post("{__typename}", headers={"origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    assert "retry-after" in answer.headers["access-control-expose-headers"]
    assert "origin" in answer.headers["vary"]


async def test_named_origin_may_read_a_refusal(open_caller):
    """A page learns what is wrong with its request."""
    answer = await open_caller.send(b"{", headers={"origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", ORIGIN + ".evil.example", ORIGIN + ":444", ORIGIN.upper(), "*", ""],
)
async def test_other_origins_may_not(open_caller, origin):
    """Origins are compared whole."""
    answer = await open_caller.post("{__typename}", headers={"origin": origin})
    preflight = await open_caller.send(
        method="OPTIONS", headers={"origin": origin, "access-control-request-method": "POST"}
    )

    for response in (answer, preflight):
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("https://localhost", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:8080", True),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example:80", False),
        ("http://10.0.0.1:3000", False),
        ("file://localhost", False),
        ("null", False),
    ],
)
async def test_pages_of_this_machine_may_call_where_they_are_let(calling, origin, allowed):
    """A developer's page needs no setting; nobody else's is let in with it."""
    asking = {"origin": origin, "access-control-request-method": "POST"}
    let = await calling(cors_loopback=True).send(method="OPTIONS", headers=asking)
    other = await calling().send(method="OPTIONS", headers=asking)

    assert (let.headers.get("access-control-allow-origin") == origin) == allowed
    assert "access-control-allow-origin" not in other.headers


def preflight(headers: str | None = None) -> dict[str, str]:
    asked = {} if headers is None else {"access-control-request-headers": headers}
    return {"origin": ORIGIN, "access-control-request-method": "POST"} | asked


async def test_preflight_is_answered_and_kept(open_caller):
    """A browser learns what it may send, and need not ask again for a day."""
    answer = await open_caller.send(method="OPTIONS", headers=preflight("content-type"))

    assert answer.status == 204
    assert answer.body == b""
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert answer.headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize(
    "header",
    [
        "baggage",
        "sentry-trace",
        "x-datadog-origin",
        "newrelic",
        "elastic-apm-traceparent",
        "graphql-client-name",
        "x-requested-with",
        "apollo-require-preflight",
        "authorization",
        "idempotency-key",
        "x-our-key",
    ],
)
async def test_pages_of_a_named_origin_may_send_any_header(open_caller, header):
    """Libraries for tracing, logins and clients add their own; the origin is the boundary."""
    answer = await open_caller.send(method="OPTIONS", headers=preflight(f"content-type,{header}"))

    assert answer.headers["access-control-allow-headers"] == f"content-type, {header}"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (None, ""),
        ("", ""),
        (" , ,", ""),
        ("a b, c", "c"),
        ("a:b\x00, \xff, c", "c"),
        ("x" * 101 + ", c", "c"),
        (",".join(["h"] * 5_000), ", ".join(["h"] * 100)),
    ],
    ids=["none", "empty", "blank", "space", "no-token", "long", "many"],
)
async def test_what_is_no_header_is_not_allowed(open_caller, asked, allowed):
    """Only names that a header can have come back, and not endlessly many."""
    answer = await open_caller.send(method="OPTIONS", headers=preflight(asked))

    assert answer.headers["access-control-allow-headers"] == allowed


async def test_named_origin_may_send_cookies_where_the_operator_says_so(calling):
    """A login proxy in front reads them; other origins are told nothing."""
    caller = calling(cors_origins=frozenset({ORIGIN}), cors_credentials=True)

    answer = await caller.post("{__typename}", headers={"origin": ORIGIN})
    asked = await caller.send(method="OPTIONS", headers=preflight("content-type"))
    other = await caller.post("{__typename}", headers={"origin": "https://evil.example"})

    assert answer.headers["access-control-allow-credentials"] == "true"
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-credentials" not in other.headers


@pytest.mark.parametrize(
    "origin", ["capacitor://localhost", "chrome-extension://abcdef", "app://."]
)
async def test_pages_of_an_app_may_call(calling, origin):
    """An app's or an extension's pages have an origin too, with a scheme of its own."""
    caller = calling(cors_origins=frozenset({origin}))

    answer = await caller.post("{__typename}", headers={"origin": origin})

    assert answer.headers["access-control-allow-origin"] == origin


async def test_options_names_the_methods(caller):
    """OPTIONS without an origin is an ordinary question."""
    answer = await caller.send(method="OPTIONS")

    assert answer.status == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_plain_options_of_a_named_origin_is_no_preflight(open_caller):
    """What lets a page send is said only to a browser that asks for it."""
    answer = await open_caller.send(method="OPTIONS", headers={"origin": ORIGIN})

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert not {
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-max-age",
    } & set(answer.headers)


async def test_hidden_origin_is_refused(open_caller):
    """A sandboxed frame or a local file cannot be told from anybody."""
    answer = await open_caller.post("{__typename}", headers={"origin": "null"})

    assert answer.status == 403
    assert answer.codes == ["FORBIDDEN"]


async def test_own_page_that_hides_its_origin_may_call(open_caller):
    """The gateway's own pages do under `no-referrer`, and the browser vouches for them."""
    answer = await open_caller.post(
        "{__typename}", headers={"origin": "null", "sec-fetch-site": "same-origin"}
    )

    assert answer.json == {"data": {"__typename": "Query"}}
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["same-site", "cross-site", "none", "", "same-origin, cross-site"])
async def test_hidden_origin_from_elsewhere_is_refused(open_caller, site):
    """A sandboxed frame is from elsewhere, whatever address it has."""
    answer = await open_caller.post(
        "{__typename}", headers={"origin": "null", "sec-fetch-site": site}
    )

    assert answer.status == 403

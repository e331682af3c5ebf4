"""Nobody gets more than a fair share, and nobody else is made to wait for it."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from gateway.access.bearer import Caller
from gateway.access.rate_limits import MOST_NAMES, RateLimit, RequestRateGate, name_of
from gateway.access.token_file import new_token, token_line
from gateway.app import create_app
from gateway.http.errors import RequestError
from gateway.http.gates import Admitted
from gateway.http.requests import RequestHead
from tests.fakes.gateway import INVITE
from tests.fakes.invites import INVITES, Clock, FakeUpstream
from tests.fakes.settings import settings


@pytest.fixture
def clock(monkeypatch):
    """The library's clock, stopped."""

    class Clock:
        seconds = 1000.0

    monkeypatch.setattr("throttled.utils.now_mono_f", lambda: Clock.seconds)
    return Clock


async def test_so_many_a_minute(clock):
    """A minute's share may be used at once; then it comes back bit by bit."""
    limit = RateLimit(6)
    at_once = [await limit.seconds_to_wait("ats") for _ in range(8)]
    clock.seconds += 10
    later = [await limit.seconds_to_wait("ats") for _ in range(2)]

    assert at_once == [None] * 6 + [10, 10]
    assert later == [None, 10]


async def test_names_do_not_share(clock):
    """One caller's haste is not another's wait."""
    limit = RateLimit(1)

    assert [await limit.seconds_to_wait(name) for name in ("a", "b", "", "a")] == [
        None,
        None,
        None,
        60,
    ]


async def test_names_are_bounded(clock):
    """However many names come, memory stays as it is; who comes back is counted anew."""
    limit = RateLimit(1)
    for number in range(MOST_NAMES + 1):
        await limit.seconds_to_wait(f"{number}")

    assert await limit.seconds_to_wait("0") is None
    assert await limit.seconds_to_wait(f"{MOST_NAMES}") == 60


async def test_too_many_requests_are_turned_away(clock):
    """The answer says when to come back, in the header and for those who do not get to see it."""
    gate = RequestRateGate(RateLimit(1))
    head = RequestHead("POST", {}, client="10.0.0.1")
    first, second = await gate(head), await gate(head)

    assert isinstance(first, Admitted)
    assert isinstance(second, RequestError)
    assert second.status == 429
    assert dict(second.headers) == {b"retry-after": b"60"}
    assert second.errors[0]["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 60}


@pytest.mark.parametrize(
    ("client", "caller", "name"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", Caller("ats"), "caller ats"),
        ("2001:db8::1", None, "2001:db8::/64"),
        ("2001:db8::2", None, "2001:db8::/64"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("::ffff:10.0.0.1", None, "10.0.0.1"),
        ("not:an:address", None, "not:an:address"),
        (None, None, ""),
    ],
    ids=["address", "caller", "network", "same-network", "zone", "mapped", "socket", "none"],
)
def test_who_is_counted(client, caller, name):
    """The caller if there is one, else the network that the client is in."""
    assert name_of(RequestHead("POST", {}, client=client, caller=caller)) == name


def test_requests_a_minute_are_a_setting(monkeypatch, tmp_path):
    """A limit that is set holds over HTTP; without it there is none."""
    monkeypatch.chdir(tmp_path)
    with TestClient(create_app(settings(requests_per_minute=1))) as client:
        answers = [client.post("/graphql", json={"query": "{__typename}"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


@pytest.fixture
def invite(monkeypatch, tmp_path, clock):
    """Invites through a gateway that lets each caller invite once a minute."""
    monkeypatch.chdir(tmp_path)
    upstream = FakeUpstream(Clock())
    upstream.acts += [INVITES] * 5
    app = create_app(settings(invites_per_minute=1), upstream=upstream)
    with TestClient(app) as client:

        def post(email: str, key: str | None = None) -> dict[str, object]:
            body = INVITE | {"variables": {"email": email, "key": key}}
            answer = client.post("/graphql", json=body).json()
            return dict(answer["data"]["inviteCandidate"])

        yield post


def test_too_many_invites_are_not_sent(invite):
    """The caller learns that nobody was invited, and when to try again."""
    first, second = invite("a@example.com"), invite("b@example.com")

    assert first == {"__typename": "InviteCandidateSuccess"}
    assert second == {
        "__typename": "RateLimitedError",
        "code": "RATE_LIMITED",
        "outcome": "NOT_INVITED",
        "retryable": True,
        "retryAfterSeconds": 60,
    }


def test_a_repeated_invite_is_not_counted(invite, clock):
    """What is answered from its record is answered whatever the limit; a refusal binds no key."""
    kinds = [invite("a@example.com", "k1"), invite("a@example.com", "k1")]
    kinds += [invite("b@example.com", "k2")]
    clock.seconds += 60
    kinds += [invite("b@example.com", "k2")]

    assert [kind["__typename"] for kind in kinds] == [
        "InviteCandidateSuccess",
        "InviteCandidateSuccess",
        "RateLimitedError",
        "InviteCandidateSuccess",
    ]


def test_callers_do_not_share_their_invites(monkeypatch, tmp_path, clock):
    """One caller's many invites leave another's alone."""
    monkeypatch.chdir(tmp_path)
    tokens = new_token(), new_token()
    lines = [token_line(f"caller-{n}", token) for n, token in enumerate(tokens)]
    (tmp_path / "tokens").write_text("\n".join(lines))
    given = settings(auth="tokens", auth_tokens_file=tmp_path / "tokens", invites_per_minute=1)
    body = INVITE | {"variables": {"email": "ada@example.com"}}

    with TestClient(create_app(given, upstream=FakeUpstream(Clock()))) as client:
        kinds = [
            client.post("/graphql", json=body, headers={"authorization": f"Bearer {token}"}).json()[
                "data"
            ]["inviteCandidate"]["__typename"]
            for token in (*tokens, tokens[0])
        ]

    assert kinds == ["InviteCandidateSuccess", "InviteCandidateSuccess", "RateLimitedError"]

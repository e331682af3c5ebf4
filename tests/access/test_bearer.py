"""Every refusal of a caller has its status, its code and its challenge."""

from __future__ import annotations

import pytest

from gateway.access.bearer import BearerGate, Caller, Rejection
from gateway.http.errors import RequestError
from gateway.http.gates import Admitted
from gateway.http.requests import RequestHead

TOKEN = "secret-token"


class Verifier:
    """Finds what it is told to find, and remembers what it was asked."""

    def __init__(self, found: Caller | Rejection) -> None:
        self.found = found
        self.asked: list[str] = []

    async def verify(self, token: str) -> Caller | Rejection:
        self.asked.append(token)
        return self.found

    def reread(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


async def decide(found=Rejection.INVALID, authorization=f"Bearer {TOKEN}", scope=None):
    headers = {b"authorization": authorization.encode()} if authorization is not None else {}
    return await BearerGate(Verifier(found), scope=scope)(RequestHead("POST", headers))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_known_caller_is_admitted(scheme):
    """The caller's name goes on; the scheme's case does not matter."""
    admitted = await decide(Caller("ats"), f"{scheme} {TOKEN}")

    assert admitted == Admitted(Caller("ats"))


@pytest.mark.parametrize(
    ("found", "authorization", "status", "code", "challenge"),
    [
        (None, None, 401, "UNAUTHENTICATED", b'Bearer realm="track-invite-gateway"'),
        (None, "Basic dTpw", 401, "UNAUTHENTICATED", b'Bearer realm="track-invite-gateway"'),
        (None, "Bearer ", 401, "UNAUTHENTICATED", b'Bearer realm="track-invite-gateway"'),
        (
            Rejection.INVALID,
            f"Bearer {TOKEN}",
            401,
            "UNAUTHENTICATED",
            b'Bearer realm="track-invite-gateway", error="invalid_token"',
        ),
        (
            Rejection.WITHOUT_SCOPE,
            f"Bearer {TOKEN}",
            403,
            "FORBIDDEN",
            b'Bearer realm="track-invite-gateway", error="insufficient_scope", scope="invite"',
        ),
        (Rejection.UNDECIDED, f"Bearer {TOKEN}", 503, "SERVICE_UNAVAILABLE", None),
    ],
    ids=["no-token", "other-scheme", "empty", "invalid", "without-scope", "undecided"],
)
async def test_a_refusal_says_what_is_missing(found, authorization, status, code, challenge):
    """RFC 6750, section 3: without a token no error is named, for nothing went wrong yet."""
    refused = await decide(found, authorization, scope="invite")

    assert isinstance(refused, RequestError)
    assert refused.status == status
    assert [error["extensions"]["code"] for error in refused.errors] == [code]
    assert dict(refused.headers).get(b"www-authenticate") == challenge
    assert TOKEN not in str(refused)


async def test_an_undecided_caller_is_told_when_to_come_back():
    """A token that cannot be checked now is not thrown away."""
    refused = await decide(Rejection.UNDECIDED)

    assert isinstance(refused, RequestError)
    assert dict(refused.headers)[b"retry-after"] == b"5"
    assert refused.errors[0]["extensions"] == {
        "code": "SERVICE_UNAVAILABLE",
        "retryAfterSeconds": 5,
    }


@pytest.mark.parametrize("token", ["", "a b", "a,b", 'a"b', "é", "=", "a, Bearer b"])
async def test_what_cannot_be_a_token_is_not_looked_up(token):
    """Two headers, quotes and spaces make no token."""
    verifier = Verifier(Caller("ats"))
    head = RequestHead("POST", {b"authorization": f"Bearer {token}".encode()})

    refused = await BearerGate(verifier)(head)

    assert isinstance(refused, RequestError)
    assert refused.status == 401
    assert verifier.asked == []

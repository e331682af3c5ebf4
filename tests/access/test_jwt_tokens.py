"""A token is good only if its provider says all that is asked for, and only as long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.bearer import Caller, Rejection
from gateway.access.jwks import KeyRing
from gateway.access.jwt_tokens import REMEMBER_SECONDS, JwtVerifier, TokenRules
from tests.fakes.identity import AUDIENCE, ISSUER, key_set, signing_key

KEY, OTHER = signing_key("one"), signing_key("one")
RULES = TokenRules(ISSUER, AUDIENCE, ("RS256", "PS256", "ES256", "EdDSA"))
GOOD = Caller("recruiting-app")


class Keys:
    """Keys in memory, and how often they were looked at."""

    def __init__(self, *keys) -> None:
        self.now: KeyRing | None = KeyRing(key_set(*keys)) if keys else None
        self.closed = self.reread_now = False

    async def ring(self, kid: str | None) -> KeyRing | None:
        return self.now

    def reread(self) -> None:
        self.reread_now = True

    async def aclose(self) -> None:
        self.closed = True


def verifier(*keys, **rules) -> JwtVerifier:
    return JwtVerifier(Keys(*(keys or (KEY,))), replace(RULES, **rules))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_a_good_token_names_its_caller(algorithm):
    """Every kind of key that providers use is understood."""
    key = signing_key("k", algorithm)

    assert await verifier(key).verify(key.token()) == GOOD


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example/"},
        {"iss": None},
        {"aud": "others"},
        {"aud": None},
        {"exp": -31},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 600},
        {"iat": 600},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\nb"},
        {"sub": "x" * 256},
    ],
    ids=lambda changed: "-".join(f"{name}={value!s:.12}" for name, value in changed.items()),
)
async def test_a_token_that_says_otherwise_is_refused(changed):
    """Issuer, audience, times (here in seconds from now) and caller: all of them, every time."""
    now = int(time.time())
    claims: dict[str, Any] = {
        name: now + value if type(value) is int else value for name, value in changed.items()
    }

    assert await verifier().verify(KEY.token(**claims)) is Rejection.INVALID


async def test_clocks_may_differ_a_little():
    """The leeway holds on both ends."""
    now = int(time.time())

    assert await verifier().verify(KEY.token(exp=now - 15, nbf=now + 15)) == GOOD


async def test_a_token_without_an_end_in_sight_is_good():
    """A provider may write any number: one that no float can hold is no failure of ours."""
    assert await verifier().verify(KEY.token(exp=10**400)) == GOOD


async def test_another_key_under_the_same_id_is_refused():
    """The signature decides, not what the token says of itself."""
    assert await verifier().verify(OTHER.token()) is Rejection.INVALID


async def test_an_unknown_key_is_refused():
    """A key that the provider does not publish signs for nobody."""
    assert await verifier().verify(signing_key("two").token()) is Rejection.INVALID


async def test_without_keys_nothing_is_decided():
    """A provider that was never reached says neither yes nor no."""
    undecided = JwtVerifier(Keys(), RULES)

    assert await undecided.verify(KEY.token()) is Rejection.UNDECIDED


async def test_an_algorithm_that_is_not_allowed_is_refused():
    """The operator's list is the only one."""
    assert await verifier(algorithms=("RS256",)).verify(KEY.token()) is Rejection.INVALID


async def test_a_public_key_is_no_secret():
    """The oldest forgery: HMAC with the provider's public key, which everybody has."""
    header = encoded({"alg": "HS256", "kid": "one", "typ": "JWT"})
    claims = encoded({"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": time.time() + 99})
    signed = header + b"." + claims
    secret = json.dumps(KEY.published()).encode()
    forged = signed + b"." + base64url(hmac.digest(secret, signed, hashlib.sha256))

    assert await verifier().verify(forged.decode()) is Rejection.INVALID


async def test_an_unsigned_token_is_refused():
    """The algorithm `none` is none."""
    _, claims, _ = KEY.token().split(".")
    unsigned = f"{encoded({'alg': 'none', 'kid': 'one'}).decode()}.{claims}."

    assert await verifier().verify(unsigned) is Rejection.INVALID


async def test_critical_extensions_are_refused():
    """RFC 7515: who does not understand an extension that is critical must refuse."""
    token = KEY.token(headers={"kid": "one", "crit": ["exp"], "exp": 1})

    assert await verifier().verify(token) is Rejection.INVALID


async def test_a_token_without_key_id_is_tried_with_every_key():
    """Providers with a few keys may leave the id out."""
    token = OTHER.token(headers={})
    keys = (signing_key("rsa", "RS256"), KEY, OTHER)

    assert await verifier(*keys).verify(token) == GOOD


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "read invite"},
        {"scope": None, "scp": "invite"},
        {"scope": None, "scp": ["invite", 7]},
        {"scope": None, "roles": ["invite"]},
    ],
    ids=["scope", "scp-text", "scp-list", "roles"],
)
async def test_the_scope_is_found(claims):
    """Providers write scopes in different places."""
    assert await verifier(scope="invite").verify(KEY.token(**claims)) == GOOD


@pytest.mark.parametrize("scope", [None, "", "invites", "read", 7])
async def test_without_the_scope_nobody_is_let_in(scope):
    """A good token for something else is refused in a word of its own."""
    found = await verifier(scope="invite").verify(KEY.token(scope=scope))

    assert found is Rejection.WITHOUT_SCOPE


@pytest.mark.parametrize(
    ("scope", "may_read"),
    [("invite", False), ("invite applications", True), ("invite application", False)],
)
async def test_reading_may_need_a_scope_of_its_own(scope, may_read):
    """Without it the token is good for all else."""
    found = verifier(scope="invite", read_scope="applications")

    for _ in range(2):
        assert await found.verify(KEY.token(scope=scope)) == Caller("recruiting-app", may_read)


async def test_the_scope_to_read_is_not_enough():
    """It is needed besides the other one."""
    found = verifier(scope="invite", read_scope="applications")

    assert await found.verify(KEY.token(scope="applications")) is Rejection.WITHOUT_SCOPE


async def test_the_caller_may_be_another_claim():
    """For service accounts some providers name the client elsewhere."""
    token = KEY.token(azp="ats")

    assert await verifier(caller_claim="azp").verify(token) == Caller("ats")
    assert await verifier(caller_claim="azp").verify(KEY.token()) is Rejection.INVALID


async def test_new_keys_end_what_was_remembered():
    """A token under a withdrawn key is refused although it was good before."""
    keys = Keys(KEY)
    remembering = JwtVerifier(keys, RULES)
    token = KEY.token()
    before = await remembering.verify(token)
    keys.now = KeyRing(key_set(OTHER))

    assert (before, await remembering.verify(token)) == (GOOD, Rejection.INVALID)
    assert not remembering._verified


@pytest.mark.parametrize(
    ("lifetime", "remembered"), [(30, 30), (3600, REMEMBER_SECONDS)], ids=["token", "minute"]
)
async def test_nothing_is_remembered_past_its_end(lifetime, remembered):
    """What is remembered goes with the token's end, or after a minute."""
    start = int(time.time())
    remembering = JwtVerifier(Keys(KEY), RULES, now=lambda: float(start))

    await remembering.verify(KEY.token(exp=start + lifetime))

    assert [known.until for known in remembering._verified.values()] == [start + remembered]


async def test_a_remembered_token_is_not_decoded_again(monkeypatch):
    """The signature is checked once."""
    remembering = verifier()
    token = KEY.token()
    await remembering.verify(token)
    monkeypatch.setattr(remembering, "_decoder", None)

    assert await remembering.verify(token) == GOOD


async def test_what_is_remembered_is_bounded(monkeypatch):
    """A provider that gives out many tokens fills no memory; the oldest goes first."""
    monkeypatch.setattr("gateway.access.jwt_tokens._REMEMBERED", 2)
    remembering = verifier()
    for number in range(4):
        await remembering.verify(KEY.token(sub=f"caller-{number}"))

    assert [known.caller.name for known in remembering._verified.values()] == [
        "caller-2",
        "caller-3",
    ]


async def test_no_token_is_kept():
    """Memory holds hashes of tokens alone."""
    remembering = verifier()
    token = KEY.token()
    await remembering.verify(token)

    assert token not in repr(remembering._verified)
    assert list(remembering._verified) == [hashlib.sha256(token.encode()).digest()]


async def test_keys_are_reread_and_closed_with_the_verifier():
    """What the verifier is told, its keys are told."""
    keys = Keys(KEY)
    told = JwtVerifier(keys, RULES)
    told.reread()
    await told.aclose()

    assert (keys.reread_now, keys.closed) == (True, True)


@given(st.text(st.characters(codec="ascii", min_codepoint=33), max_size=60))
async def test_text_of_any_kind_is_just_not_valid(text):
    """No header or payload, however made up, is more than an invalid token."""
    for token in (text, f"{text}.{text}.{text}", f"{base64url(text.encode()).decode()}.e30.e30"):
        assert await verifier().verify(token) is Rejection.INVALID


@pytest.mark.parametrize("header", [b"[" * 9000, b'{"alg":' * 2000, b'{"alg":1e999}', b"[]", b"7"])
async def test_a_header_that_is_no_object_is_just_not_valid(header):
    """Deep and odd JSON breaks nothing."""
    token = f"{base64url(header).decode()}.e30.e30"

    assert await verifier().verify(token) is Rejection.INVALID


def encoded(value: object) -> bytes:
    return base64url(json.dumps(value).encode())


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://evil.example/"}, "its iss is not GATEWAY_JWT_ISSUER"),
        ({"iss": None}, "it has no iss"),
        ({"aud": "other"}, "its aud is not GATEWAY_JWT_AUDIENCE"),
        ({"aud": None}, "it has no aud"),
        ({"exp": 1}, "it has expired"),
        ({"exp": None}, "it has no exp"),
        ({"exp": "soon"}, "it cannot be read"),
        ({"nbf": 2**40}, "it is not valid yet"),
        ({"sub": None}, "it has no sub"),
        ({"sub": "line\nbreak"}, "its sub cannot be a caller's name"),
        ({"scope": "other"}, "it lacks the scope"),
    ],
)
async def test_the_log_says_why_a_token_is_refused(caplog, changed, reason):
    """An operator can tell a wrong audience from a wrong clock; the token is not quoted."""
    caplog.set_level("INFO", "gateway.auth")
    token = KEY.token(**changed)

    await verifier(scope="invite").verify(token)

    assert caplog.messages == [f"an access token was refused: {reason}"]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("x.y.z", "it is not a JSON Web Token that can be read"),
        (OTHER.token(), "no key of the provider's has signed it"),
        (KEY.token(headers={"kid": "new"}), "no key of the provider's has signed it"),
        (signing_key("one", "PS256").token(), "no key of the provider's has signed it"),
        (signing_key("one", "RS384").token(), "its algorithm is none of GATEWAY_JWT_ALGORITHMS"),
    ],
)
async def test_the_log_says_what_is_wrong_before_the_claims(caplog, token, reason):
    """Nothing that a stranger wrote into an unsigned token is believed or told."""
    caplog.set_level("INFO", "gateway.auth")

    await verifier().verify(token)

    assert caplog.messages == [f"an access token was refused: {reason}"]


@pytest.mark.parametrize(
    ("path", "claims", "caller"),
    [
        ("permissions", {"permissions": ["read", "invite"]}, GOOD),
        ("realm_access.roles", {"realm_access": {"roles": ["invite"]}}, GOOD),
        ("https://example.com/roles", {"https://example.com/roles": ["invite"]}, GOOD),
        ("realm_access.roles", {"realm_access": ["invite"]}, Rejection.WITHOUT_SCOPE),
        ("permissions", {"scope": "invite"}, Rejection.WITHOUT_SCOPE),
    ],
    ids=["auth0", "keycloak", "namespaced", "another-shape", "only-there"],
)
async def test_the_scope_may_be_in_another_claim(path, claims, caller):
    """What Auth0 and Keycloak write is read, in the claim that is named and nowhere else."""
    token = KEY.token(**{"scope": None} | claims)

    assert await verifier(scope="invite", scope_claim=path).verify(token) == caller


@pytest.mark.parametrize(
    ("claims", "caller"),
    [
        ({"client_id": AUDIENCE}, GOOD),
        ({"client_id": [AUDIENCE, "other"]}, GOOD),
        ({"client_id": "other"}, Rejection.INVALID),
        ({}, Rejection.INVALID),
        ({"aud": AUDIENCE}, Rejection.INVALID),
    ],
)
async def test_the_audience_may_be_another_claim(claims, caller):
    """Cognito's access tokens have no `aud`, but a `client_id`."""
    token = KEY.token(**{"aud": None} | claims)

    assert await verifier(audience_claim="client_id").verify(token) == caller

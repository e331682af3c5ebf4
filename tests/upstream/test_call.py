"""Calls as values: each carries its path, its key and its time."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.upstream.call import (
    Call,
    Route,
    applicant_call,
    applicants_call,
    invite_call,
    keyed_and_trusted,
    stats_call,
)
from gateway.upstream.wire import Reply

LIMITS: dict[str, Any] = {"timeout_seconds": 3.0, "api_key": "own"}


@pytest.mark.parametrize(
    ("call", "route", "path"),
    [
        (
            applicants_call(7, {"email": "a+b@c.example"}, **LIMITS),
            Route.APPLICANTS,
            "/tracks/7/applicants?email=a%2Bb%40c.example",
        ),
        (applicant_call(7, 9, **LIMITS), Route.APPLICANT, "/tracks/7/applicants/9"),
        (stats_call(7, **LIMITS), Route.STATS, "/tracks/7/stats"),
    ],
    ids=lambda one: one.value if isinstance(one, Route) else "",
)
def test_reads_carry_the_callers_key(call, route, path):
    """One account's key must not read with another's."""
    assert (call.route, call.path, call.method) == (route, path, "GET")
    assert (call.api_key, call.timeout_seconds) == ("own", 3.0)


def test_invite_carries_what_it_was_given():
    """Its body makes it a POST."""
    call = invite_call(
        b"{}",
        idempotency_key="key",
        may_send=bool,
        trusts_connection=bool,
        **LIMITS,
    )

    assert (call.route, call.path, call.method) == (Route.INVITE, "/tracks/invite", "POST")
    assert (call.body, call.api_key, call.timeout_seconds) == (b"{}", "own", 3.0)
    assert (call.idempotency_key, call.may_send, call.trusts_connection) == ("key", bool, bool)


@pytest.mark.parametrize("trusted", [True, False])
def test_reply_is_shown_with_the_key_that_it_must_not_pass_on(trusted: bool):  # noqa: FBT001
    """Whoever judges it reads it without the key."""
    seen: list[str] = []

    def judge(reply: Reply) -> bool:
        seen.append(reply.api_key)
        return trusted

    call = Call(Route.INVITE, "/", 1, b"{}", trusts_connection=judge)

    assert keyed_and_trusted(Reply(200), call=call, api_key="secret") is trusted
    assert seen == ["secret"]


def test_routes_keep_their_names():
    """They are labels of a metric, and name spans."""
    assert [route.value for route in Route] == [
        "POST /tracks/invite",
        "GET /tracks/{track_id}/applicants",
        "GET /tracks/{track_id}/applicants/{application_id}",
        "GET /tracks/{track_id}/stats",
    ]

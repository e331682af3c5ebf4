"""What a request's headers say to the core."""

from __future__ import annotations

import pytest

from gateway.graphql.context import RequestContext, idempotency_key_of, timeout_of
from gateway.http.requests import RequestHead
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import InviteFormat, Origin

ORIGIN = Origin("me", "my team", "theirs", 3)


class FakeInviter:
    def __init__(self) -> None:
        self.asked: list[tuple[InviteDraft, Origin]] = []

    async def invite(self, draft: InviteDraft, origin: Origin) -> None:
        self.asked.append((draft, origin))


def head(**headers: str) -> RequestHead:
    names = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return RequestHead("POST", names)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("k-1", "k-1"),
        ('"k-1"', "k-1"),
        (" \tk-1 \t", "k-1"),
        ('"k-1" ', "k-1"),
        ('" k-1 "', " k-1 "),
        ('"', '"'),
        ('""', ""),
        ('a"', 'a"'),
        ("k-1, k-1", "k-1, k-1"),
        ("k-1, k-2", "k-1, k-2"),
    ],
)
def test_key_in_the_header(text, key):
    """Quoted, as the draft standard has it, or bare; else as it was sent."""
    assert idempotency_key_of(head(idempotency_key=text)) == key


def test_no_key_in_the_header():
    """Most requests have none."""
    assert idempotency_key_of(head()) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3), ("0.5", 0.5), ("0", None), ("-1", None), ("nan", None), ("inf", None), ("x", None)],
)
def test_timeout_in_the_header(text, seconds):
    """Seconds; what makes no sense is as good as absent."""
    assert timeout_of(head(request_timeout=text)) == seconds
    assert timeout_of(head()) is None


@pytest.mark.parametrize(
    ("own", "headers", "expected"), [(None, "h", "h"), ("o", "h", "o"), ("o", None, "o")]
)
async def test_header_fills_in_for_the_input(own, headers, expected):
    """The input's own key comes first; where it comes from goes along."""
    inviter = FakeInviter()
    context = RequestContext(
        inviter,  # type: ignore[arg-type]
        inviter,  # type: ignore[arg-type]
        origin=ORIGIN,
        idempotency_key=headers,
    )

    await context.invite(InviteDraft("Ada", "ada@example.com", "1", InviteFormat.GET_LINK, own))

    [(draft, origin)] = inviter.asked
    assert draft.idempotency_key == expected
    assert origin == ORIGIN

"""Long lists that no plan covers leave turns to other requests."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.fakes.planning import PLANNING, Core

CANDIDATES = '{candidateName: "A", candidateEmail: "a@x.example"} ' * 100
LISTS = {
    "nodes": "query ($s: Boolean!) { applications(trackId: 5, first: 100)"
    " { totalCount nodes @skip(if: $s) { name } } }",
    "edges": "query ($s: Boolean!) { applications(trackId: 5, first: 100)"
    " { totalCount edges @skip(if: $s) { cursor } } }",
    "results": "mutation ($s: Boolean!) { inviteCandidates("
    f"input: {{trackId: 5, candidates: [{CANDIDATES}]}})"
    " { invitedCount results @skip(if: $s) { __typename } } }",
}


async def turns_of_others_during(query: str, *, skipped: bool) -> int:
    """How many rounds the event loop makes until the answer is there."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    core = Core(PLANNING, size=100)
    core.inviter.most = 100
    others = asyncio.ensure_future(take_turns())
    status, body = await core.answer({"query": query, "variables": {"s": skipped}})
    others.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await others
    assert (status, b"errors" in body) == (200, False), body
    return turns


@pytest.mark.parametrize("name", LISTS)
async def test_others_get_turns_while_a_list_is_completed(name):
    """A hundred items are completed in five pieces, with a turn between them."""
    skipped = await turns_of_others_during(LISTS[name], skipped=True)

    shown = await turns_of_others_during(LISTS[name], skipped=False)

    assert shown - skipped >= 4

"""A stand-in on a real port, and a client that knows its key."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.sandbox import API_KEY, create_sandbox, running_sandbox


class SandboxClient(httpx2.AsyncClient):
    """Talks to one stand-in; `invite` posts a good body unless told otherwise."""

    async def invite(self, email: str = "ada@example.com", **changed: object) -> httpx2.Response:
        return await self.post("/tracks/invite", json=invite_body(email, **changed))

    async def count(self) -> int:
        return int((await self.get("/sandbox/invites")).json()["count"])


def invite_body(email: str = "ada@example.com", **changed: object) -> dict[str, object]:
    body: dict[str, object] = {
        "candidate_name": "Ada Lovelace",
        "candidate_email": email,
        "track_id": 6578,
        "invite_format": "getlink",
    }
    return {**body, **changed}


def client_of(address: str) -> SandboxClient:
    return SandboxClient(
        base_url=address, headers={"apiKey": API_KEY}, trust_env=False, verify=False, timeout=5.0
    )


@pytest.fixture
async def client() -> AsyncIterator[SandboxClient]:
    async with running_sandbox(create_sandbox()) as address, client_of(address) as client:
        yield client

"""The gateway that a user would write first: Strawberry's own view, httpx2 and uvicorn."""

from __future__ import annotations

import os
from enum import Enum
from typing import Annotated

import httpx2
import strawberry
import uvicorn
from strawberry.asgi import GraphQL

UPSTREAM = os.environ.get("UPSTREAM_URL", "")
client = httpx2.AsyncClient(headers={"apiKey": "bench-key"})


@strawberry.enum
class InviteFormat(Enum):
    GET_LINK = "getlink"
    SEND_LINK = "sendlink"


@strawberry.input
class InviteCandidateInput:
    candidate_name: str
    candidate_email: str
    track_id: strawberry.ID
    invite_format: InviteFormat = InviteFormat.GET_LINK


@strawberry.type
class Invite:
    application_id: strawberry.ID
    email: str
    invite_link: str | None
    invite_status: str | None
    name: str
    track_id: strawberry.ID


@strawberry.type
class InviteCandidateSuccess:
    invite: Invite


@strawberry.interface
class InviteError:
    code: str
    message: str


@strawberry.type
class UpstreamError(InviteError):
    pass


Result = Annotated[
    InviteCandidateSuccess | UpstreamError, strawberry.union("InviteCandidateResult")
]


async def invite_candidate(input: InviteCandidateInput) -> Result:  # noqa: A002 - the contract
    response = await client.post(
        f"{UPSTREAM}/tracks/invite",
        json={
            "candidate_name": input.candidate_name,
            "candidate_email": input.candidate_email,
            "track_id": int(input.track_id),
            "invite_format": input.invite_format.value,
        },
    )
    if not response.is_success:
        return UpstreamError(code="UPSTREAM_FAULT", message=f"status {response.status_code}")
    return InviteCandidateSuccess(invite=Invite(**response.json()))


@strawberry.type
class Query:
    version: str = "1"


@strawberry.type
class Mutation:
    invite_candidate: Result = strawberry.mutation(resolver=invite_candidate)


app = GraphQL[None, None](strawberry.Schema(Query, Mutation))

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)

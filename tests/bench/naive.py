"""The gateway that a user would write first: Strawberry's own view, httpx2 and uvicorn."""

from __future__ import annotations

import os
from enum import Enum
from typing import Annotated, Any

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


async def invite_candidate(input: InviteCandidateInput) -> Result:
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
class Stage:
    name: str | None


@strawberry.type
class Application:
    application_id: strawberry.ID
    candidate_id: strawberry.ID | None
    name: str | None
    email: str | None
    stage_status: str | None
    score: float | None
    date_added: str | None
    last_updated_at: str | None
    current_stage: Stage | None


@strawberry.type
class PageInfo:
    has_next_page: bool


@strawberry.type
class ApplicationConnection:
    nodes: list[Application]
    page_info: PageInfo
    total_count: int | None


async def applications(track_id: strawberry.ID, first: int = 25) -> ApplicationConnection:
    response = await client.get(
        f"{UPSTREAM}/tracks/{track_id}/applicants", params={"page": 1, "per_page": first}
    )
    body = response.json()
    return ApplicationConnection(
        nodes=[_application(one) for one in body["data"]],
        page_info=PageInfo(has_next_page=body["pagination"]["has_next"]),
        total_count=body["pagination"]["total"],
    )


def _application(told: dict[str, Any]) -> Application:
    return Application(
        application_id=told["application_id"],
        candidate_id=told["candidate_id"],
        name=told["name"],
        email=told["email"],
        stage_status=told["stage_status"],
        score=told["score"],
        date_added=told["date_added"],
        last_updated_at=told["last_updated_at"],
        current_stage=Stage(name=told["stage_name"]),
    )


@strawberry.type
class Query:
    version: str = "1"
    applications: ApplicationConnection = strawberry.field(resolver=applications)


@strawberry.type
class Mutation:
    invite_candidate: Result = strawberry.mutation(resolver=invite_candidate)


app = GraphQL[None, None](strawberry.Schema(Query, Mutation))

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), log_level="warning", access_log=False)

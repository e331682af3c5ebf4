"""A second subgraph: what a team has noted about applications. `python -m tests.e2e.notes`.

It is made with another library than the gateway's own subgraph, and keeps to its keys alone.
"""

from __future__ import annotations

import socket

import strawberry
import uvicorn
from strawberry import federation
from strawberry.asgi import GraphQL

KEYS = ["applicationId trackId"]


@federation.type(keys=KEYS)
class Application:
    application_id: strawberry.ID
    track_id: strawberry.ID

    @strawberry.field
    def notes(self) -> list[str]:
        return [f"seen {self.application_id} on {self.track_id}"]


@federation.type(keys=KEYS)
class Invite:
    application_id: strawberry.ID
    track_id: strawberry.ID

    @strawberry.field
    def noted_by(self) -> str:
        return "Grace"


@federation.type(shareable=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Query:
    @strawberry.field
    def noted_applications(
        self, track_id: strawberry.ID, application_ids: list[strawberry.ID]
    ) -> list[Application]:
        return [Application(application_id=one, track_id=track_id) for one in application_ids]

    @strawberry.field
    def noted_invite(self, track_id: strawberry.ID, application_id: strawberry.ID) -> Invite:
        return Invite(application_id=application_id, track_id=track_id)

    @strawberry.field
    def noted_pages(self) -> PageInfo:
        return PageInfo(
            has_next_page=False, has_previous_page=False, start_cursor=None, end_cursor=None
        )


SCHEMA = federation.Schema(Query, federation_version="2.5")


def serve() -> None:
    """Print the address and answer until the process is ended."""
    app = GraphQL[None, None](SCHEMA, graphql_ide=None)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/graphql", flush=True)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        server.run(sockets=[listening])


if __name__ == "__main__":
    serve()

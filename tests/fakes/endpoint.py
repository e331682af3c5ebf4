"""A small schema of the contract's shape, and an endpoint that answers without a server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema, build_schema

from gateway.graphql.documents import DocumentReader
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.persisted import TrustedDocuments
from gateway.http.asgi import AsgiApp
from gateway.http.errors import Header
from gateway.http.requests import RequestHead
from gateway.settings.limits import Limits

SDL = """
type Query { gateway: GatewayInfo! broken: String many(of: [Int!]): [GatewayInfo!]! }
type GatewayInfo { version: String! next: GatewayInfo }
type Mutation { inviteCandidate(input: InviteCandidateInput!): Invited! }
input InviteCandidateInput {
  candidateName: String!
  candidateEmail: String!
  trackId: ID!
  inviteFormat: InviteFormat! = GET_LINK
  more: [InviteCandidateInput!]
}
enum InviteFormat { GET_LINK SEND_LINK }
type Invited { name: String! trackId: ID! }
"""
INVITE = """
mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) { name trackId }
}
"""
ADA = {"candidateName": "Ada Lovelace", "candidateEmail": "ada@example.com", "trackId": 6578}
GRAPHQL = "application/graphql-response+json"


def small_schema() -> GraphQLSchema:
    """Executable; what is invited is added to the context, a list."""
    schema = build_schema(SDL)
    query, mutation = schema.query_type, schema.mutation_type
    assert query is not None
    assert mutation is not None

    async def invite(_source, info, input):
        info.context.append(input)
        return {"name": input["candidateName"], "trackId": input["trackId"]}

    def broken(_source, _info):
        raise RuntimeError("ada@example.com is in the message")

    query.fields["gateway"].resolve = lambda *_: {"version": "1"}
    query.fields["broken"].resolve = broken
    query.fields["many"].resolve = lambda *_, of=(): [{"version": str(number)} for number in of]
    mutation.fields["inviteCandidate"].resolve = invite
    return schema


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.json["errors"]]

    @property
    def message(self) -> str:
        return str(self.json["errors"][0]["message"])


@dataclass
class Caller:
    """Sends requests to an endpoint of its own and keeps what its resolvers were given."""

    schema: GraphQLSchema
    options: dict[str, Any]
    invited: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        texts = self.options.pop("trusted_documents", None)
        if texts is not None:
            self.options["trusted"] = trusting(self.schema, texts)
        make_context = self.options.pop("make_context", lambda _head: self.invited)
        self.endpoint = GraphQLEndpoint(self.schema, make_context=make_context, **self.options)

    async def post(self, query: object = None, /, *, headers=(), **parameters: object) -> Answer:
        if query is not None:
            parameters["query"] = query
        return await self.send(json.dumps(parameters).encode(), headers=headers)

    async def get(self, query_string: str = "", *, method="GET", headers=()) -> Answer:
        return await self.send(b"", method=method, query_string=query_string, headers=headers)

    async def send(
        self,
        *chunks: bytes,
        method: str = "POST",
        query_string: str = "",
        headers: tuple[tuple[str, str], ...] | dict[str, str] = (),
        gone: bool = False,
    ) -> Answer:
        given = list(headers.items() if isinstance(headers, dict) else headers)
        if method == "POST" and not any(name == "content-type" for name, _ in given):
            given.append(("content-type", "application/json"))
        scope = {
            "type": "http",
            "method": method,
            "path": "/graphql",
            "query_string": query_string.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given],
            "client": ("127.0.0.1", 5),
        }
        return await self.call(scope, [*chunks] or [b""], gone=gone)

    async def call(self, scope: dict[str, Any], chunks: list[bytes], *, gone: bool) -> Answer:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not chunks:
                return {"type": "http.disconnect"}
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks) or gone}

        async def send(message: Any) -> None:
            sent.append(message)

        limit = self.options.get("limits", Limits()).max_body_bytes
        await AsgiApp(self.endpoint.respond, max_body_bytes=limit)(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")
        names: list[Header] = list(sent[0]["headers"])
        return Answer(
            sent[0]["status"],
            {name.decode(): value.decode() for name, value in names},
            b"".join(message["body"] for message in sent[1:]),
        )


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return small_schema()


@pytest.fixture
def calling(schema) -> Callable[..., Caller]:
    """Makes callers of an endpoint with the given options."""
    return lambda **options: Caller(schema, options)


@pytest.fixture
def caller(calling) -> Caller:
    """A caller of an endpoint with the options that `serve` has."""
    made: Caller = calling()
    return made


def trusting(schema: GraphQLSchema, texts: dict[str, str]) -> TrustedDocuments:
    """The documents of a manifest."""
    with TemporaryDirectory() as folder:
        manifest = Path(folder) / "manifest.json"
        manifest.write_text(json.dumps(texts), "utf-8")
        reader = DocumentReader(schema, Limits(), introspection=False)
        return TrustedDocuments(reader.read, [manifest])


def head(method: str = "POST", **headers: str) -> RequestHead:
    return RequestHead(
        method, {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
    )


def parsed(body: bytes) -> Any:
    return orjson.loads(body)


Receive = Callable[[], Awaitable[dict[str, Any]]]

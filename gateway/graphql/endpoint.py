"""GraphQL over HTTP: one request in, one answer out.

https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, OperationType

from gateway.graphql.candidates_in_urls import names_candidate
from gateway.graphql.documents import CachedDocument, DocumentReader, Operation
from gateway.graphql.errors import coercion_error, field_error
from gateway.graphql.execution import Executor, GeneralExecutor
from gateway.graphql.persisted import Documents, TrustedDocuments
from gateway.graphql.requests import request_from_body, request_from_query
from gateway.http.cors import ALLOWED_METHODS, Cors
from gateway.http.errors import RequestError, internal_error, request_error
from gateway.http.gates import Admitted, Gate
from gateway.http.media_types import MediaType, accepted, is_json
from gateway.http.requests import RequestHead
from gateway.http.responses import Response, error_response, graphql_response, refusal
from gateway.settings.limits import Limits

_READING = frozenset({"GET", "HEAD"})
_UNCHANGED = frozenset({b"", b"identity"})
"""Content codings that leave the body as it is; a header without a value names none."""


class GraphQLEndpoint:
    """Answers GraphQL requests; it does not look at the path.

    `make_context` gives the resolvers' context for a request that passed the `gates`.
    `executor` runs what has been found to be valid, graphql-core if there is none. Pages of
    `cors_origins` may call, with `cors_credentials` also with cookies, and with `cors_loopback`
    pages of this machine too. `admitted` is called with the head once the gates are passed,
    `found` once it is known what is to be run: hooks for those who watch. With `trusted_only`,
    nothing but the `trusted` documents is run.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        make_context: Callable[[RequestHead], object],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        introspection: bool = False,
        cors_origins: frozenset[str] = frozenset(),
        cors_credentials: bool = False,
        cors_loopback: bool = False,
        trusted: TrustedDocuments | None = None,
        trusted_only: bool = False,
        gates: Sequence[Gate] = (),
        executor: Executor | None = None,
        admitted: Callable[[RequestHead], None] = lambda _: None,
        found: Callable[[CachedDocument, Operation], None] = lambda _document, _operation: None,
    ) -> None:
        self._make_context = make_context
        self._admitted = admitted
        self._found = found
        self._limits = limits
        self._executor = executor or GeneralExecutor(schema, hide_suggestions=not introspection)
        self._cors = Cors(cors_origins, credentials=cors_credentials, loopback=cors_loopback)
        self._gates = tuple(gates)
        reader = DocumentReader(schema, limits, introspection=introspection)
        self._documents = Documents(
            reader, trusted or TrustedDocuments(reader.read), trusted_only=trusted_only
        )

    def refusing(self, error: RequestError) -> Callable[[RequestHead], Response]:
        """Answers every request with `error`, unread, and preflights."""

        def refuse(head: RequestHead) -> Response:
            if head.method == "OPTIONS":
                return self._cors.options(head)
            media_type = accepted(head.headers.get(b"accept")) or MediaType.JSON
            return refusal(error, media_type).adding(*self._cors.headers(head))

        return refuse

    async def respond(self, head: RequestHead, body: bytes) -> Response:
        """The response to any request; it never raises."""
        if head.method == "OPTIONS":
            return self._cors.options(head)
        media_type = accepted(head.headers.get(b"accept"))
        try:
            response = await self._answer(head, media_type, body)
        except RequestError as error:
            response = refusal(error, media_type or MediaType.JSON)
        except Exception as error:  # noqa: BLE001 - the last line: a bug is masked, and told in the log
            response = error_response(
                [internal_error(error)], media_type or MediaType.JSON, status=500
            )
        if b"origin" in head.headers:
            return response.adding(*self._cors.headers(head))
        return response

    async def _answer(
        self, head: RequestHead, media_type: MediaType | None, body: bytes
    ) -> Response:
        if b"origin" in head.headers and (forbidden := self._cors.refusal(head)):
            raise forbidden
        if media_type is None:
            raise request_error(
                "Answers come as application/graphql-response+json or application/json.",
                status=406,
            )
        if head.method == "POST":
            _check_content(head.headers)
            _check_length(head.headers, body, self._limits.max_body_bytes)
            text = body
        elif head.method in _READING:
            text = b""
        else:
            raise request_error(
                "Use POST, or GET for queries.", status=405, headers=((b"allow", ALLOWED_METHODS),)
            )
        if not self._gates:
            return await self._run(head, text, media_type)
        held: list[Callable[[], None]] = []
        try:
            return await self._run(await self._pass_gates(head, held), text, media_type)
        finally:
            for release in reversed(held):
                release()

    async def _pass_gates(self, head: RequestHead, held: list[Callable[[], None]]) -> RequestHead:
        for gate in self._gates:
            decision = await gate(head)
            if not isinstance(decision, Admitted):
                raise decision
            if decision.release is not None:
                held.append(decision.release)
            if decision.caller is not None:
                head = head.called_by(decision.caller)
        return head

    async def _run(self, head: RequestHead, body: bytes, media_type: MediaType) -> Response:
        self._admitted(head)
        if head.method == "POST":
            request = request_from_body(body, self._limits)
        else:
            request = request_from_query(head.query_string, self._limits)
        document = self._documents.find(request)
        operation = document.operation(request.operation_name)
        if head.method != "POST" and operation.type is not OperationType.QUERY:
            raise request_error(
                "Use POST for mutations.", status=405, headers=((b"allow", b"POST"),)
            )
        if head.method != "POST" and names_candidate(document, operation, request.variables):
            raise request_error(
                "Use POST: this names a candidate, and a URL ends up in logs.",
                status=405,
                headers=((b"allow", b"POST"),),
            )
        self._found(document, operation)
        result = await self._executor.execute(
            document, operation, request.variables, self._make_context(head)
        )
        return graphql_response(_payload(result), media_type)


def _payload(result: ExecutionResult) -> dict[str, Any]:
    errors = result.errors
    if not errors:
        return {"data": result.data}
    if result.data is None and all(error.path is None for error in errors):
        raise coercion_error(errors)
    return {"errors": [field_error(error) for error in errors], "data": result.data}


def _check_content(headers: Mapping[bytes, bytes]) -> None:
    """Raises RequestError where the headers say that the body is none that is read."""
    if not is_json(headers.get(b"content-type")):
        raise request_error("The Content-Type must be application/json, in UTF-8.", status=415)
    if (
        b"content-encoding" in headers
        and not _UNCHANGED.issuperset(_elements(headers[b"content-encoding"]))
    ) or (
        b"transfer-encoding" in headers
        and headers[b"transfer-encoding"].strip().lower() != b"chunked"
    ):
        raise request_error("Compressed bodies are not read.", status=415)


def _elements(header: bytes) -> Iterator[bytes]:
    """The members of a header's list, in lower case."""
    return (element.strip() for element in header.lower().split(b","))


def _check_length(headers: Mapping[bytes, bytes], body: bytes, limit: int) -> None:
    """Raises RequestError for a body that is too long, or was left unread because it would be."""
    announced = b"" if body else headers.get(b"content-length", b"")
    if len(body) > limit or (announced.isdigit() and int(announced) > limit):
        raise request_error(f"The body is longer than the {limit} bytes allowed.", status=413)

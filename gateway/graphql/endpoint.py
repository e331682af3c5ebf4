"""GraphQL over HTTP: one request in, one response out.

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
from gateway.graphql.requests import GraphQLRequest, request_from_body, request_from_query
from gateway.http.cors import ALLOWED_METHODS, Cors
from gateway.http.errors import RequestError, internal_error, request_error
from gateway.http.gates import DECISIONS, Gate
from gateway.http.media_types import MediaType, accepted, is_json
from gateway.http.requests import RequestHead
from gateway.http.responses import Response, error_response, graphql_response, refusal
from gateway.settings.limits import Limits

_READING = frozenset({"GET", "HEAD"})
_UNCHANGED = frozenset({b"", b"identity"})
"""Content codings that leave the body as it is; a header without a value names none."""


class GraphQLEndpoint:
    """Responds to GraphQL requests; ignores the path.

    `make_context` makes the resolvers' context for a request that passed the `gates`.
    `executor` runs valid operations; the default is graphql-core. Pages of `cors_origins` may
    call, with `cors_credentials` also with cookies, and with `cors_loopback` pages of this
    machine too. Two hooks for observers: `admitted` is called with the head after the gates,
    `found` once the operation is known. With `trusted_only`, only `trusted` documents are run.
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

    async def respond(self, head: RequestHead, body: bytes) -> Response:
        """The response to any request; it never raises."""
        if head.method == "OPTIONS":
            return self._cors.options(head)
        acceptable = accepted(head.headers.get(b"accept"))
        media_type = acceptable or MediaType.JSON
        try:
            self._check(head, body, acceptable)
            response = await self._run(head, body, media_type)
        except RequestError as error:
            response = refusal(error, media_type)
        except Exception as error:  # noqa: BLE001 - last resort: a bug is masked and logged
            response = error_response([internal_error(error)], media_type, status=500)
        if b"origin" in head.headers:
            return response.adding(*self._cors.headers(head))
        return response

    def _check(self, head: RequestHead, body: bytes, acceptable: MediaType | None) -> None:
        """Raises RequestError if the request is refused whatever its document."""
        if b"origin" in head.headers and (forbidden := self._cors.refusal(head)):
            raise forbidden
        if acceptable is None:
            raise request_error(
                "Answers come as application/graphql-response+json or application/json.",
                status=406,
            )
        if head.method == "POST":
            _check_content(head.headers)
            _check_length(head.headers, body, self._limits.max_body_bytes)
        elif head.method not in _READING:
            raise request_error(
                "Use POST, or GET for queries.", status=405, headers=((b"allow", ALLOWED_METHODS),)
            )

    async def _run(self, head: RequestHead, body: bytes, media_type: MediaType) -> Response:
        held: list[Callable[[], None]] = []
        try:
            for gate in self._gates:
                decision = gate(head)
                if not isinstance(decision, DECISIONS):
                    decision = await decision
                if isinstance(decision, RequestError):
                    raise decision
                if decision.release is not None:
                    held.append(decision.release)
                if decision.caller is not None:
                    head = head.called_by(decision.caller)
            self._admitted(head)
            request, document, operation = self._read(head, body)
            self._found(document, operation)
            result = await self._executor.execute(
                document, operation, request.variables, self._make_context(head)
            )
        finally:
            for release in reversed(held):
                release()
        return graphql_response(_payload(result), media_type)

    def _read(
        self, head: RequestHead, body: bytes
    ) -> tuple[GraphQLRequest, CachedDocument, Operation]:
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
        return request, document, operation


def _payload(result: ExecutionResult) -> dict[str, Any]:
    errors = result.errors
    if not errors:
        return {"data": result.data}
    if result.data is None and all(error.path is None for error in errors):
        raise coercion_error(errors)
    return {"errors": [field_error(error) for error in errors], "data": result.data}


def _check_content(headers: Mapping[bytes, bytes]) -> None:
    """Raises RequestError if the headers announce a body that is not supported."""
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
    """The items of a header's list, in lower case."""
    return (element.strip() for element in header.lower().split(b","))


def _check_length(headers: Mapping[bytes, bytes], body: bytes, limit: int) -> None:
    """Raises RequestError if the body is too long, or was not read for that reason."""
    announced = b"" if body else headers.get(b"content-length", b"")
    if len(body) > limit or (announced.isdigit() and int(announced) > limit):
        raise request_error(f"The body is longer than the {limit} bytes allowed.", status=413)

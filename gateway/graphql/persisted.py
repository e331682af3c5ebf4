"""Documents that a request names instead of sending: by hash, or by an id in a manifest."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from gateway.graphql.document_cache import DocumentCache
from gateway.graphql.documents import CachedDocument, DocumentReader
from gateway.graphql.requests import GraphQLRequest
from gateway.http.errors import ErrorCode, RequestError, request_error

_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


class ManifestError(ValueError):
    """A manifest of trusted documents cannot be used; the message says why."""


class Documents:
    """Finds the document of a request: sent along, named by its hash, or trusted.

    Automatic persisted queries: a request names the document by its SHA-256, and sends it along
    where the gateway answers that it does not know it (yet, or any longer).
    https://www.apollographql.com/docs/apollo-server/performance/apq

    Trusted documents are known by their id and hash from the start, and never forgotten. With
    `trusted_only`, no other is run, whatever a request sends.
    """

    def __init__(
        self,
        reader: DocumentReader,
        *,
        trusted: Mapping[str, str] | None = None,
        trusted_only: bool = False,
    ) -> None:
        """Raises ManifestError if a trusted document is not valid."""
        self._cache = DocumentCache(reader.read, shape=reader.shape)
        self._trusted_only = trusted_only
        self._by_id: dict[str, CachedDocument] = {}
        self._by_text: dict[str, CachedDocument] = {}
        for document_id, text in (trusted or {}).items():
            document = self._by_text.get(text) or _read_trusted(reader, document_id, text)
            self._by_id[document_id] = self._by_text[text] = document
        for text, document in self._by_text.items():
            # Automatic persisted queries name it so, whatever the manifest's ids are made of.
            self._by_id.setdefault(_sha256(text), document)

    def find(self, request: GraphQLRequest) -> CachedDocument:
        """The document; raises RequestError if it is unknown, not allowed or not valid."""
        if request.query is None:
            return self._named(request)
        if request.document_hash is not None:
            return self._persisted(request.query, request.document_hash)
        return self._sent(request.query)

    def _sent(self, text: str) -> CachedDocument:
        trusted = self._by_text.get(text) if self._by_text else None
        if trusted is not None:
            return trusted
        if self._trusted_only:
            raise request_error(
                "Only documents that were registered beforehand are run here.",
                ErrorCode.FORBIDDEN,
                status=403,
            )
        return self._cache.get(text)

    def _named(self, request: GraphQLRequest) -> CachedDocument:
        name = request.document_id or request.document_hash or ""
        document = self._by_id.get(name)
        if document is None:
            sha256 = name.removeprefix("sha256:").lower()
            document = self._by_id.get(sha256)
            if document is None and request.document_id is None:
                document = self._cache.get_by_hash(sha256)
        if document is None:
            # Clients look for this very message.
            raise request_error(
                "PersistedQueryNotFound", ErrorCode.PERSISTED_QUERY_NOT_FOUND, well_formed=True
            )
        return document

    def _persisted(self, text: str, name: str) -> CachedDocument:
        trusted = self._by_id.get(name)
        if trusted is not None and trusted.text == text:
            return trusted
        if trusted is None and not _SHA256.fullmatch(name):
            raise request_error("`persistedQuery.sha256Hash` must be 64 hexadecimal digits.")
        sha256 = name.lower()
        if _sha256(text) != sha256:
            raise request_error("`persistedQuery.sha256Hash` is not the hash of `query`.")
        document = self._sent(text)
        if text not in self._by_text:
            self._cache.name_by_hash(document, sha256)
        return document


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_manifest(path: Path) -> dict[str, str]:
    """Texts of trusted documents by their ids.

    Reads what Apollo's `generate-persisted-query-manifest` writes, and the flat map of id to
    text that Relay's compiler and graphql-codegen write. Raises ManifestError.
    """
    try:
        manifest = orjson.loads(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"is not valid JSON: {error.msg} at line {error.lineno}") from None
    if not isinstance(manifest, dict):
        raise ManifestError("must be a JSON object")
    if "format" in manifest:
        return _apollo(manifest)
    if not all(isinstance(text, str) for text in manifest.values()):
        raise ManifestError("must map ids to documents, or be an Apollo manifest")
    return manifest


def _apollo(manifest: dict[str, Any]) -> dict[str, str]:
    if manifest["format"] != "apollo-persisted-query-manifest" or manifest.get("version") != 1:
        raise ManifestError("is of an unknown format or version")
    try:
        return {str(entry["id"]): str(entry["body"]) for entry in manifest["operations"]}
    except (KeyError, TypeError):
        raise ManifestError("has an operation without `id` or `body`") from None


def _read_trusted(reader: DocumentReader, document_id: str, text: str) -> CachedDocument:
    try:
        return reader.read(text)
    except RequestError as error:
        raise ManifestError(f"document {document_id!r} is not valid: {error}") from None

"""Documents that a request names instead of sending them: by hash, or by id in a manifest."""

from __future__ import annotations

import codecs
import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gateway.graphql.document_cache import DocumentCache
from gateway.graphql.documents import CachedDocument, DocumentReader
from gateway.graphql.requests import GraphQLRequest
from gateway.http.errors import ErrorCode, RequestError, request_error
from gateway.watched_file import WatchedFile

LOGGER = logging.getLogger("gateway.files")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


class ManifestError(ValueError):
    """A manifest of trusted documents is unusable; the message says why."""


class Trusted(NamedTuple):
    """A snapshot of the trusted documents, by id, hash and text."""

    by_id: Mapping[str, CachedDocument]
    by_text: Mapping[str, CachedDocument]


class TrustedDocuments:
    """The documents of manifests, which may be replaced at any time; `look` reloads them.

    If a manifest is unusable or has an invalid document, its last good documents stay in force
    and the log says so. Documents that did not change are not parsed again.
    """

    def __init__(self, read: Callable[[str], CachedDocument], files: Sequence[Path] = ()) -> None:
        """Raises ManifestError if a file is unusable, or two of them conflict."""
        self._read = read
        self._known: Mapping[str, CachedDocument] = {}
        self._several = len(files) > 1
        self._files = [WatchedFile(path, self._read_file, look_again_seconds=0) for path in files]
        self._contents = [file.current() for file in self._files]
        self.current = _together(self._contents)

    def look(self) -> None:
        """Reload what has changed; may be called in another thread."""
        contents = [file.current() for file in self._files]
        if all(new is old for new, old in zip(contents, self._contents, strict=True)):
            return
        self._contents = contents
        try:
            self.current = _together(contents)
        except ManifestError as error:
            LOGGER.warning("trusted documents: %s; those before stay in force", error)
            return
        self._known = self.current.by_text

    def _read_file(self, path: Path) -> dict[str, CachedDocument]:
        try:
            texts = read_manifest(path)
            return {name: self._document(name, text) for name, text in texts.items()}
        except ManifestError as error:
            raise ManifestError(f"{path}: {error}" if self._several else str(error)) from None

    def _document(self, document_id: str, text: str) -> CachedDocument:
        known = self._known.get(text)
        if known is None:
            known = _read_trusted(self._read, document_id, text)
            # A broken manifest is read repeatedly, but its valid documents are parsed only once.
            self._known = {**self._known, text: known}
        return known


def _together(contents: Iterable[Mapping[str, CachedDocument]]) -> Trusted:
    by_id: dict[str, CachedDocument] = {}
    for document_id, document in (entry for content in contents for entry in content.items()):
        if by_id.setdefault(document_id, document).text != document.text:
            raise ManifestError(f"two documents have the id {document_id!r}")
    by_text = {document.text: document for document in by_id.values()}
    for text, document in by_text.items():
        # Automatic persisted queries use the hash, whatever ids the manifest has.
        by_id.setdefault(_sha256(text), document)
    return Trusted(by_id, by_text)


class Documents:
    """Finds the document of a request: sent along, named by its hash, or trusted.

    Automatic persisted queries: a request names the document by its SHA-256, and sends it along
    if the gateway responds that it does not have it.
    https://www.apollographql.com/docs/apollo-server/performance/apq

    Trusted documents are found by id and hash while they are in their manifest. With
    `trusted_only`, no others are run.
    """

    def __init__(
        self, reader: DocumentReader, trusted: TrustedDocuments, *, trusted_only: bool = False
    ) -> None:
        self._cache = DocumentCache(reader.read, shape=reader.shape)
        self._trusted = trusted
        self._trusted_only = trusted_only

    def find(self, request: GraphQLRequest) -> CachedDocument:
        """The document; raises RequestError if it is unknown, not allowed or invalid."""
        if request.query is None:
            return self._named(request)
        if request.document_hash is not None:
            return self._persisted(request.query, request.document_hash)
        return self._sent(request.query)

    def _sent(self, text: str) -> CachedDocument:
        by_text = self._trusted.current.by_text
        trusted = by_text.get(text) if by_text else None
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
        by_id = self._trusted.current.by_id
        document = by_id.get(name)
        if document is None:
            sha256 = name.removeprefix("sha256:").lower()
            document = by_id.get(sha256)
            if document is None and request.document_id is None:
                document = self._cache.get_by_hash(sha256)
        if document is None:
            # Clients compare this message literally.
            raise request_error(
                "PersistedQueryNotFound", ErrorCode.PERSISTED_QUERY_NOT_FOUND, well_formed=True
            )
        return document

    def _persisted(self, text: str, name: str) -> CachedDocument:
        trusted = self._trusted.current.by_id.get(name)
        if trusted is not None and trusted.text == text:
            return trusted
        if trusted is None and not _SHA256.fullmatch(name):
            raise request_error("`persistedQuery.sha256Hash` must be 64 hexadecimal digits.")
        sha256 = name.lower()
        if _sha256(text) != sha256:
            raise request_error("`persistedQuery.sha256Hash` is not the hash of `query`.")
        document = self._sent(text)
        if text not in self._trusted.current.by_text:
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


def _read_trusted(
    read: Callable[[str], CachedDocument], document_id: str, text: str
) -> CachedDocument:
    try:
        return read(text)
    except RequestError as error:
        raise ManifestError(f"document {document_id!r} is not valid: {error}") from None

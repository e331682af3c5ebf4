"""Documents named by hash or by id instead of being sent."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.graphql.persisted import ManifestError, read_manifest

QUERY = "{gateway{version}}"


def persisted(text: str = QUERY, **more: object) -> dict[str, object]:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256}}, **more}


async def test_persisted_query_is_asked_for_once(caller):
    """Unknown at first, the document is sent along once and known by its hash from then on."""
    unknown = await caller.post(**persisted())
    sent = await caller.post(QUERY, **persisted())
    known = await caller.post(**persisted())

    assert unknown.codes == ["PERSISTED_QUERY_NOT_FOUND"]
    assert unknown.message == "PersistedQueryNotFound"
    assert unknown.status == 200
    assert sent.json == known.json == {"data": {"gateway": {"version": "1"}}}


async def test_persisted_query_by_get(caller):
    """A query by its hash alone fits into a URL."""
    await caller.post(QUERY, **persisted())

    answer = await caller.get("extensions=" + json.dumps(persisted()["extensions"]))

    assert answer.json == {"data": {"gateway": {"version": "1"}}}


async def test_wrong_hash_is_refused(caller):
    """Nobody can leave a document under the hash of another one."""
    answer = await caller.post("{__typename}", **persisted())

    assert answer.status == 400
    assert answer.codes == ["BAD_REQUEST"]
    assert (await caller.post(**persisted())).codes == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_wrong_document_is_not_persisted(caller):
    """A document that cannot be run is not known afterwards."""
    answer = await caller.post("{nothing}", **persisted("{nothing}"))

    assert answer.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert (await caller.post(**persisted("{nothing}"))).codes == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.fixture
def trusting(calling):
    """A caller where one document is trusted, and no other is run."""
    return calling(trusted_documents={"version": QUERY, "same": QUERY}, trusted_only=True)


@pytest.mark.parametrize(
    "parameters",
    [
        {"documentId": "version"},
        {"id": "same"},
        {"documentId": "sha256:version"},
        {"query": QUERY},
        persisted(),
    ],
    ids=["id", "other-id", "prefixed-id", "text", "hash"],
)
async def test_trusted_document_is_run(trusting, parameters):
    """By any of its ids, by its hash, or sent word for word."""
    answer = await trusting.post(**parameters)

    assert answer.json == {"data": {"gateway": {"version": "1"}}}


async def test_trusted_document_by_hash(calling):
    """Apollo's manifests use the hash as the id, and its clients send that."""
    sha256 = hashlib.sha256(QUERY.encode()).hexdigest()
    caller = calling(trusted_documents={sha256: QUERY}, trusted_only=True)

    named = await caller.post(**persisted())
    along = await caller.post(QUERY, **persisted())

    assert named.json == along.json == {"data": {"gateway": {"version": "1"}}}


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": "{__typename}"},
        {"query": QUERY + " "},
        {"query": "{"},
        persisted("{__typename}", query="{__typename}"),
    ],
    ids=["other", "other-spaces", "syntax", "persisted"],
)
async def test_other_documents_are_refused(trusting, parameters):
    """With trusted documents alone, nothing else is even parsed."""
    answer = await trusting.post(**parameters)

    assert answer.status == 403
    assert answer.codes == ["FORBIDDEN"]


async def test_unknown_id_is_not_found(trusting):
    """An id that is in no manifest is no document."""
    answer = await trusting.post(documentId="nothing")

    assert answer.codes == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_trusted_documents_do_not_shut_out_others(calling):
    """Unless asked to, a manifest only adds names."""
    caller = calling(trusted_documents={"version": QUERY})

    assert (await caller.post("{__typename}")).json == {"data": {"__typename": "Query"}}


def test_invalid_trusted_document_is_named(calling):
    """A manifest that does not fit the schema stops the start."""
    with pytest.raises(ManifestError, match="document 'x' is not valid: Cannot query field"):
        calling(trusted_documents={"x": "{nothing}"})


@pytest.fixture
def written(tmp_path):
    """Writes a manifest and reads it."""

    def read(text: str) -> dict[str, str]:
        path = tmp_path / "manifest.json"
        path.write_text(text)
        return read_manifest(path)

    return read


def test_manifest_of_apollo(written):
    """As `generate-persisted-query-manifest` writes it."""
    operation = {"id": "abc", "name": "Version", "type": "query", "body": QUERY}
    manifest = {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [operation],
    }

    assert written(json.dumps(manifest)) == {"abc": QUERY}


def test_manifest_of_relay(written):
    """As Relay's compiler and graphql-codegen's client preset write it."""
    assert written(json.dumps({"abc": QUERY})) == {"abc": QUERY}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"a": 5}', "must map ids to documents, or be an Apollo manifest"),
        ('{"format": "other"}', "is of an unknown format or version"),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 2}',
            "is of an unknown format or version",
        ),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1}',
            "has an operation without `id` or `body`",
        ),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{}]}',
            "has an operation without `id` or `body`",
        ),
    ],
)
def test_unreadable_manifest_is_explained(written, text, fault):
    """An operator learns what is wrong with the file."""
    with pytest.raises(ManifestError, match=fault):
        written(text)


def test_missing_manifest_is_explained(tmp_path):
    """So with a file that is not there."""
    with pytest.raises(ManifestError, match="cannot be read: No such file"):
        read_manifest(tmp_path / "nothing.json")

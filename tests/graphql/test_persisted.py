"""Documents named by hash or by id instead of being sent."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.graphql.documents import DocumentReader
from gateway.graphql.persisted import ManifestError, TrustedDocuments, read_manifest
from gateway.settings.limits import Limits

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
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": null}',
            "has an operation without `id` or `body`",
        ),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [1]}',
            "has an operation without `id` or `body`",
        ),
    ],
)
def test_unreadable_manifest_is_explained(written, text, fault):
    """An operator learns in one line what is wrong with the file."""
    with pytest.raises(ManifestError, match=fault) as caught:
        written(text)

    assert "\n" not in str(caught.value)


def test_missing_manifest_is_explained(tmp_path):
    """So with a file that is not there."""
    with pytest.raises(ManifestError, match="cannot be read: No such file"):
        read_manifest(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    "name",
    ["0c5a1e5d0f2b4c6d8e9fa0b1c2d3e4f5", "6852b4ffb9b2add9b23edc744d483f2390408dc7", "Version"],
    ids=["md5", "sha1", "word"],
)
async def test_trusted_id_may_come_as_the_hash(calling, name):
    """Compilers may make ids of anything, and clients send them where the hash belongs."""
    caller = calling(trusted_documents={name: QUERY}, trusted_only=True)
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": name}}

    named = await caller.post(extensions=extensions)
    along = await caller.post(QUERY, extensions=extensions)
    empty = await caller.get("query=&extensions=" + json.dumps(extensions))

    assert named.json == along.json == empty.json == {"data": {"gateway": {"version": "1"}}}


async def test_trusted_id_does_not_vouch_for_another_document(calling):
    """Beside a document that is sent, the id has to be its own."""
    caller = calling(trusted_documents={"version": QUERY})
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "version"}}

    answer = await caller.post("{__typename}", extensions=extensions)

    assert answer.status == 400
    assert answer.message == "`persistedQuery.sha256Hash` is not the hash of `query`."


async def test_only_a_hash_registers(caller):
    """An unknown id is unknown, and nothing can be left under it."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "version"}}

    unknown = await caller.post(extensions=extensions)
    along = await caller.post(QUERY, extensions=extensions)

    assert unknown.codes == ["PERSISTED_QUERY_NOT_FOUND"]
    assert along.status == 400
    assert along.message == "`persistedQuery.sha256Hash` must be 64 hexadecimal digits."


async def test_hash_is_read_in_either_case(caller):
    """Hexadecimal digits have no case of their own."""
    extensions = persisted()["extensions"]
    sha256 = hashlib.sha256(QUERY.encode()).hexdigest().upper()
    upper = {"persistedQuery": {"version": 1, "sha256Hash": sha256}}
    await caller.post(QUERY, extensions=upper)

    for named in (extensions, upper):
        assert (await caller.post(extensions=named)).json == {"data": {"gateway": {"version": "1"}}}


def test_manifest_may_begin_with_a_byte_order_mark(tmp_path):
    """Some programs write one in front of everything."""
    path = tmp_path / "manifest.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": QUERY}).encode())

    assert read_manifest(path) == {"a": QUERY}


class Manifests:
    """Two manifests on disk, and what is trusted because of them."""

    def __init__(self, schema, folder):
        self.paths = [folder / "web.json", folder / "app.json"]
        self.put(0, web=QUERY)
        self.put(1, app="{__typename}")
        self.reads: list[str] = []
        self.reader = DocumentReader(schema, Limits(), introspection=False)
        self.trusted = TrustedDocuments(self.read, self.paths)

    def read(self, text):
        self.reads.append(text)
        return self.reader.read(text)

    def put(self, place: int, /, **texts: str) -> None:
        self.write(place, json.dumps(texts))

    def write(self, place: int, content: str) -> None:
        """As a deployment does it: another file under the same name."""
        other = self.paths[place].with_suffix(".new")
        other.write_text(content)
        other.replace(self.paths[place])

    def ids(self) -> list[str]:
        """The ids that the manifests gave, without the hashes."""
        self.trusted.look()
        return sorted(name for name in self.trusted.current.by_id if len(name) < 64)


@pytest.fixture
def manifests(schema, tmp_path):
    return Manifests(schema, tmp_path)


def test_manifests_are_taken_together(manifests):
    """Each frontend has its own."""
    assert manifests.ids() == ["app", "web"]


def test_replaced_manifest_is_taken_over(manifests):
    """A new frontend's documents are run, and those that have stayed are not read again."""
    before = manifests.trusted.current.by_id["web"]
    manifests.put(0, web=QUERY, new="{gateway{next{version}}}")

    assert manifests.ids() == ["app", "new", "web"]
    assert manifests.trusted.current.by_id["web"] is before
    assert manifests.reads.count(QUERY) == 1


def test_document_that_is_gone_is_not_trusted_any_longer(manifests):
    """By no id, by no hash and by no text."""
    manifests.put(0)

    assert manifests.ids() == ["app"]
    assert list(manifests.trusted.current.by_text) == ["{__typename}"]
    assert len(manifests.trusted.current.by_id) == 2


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"web":"{nothing}"}', '{"web":"{"}'],
    ids=["cut", "list", "schema", "syntax"],
)
def test_broken_manifest_leaves_the_last_good_one(manifests, caplog, content):
    """The log says so once, and the other manifest's changes are taken over all the same."""
    manifests.write(0, content)
    manifests.put(1, app="{__typename}", more="{gateway{version}}")

    assert manifests.ids() == manifests.ids() == ["app", "more", "web"]
    assert [record.name for record in caplog.records] == ["gateway.files"]
    assert str(manifests.paths[0]) in caplog.text


def test_mended_manifest_is_taken_over(manifests):
    """What was good in the broken one is not read again."""
    manifests.write(0, '{"a":"{gateway{version}}","b":"{a:__typename}","c":"{nothing}"}')
    manifests.ids()
    manifests.put(0, b="{a:__typename}")

    assert manifests.ids() == ["app", "b"]
    assert manifests.reads.count("{a:__typename}") == 1


def test_contradiction_leaves_what_was_in_force(manifests, caplog):
    """One id for two documents: nobody could know which one is run."""
    manifests.put(1, web="{__typename}")

    assert manifests.ids() == manifests.ids() == ["app", "web"]
    assert caplog.messages == [
        "trusted documents: two documents have the id 'web'; those before stay in force"
    ]


def test_same_document_twice_is_no_contradiction(manifests):
    """Frontends may share documents."""
    manifests.put(1, web=QUERY)

    assert manifests.ids() == ["web"]

"""What settings name is tried before anything is served, and all faults are named at once."""

from __future__ import annotations

import json

import pytest

from gateway.checks import checked_settings
from gateway.settings.loading import SettingsError
from tests.fakes.environment import PROVIDER, SECRET, plain_environment


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Sets `GATEWAY_*` variables; begins with the two that are required."""
    put = plain_environment(monkeypatch, tmp_path)
    put(UPSTREAM_API_KEY=SECRET, AUTH="none")
    return put


def faults() -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        checked_settings()
    return caught.value.faults


def test_contradictions_are_named_with_all_other_faults(environment, tmp_path):
    """Settings that do not go together are no second round."""
    (tmp_path / "documents.json").write_text(json.dumps({"one": "{nothing}"}))
    environment(
        AUTH="tokens", PORT="http", TLS_KEY="key", JWT_SCOPE="a", DOCUMENTS="documents.json"
    )

    named = [fault.partition(":")[0] for fault in faults()]

    assert named == [
        "GATEWAY_AUTH_TOKENS_FILE",
        "GATEWAY_JWT_SCOPE",
        "GATEWAY_TLS_CERT",
        "GATEWAY_PORT",
        "GATEWAY_DOCUMENTS",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        (b" \n", "the API key is empty"),
        (b"k\xc3\xa9y", "the API key may hold printable ASCII characters only"),
        (b"\xff\xfe", "the API key may hold printable ASCII characters only"),
    ],
    ids=["absent", "empty", "not-ascii", "not-text"],
)
def test_a_bad_key_file_is_named(environment, monkeypatch, tmp_path, content, fault):
    """A key file that is of no use stops the start."""
    monkeypatch.delenv("GATEWAY_UPSTREAM_API_KEY")
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    environment(UPSTREAM_API_KEY_FILE=str(tmp_path / "key"))

    assert faults() == (f"GATEWAY_UPSTREAM_API_KEY_FILE: {fault}",)


def test_a_bad_proxy_is_named(environment, monkeypatch):
    """The environment's proxy is part of what has to be right at start."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("https_proxy", f"socks5://u:{SECRET}@proxy.example")

    (fault,) = faults()

    assert fault.startswith("GATEWAY_UPSTREAM_URL: the environment's proxy for it must be")
    assert SECRET not in fault


def test_manifest_is_read_at_once(environment, tmp_path):
    """A manifest that cannot be used is named before anything is served."""
    manifest = tmp_path / "documents.json"
    manifest.write_text("[]")
    environment(DOCUMENTS=str(manifest), DOCUMENTS_ONLY="true")

    assert faults() == ("GATEWAY_DOCUMENTS: must be a JSON object",)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{nothing}", "document 'one' is not valid: Cannot query field 'nothing' on type 'Query'."),
        ("{", "document 'one' is not valid: Syntax Error: Expected Name, found <EOF>."),
    ],
    ids=["schema", "syntax"],
)
def test_trusted_documents_are_validated_at_once(environment, tmp_path, document, fault):
    """A document that could never be run is named before anything is served."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"one": document}))
    environment(DOCUMENTS=str(manifest))

    assert faults() == (f"GATEWAY_DOCUMENTS: {fault}",)


def test_trusted_documents_fit_the_schema_that_is_served(environment, tmp_path):
    """A router's document is at home in a subgraph alone."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"one": "{_entities(representations: []) {__typename}}"}))
    environment(DOCUMENTS=str(manifest))

    (fault,) = faults()
    settings = checked_settings(federation=True)

    assert "Cannot query field '_entities'" in fault
    assert settings.documents == (manifest,)


@pytest.mark.parametrize(
    ("auth", "name"), [("tokens", "AUTH_TOKENS_FILE"), ("jwt", "JWT_JWKS_FILE")]
)
def test_an_unreadable_file_is_named(environment, auth, name):
    """A file that is not there stops the start."""
    given = {"JWT_ISSUER": "https://id.example.com/", "JWT_AUDIENCE": "invites"}
    environment(AUTH=auth, **{name: "absent"}, **(given if auth == "jwt" else {}))

    (fault,) = faults()

    assert fault == f"GATEWAY_{name}: cannot be read: No such file or directory"


@pytest.mark.parametrize("scheme", ["socks5", "https"])
def test_a_bad_proxy_to_the_provider_is_named(environment, monkeypatch, scheme):
    """A proxy that cannot be used would show when the first token comes."""
    monkeypatch.setenv("no_proxy", "app.xobin.com")
    monkeypatch.setenv("https_proxy", f"{scheme}://u:{SECRET}@proxy.example")
    environment(AUTH="jwt", **PROVIDER)

    (fault,) = faults()

    assert fault.startswith("GATEWAY_JWT_JWKS_URL: the environment's proxy for it must be")
    assert SECRET not in fault


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            {"TLS_CERT": "absent"},
            "TLS_CERT: this or GATEWAY_TLS_KEY cannot be read: No such file or directory",
        ),
        (
            {"TLS_CERT": "key"},
            "TLS_CERT: this and GATEWAY_TLS_KEY must be a certificate and its key, unencrypted",
        ),
        ({"UPSTREAM_CA_FILE": "key"}, "UPSTREAM_CA_FILE: holds no certificate in PEM"),
        (
            {"UPSTREAM_CA_FILE": "absent"},
            "UPSTREAM_CA_FILE: cannot be read: No such file or directory",
        ),
    ],
    ids=["absent", "no-certificate", "no-authority", "absent-authority"],
)
def test_bad_settings_of_tls_are_named(environment, tmp_path, given, fault):
    """What could not be served or trusted stops the start."""
    (tmp_path / "key").write_text("secret")

    environment(**given)

    assert faults() == (f"GATEWAY_{fault}",)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(" \n", "is empty"), (None, "cannot be read: No such file or directory")],
    ids=["empty", "absent"],
)
def test_a_bad_store_secret_is_named(environment, tmp_path, content, fault):
    """Hashes made with no secret would not be found again."""
    if content is not None:
        (tmp_path / "secret").write_text(content)
    environment(STORE_SECRET_FILE="secret")

    assert faults() == (f"GATEWAY_STORE_SECRET_FILE: {fault}",)


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ("[]", "{path}: must be a JSON object"),
        ('{{"one":"{{nothing}}"}}', "{path}: document 'one' is not valid: Cannot query field"),
        ('{{"one":"{{__typename}}"}}', "two documents have the id 'one'"),
    ],
    ids=["broken", "invalid", "contradiction"],
)
def test_every_manifest_is_tried(environment, tmp_path, other, fault):
    """Which of several is of no use is said, and so is what they do not agree on."""
    paths = tmp_path / "documents.json", tmp_path / "other.json"
    paths[0].write_text(json.dumps({"one": "{gateway{version}}"}))
    paths[1].write_text(other.format())
    environment(DOCUMENTS=",".join(map(str, paths)))

    (said,) = faults()

    assert said.startswith("GATEWAY_DOCUMENTS: " + fault.format(path=paths[1]))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("STORE_URL", "holds no postgresql:// URL"),
        ("RATE_LIMIT_URL", "must be valkey://HOST:PORT or redis://HOST:PORT, with an s for TLS"),
    ],
)
def test_a_bad_file_with_a_url_is_named(environment, tmp_path, name, fault):
    """A file that holds something else, or is not there, stops the start; it is not quoted."""
    (tmp_path / "url").write_bytes(SECRET.encode() + b"\xff")
    environment(**{f"{name}_FILE": str(tmp_path / "url")})
    wrong = faults()
    (tmp_path / "url").unlink()

    assert wrong == (f"GATEWAY_{name}_FILE: {fault}",)
    assert faults() == (f"GATEWAY_{name}_FILE: cannot be read: No such file or directory",)


@pytest.mark.parametrize(
    ("url", "faulty"), [("STORE_URL", "STORE_URL"), ("RATE_LIMIT_URL", "RATE_LIMIT_URL_FILE")]
)
def test_a_url_is_given_once(environment, tmp_path, url, faulty):
    """Either in the environment or in a file."""
    (tmp_path / "url").write_text("postgresql://h/d" if url == "STORE_URL" else "valkey://h")
    given = (tmp_path / "url").read_text()
    environment(**{url: given, f"{url}_FILE": str(tmp_path / "url")})

    [fault] = faults()

    assert fault.startswith(f"GATEWAY_{faulty}: set either this or GATEWAY_")


def test_workers_may_share_the_store_of_a_file(environment, tmp_path):
    """That PostgreSQL is in a file makes it no less PostgreSQL."""
    (tmp_path / "url").write_text("postgresql://h/d")
    environment(STORE_URL_FILE=str(tmp_path / "url"), WORKERS="2")

    assert checked_settings().workers == 2


def test_the_client_of_shared_counts_is_an_extra(environment, monkeypatch):
    """Without it the start says what to install."""
    monkeypatch.setattr("gateway.checks.find_spec", lambda _: None)
    environment(RATE_LIMIT_URL="valkey://h")

    assert faults() == (
        "GATEWAY_RATE_LIMIT_URL: needs the extra: pip install 'track-invite-gateway[valkey]'",
    )

"""Settings come from the environment and a `.env` file, and all faults are named at once."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr, ValidationError

from gateway.settings.loading import load_settings
from gateway.settings.model import CodedSettings, Settings
from gateway.stores.opening import store_secret_of
from tests.fakes.environment import SECRET, faults


def test_two_settings_are_enough(environment):
    """A key and an explicit answer on authentication make a working gateway."""
    settings = load_settings(Settings)

    assert settings.upstream_url == "https://app.xobin.com/api/v2"
    assert not settings.explorer
    assert not settings.introspection


def test_what_is_missing_is_named_at_once():
    """A bare start lists every required setting with what it is for."""
    auth, key = faults()

    assert key.startswith("GATEWAY_UPSTREAM_API_KEY_FILE: this or GATEWAY_UPSTREAM_API_KEY is")
    assert auth.startswith("GATEWAY_AUTH: is required. Who may call")


def test_all_faults_are_named_at_once(environment):
    """Nobody has to start the gateway once per mistake."""
    environment(PORT="http", UPSTREAM_URL="ftp://x", UPSTREAM_TIMEOUT_SECONDS="nan", WORKERS="0")

    named = [fault.partition(":")[0] for fault in faults()]

    assert named == [
        "GATEWAY_UPSTREAM_URL",
        "GATEWAY_UPSTREAM_TIMEOUT_SECONDS",
        "GATEWAY_PORT",
        "GATEWAY_WORKERS",
    ]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"AUTH": "maybe", "JWT_SCOPE": "a"}, "AUTH"),
        ({"MAX_DEPTH": "x", "DOCUMENTS": "documents.json"}, "MAX_DEPTH"),
    ],
    ids=["authentication", "limits"],
)
def test_nothing_is_said_of_what_depends_on_a_fault(environment, tmp_path, given, name):
    """Whether a scope is of use, or a document fits, is not known before that is mended."""
    (tmp_path / "documents.json").write_text(json.dumps({"one": "{nothing}"}))
    environment(**given)

    (fault,) = faults()

    assert fault.startswith(f"GATEWAY_{name}: ")


def test_a_dot_env_file_is_read(tmp_path):
    """A file next to the command is enough, and the environment goes above it."""
    (tmp_path / ".env").write_text(f"GATEWAY_UPSTREAM_API_KEY={SECRET}\nGATEWAY_AUTH=none\n")

    settings = load_settings(Settings, port=1)

    assert settings.upstream_api_key is not None
    assert settings.upstream_api_key.get_secret_value() == SECRET


def test_a_misspelt_variable_is_named(environment):
    """A slip of the pen does not leave a default in force unseen."""
    environment(UPSTREAM_APIKEY="x")

    assert faults() == (
        "GATEWAY_UPSTREAM_APIKEY: unknown setting; did you mean GATEWAY_UPSTREAM_API_KEY?",
    )


def test_a_misspelt_line_of_the_file_is_named(environment, tmp_path):
    """A slip of the pen is one in the `.env` file too."""
    (tmp_path / ".env").write_text("GATEWAY_AUHT=tokens\n")

    assert faults() == ("GATEWAY_AUHT: unknown setting; did you mean GATEWAY_AUTH?",)


def test_a_file_that_is_no_text_is_named(environment, tmp_path):
    """A `.env` file in another encoding is told in a line."""
    (tmp_path / ".env").write_bytes("GATEWAY_AUTH=none".encode("utf-16"))

    assert faults() == (".env: is not UTF-8",)


def test_a_file_that_cannot_be_read_is_named(environment, tmp_path):
    """A `.env` file that the disk does not give is told in a line."""
    (tmp_path / ".env").symlink_to("/proc/self/mem")

    assert faults() == (".env: cannot be read: Input/output error",)


def test_an_unlike_variable_is_left_alone(environment):
    """Container platforms put variables of their own into the environment."""
    environment(SERVICE_HOST="10.0.0.1")

    assert load_settings(Settings).port == 8000


def test_settings_cannot_be_changed(environment):
    """What was checked stays as it was checked."""
    settings = load_settings(Settings)

    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_coded_settings_ignore_the_environment(environment):
    """`gateway dev` does the same on every machine."""
    environment(PORT="9")

    assert CodedSettings(auth="none", upstream_api_key=SecretStr("k")).port == 8000


def test_every_setting_is_described():
    """What a setting is for can be read everywhere it is listed."""
    assert all(field.description for field in Settings.model_fields.values())


def test_only_trusted_documents_need_some(environment):
    """Refusing all documents but those of no manifest is a contradiction."""
    environment(DOCUMENTS_ONLY="true")

    (fault,) = faults()

    assert fault == "GATEWAY_DOCUMENTS_ONLY: needs GATEWAY_DOCUMENTS, or nothing could be run"


def test_trusted_documents_that_fit_are_taken(environment, tmp_path):
    """Manifests in order are no fault, one or several."""
    manifest, other = tmp_path / "documents.json", tmp_path / "other.json"
    manifest.write_text(json.dumps({"one": "{gateway{version}}"}))
    other.write_text(json.dumps({"two": "{__typename}"}))
    environment(DOCUMENTS=f"{manifest}, {other}", DOCUMENTS_ONLY="true")

    assert load_settings(Settings).documents == (manifest, other)


def test_nothing_has_to_be_set_up_for_keys(environment):
    """Keys work in a file beside the gateway, with a secret that the store keeps."""
    settings = load_settings(Settings)

    assert settings.store_url.get_secret_value() == "sqlite:///gateway.db"
    assert store_secret_of(settings) is None


def test_store_password_is_not_shown(environment):
    """The store's URL may hold a password."""
    environment(STORE_URL="postgresql://u:pass-word@h/d")

    assert "pass-word" not in repr(load_settings(Settings))


@pytest.mark.parametrize("url", ["mysql://h/d", "gateway.db", "sqlite:///"])
def test_unknown_store_is_a_fault(environment, url):
    """What is no store is refused with those that are."""
    environment(STORE_URL=url)

    [fault] = faults()
    assert fault.startswith("GATEWAY_STORE_URL: must be sqlite:///FILE")


def test_sqlite_serves_one_worker(environment):
    """Several processes on one file are refused before any of them starts."""
    environment(WORKERS="2")
    [fault] = faults()
    assert fault.startswith("GATEWAY_STORE_URL: a SQLite file serves one process")

    environment(STORE_URL="postgresql://h/d")

    assert load_settings(Settings).workers == 2


def test_store_secret_comes_from_the_setting_or_a_file(environment, tmp_path):
    """Either way it is the same secret."""
    path = tmp_path / "secret"
    path.write_text("hush\n")

    assert store_secret_of(load_settings(Settings, store_secret=SecretStr("hush"))) == b"hush"
    assert store_secret_of(load_settings(Settings, store_secret_file=path)) == b"hush"


def test_store_secret_is_given_once(environment, tmp_path):
    """Two secrets are one too many."""
    [both] = faults(store_secret_file=tmp_path / "secret", store_secret=SecretStr("hush"))

    assert "not both" in both


def test_lease_outlives_the_request_by_far(environment):
    """A lease near a request's own time would let two gateways send at once."""
    environment(REQUEST_TIMEOUT_SECONDS="100")

    [fault] = faults()
    assert fault.startswith("GATEWAY_LEASE_SECONDS: must be at least 4 times")


def test_replay_lasts_a_day_at_least(environment):
    """Keys that are forgotten sooner would let a late repetition send again."""
    environment(IDEMPOTENCY_HOURS="1")

    [fault] = faults()
    assert fault.startswith("GATEWAY_IDEMPOTENCY_HOURS")

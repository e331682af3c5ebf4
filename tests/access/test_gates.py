"""Access as the settings have it, over HTTP and before the request is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.access.token_file import new_token, token_line
from gateway.app import create_app
from tests.fakes.applications import FakeTrack
from tests.fakes.identity import AUDIENCE, ISSUER, running_provider, signing_key
from tests.fakes.settings import settings

ROOT = Path(__file__).parents[2]
QUERY = {"query": "{gateway{version}}"}


def ask(client: TestClient, token: str | None = None, query: object = QUERY):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return client.post("/graphql", headers=headers, json=query)


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    """The gateway's records lie where the test's files do."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def provider():
    with running_provider() as provider:
        yield provider


@pytest.fixture
def jwt_client(provider):
    given = settings(
        auth="jwt",
        jwt_jwks_url=provider.url,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwt_scope="invite",
    )
    with TestClient(create_app(given)) as client:
        yield client


def test_a_token_of_the_file_lets_in(tmp_path):
    """With `tokens` only the file's callers are answered."""
    token, path = new_token(), tmp_path / "tokens"
    path.write_text(token_line("ats", token))
    with TestClient(create_app(settings(auth="tokens", auth_tokens_file=path))) as client:
        answers = [ask(client, given).status_code for given in (token, new_token(), None)]

    assert answers == [200, 401, 401]


def test_a_token_of_the_provider_lets_in(provider, jwt_client):
    """With `jwt` the provider's tokens are good, whatever the rest."""
    key, stranger = signing_key("one"), signing_key("two")
    provider.publish(key)
    tokens = key.token(), key.token(scope="read"), stranger.token(), None

    assert [ask(jwt_client, token).status_code for token in tokens] == [200, 403, 401, 401]


def test_reading_may_need_a_scope_of_its_own(provider):
    """A token without it is told so by the fields that read, and may do all else."""
    key = signing_key("one")
    provider.publish(key)
    given = settings(
        auth="jwt",
        jwt_jwks_url=provider.url,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwt_read_scope="applications",
    )
    track = FakeTrack(9)
    query = {"query": "{gateway{version} application(trackId:6578,applicationId:7){name}}"}

    with TestClient(create_app(given, upstream=track, applicants=track)) as client:
        without = ask(client, key.token(), query).json()
        holding = ask(client, key.token(scope="applications"), query).json()

    assert without["data"]["application"] is None
    assert without["data"]["gateway"]["version"]
    assert without["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert holding["data"]["application"] == {"name": "Candidate 7"}
    assert track.calls == 1


def test_a_provider_that_is_down_is_not_the_callers_fault(provider, jwt_client):
    """The caller keeps its token and comes back."""
    provider.fail()

    answer = ask(jwt_client, signing_key("one").token())

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


def test_a_file_of_the_providers_keys_will_do(tmp_path):
    """A gateway that cannot reach the provider gets its keys as a file."""
    key = signing_key("one")
    with running_provider() as provider:
        provider.publish(key)
        (tmp_path / "keys").write_bytes(provider.body)
    given = settings(
        auth="jwt", jwt_jwks_file=tmp_path / "keys", jwt_issuer=ISSUER, jwt_audience=AUDIENCE
    )

    with TestClient(create_app(given)) as client:
        assert ask(client, key.token()).status_code == 200


def test_nothing_is_read_before_the_caller_is_known(jwt_client):
    """A stranger learns nothing of what is wrong with the request."""
    answer = ask(jwt_client, None, {"query": "{"})

    assert answer.status_code == 401


def test_probes_need_no_token(jwt_client):
    """Whoever runs the gateway can ask whether it is alive."""
    assert jwt_client.get("/livez").status_code == 200


def test_a_refusal_has_the_shape_of_an_answer(jwt_client):
    """A GraphQL client understands it, and the challenge is there."""
    answer = ask(jwt_client, "not-a-token")

    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "not-a-token" not in answer.text


def test_cryptography_is_loaded_for_tokens_of_a_provider_alone():
    """Nine mebibytes in every worker are not spent on what is switched off."""
    program = (
        "import sys; from gateway.app import create_app; from gateway.settings.model import CodedSettings;"
        " create_app(CodedSettings(upstream_api_key='k', auth='none', store_url='sqlite:///:memory:'));"
        " sys.exit('jwt' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60, cwd=ROOT)

    assert done.returncode == 0

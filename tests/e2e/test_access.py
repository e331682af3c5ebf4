"""Access in the real `serve`: tokens that change, SIGHUP, proxies, and a warning."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from gateway.access.token_file import new_token, token_line
from tests.e2e.conftest import DOCUMENT, serve_settings
from tests.e2e.processes import running


def ask(address: str, token: str = "", **headers: str) -> int:
    """The status of the answer to a query."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    given = {"content-type": "application/json", "authorization": f"Bearer {token}"} | headers
    try:
        connection.request("POST", "/graphql", json.dumps({"query": "{__typename}"}), given)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def until_always(status: int, address: str, token: str) -> Iterator[int]:
    """The answers until, it seems, every worker gives this one."""
    in_a_row = 0
    while in_a_row < 20:
        answered = ask(address, token)
        in_a_row = in_a_row + 1 if answered == status else 0
        yield answered


@pytest.mark.parametrize("workers", ["1", "2"])
def test_hangup_rereads_tokens_and_drops_nobody(tmp_path, postgres_url, workers):
    """After SIGHUP the file's new token is good, the old one is not, and the process is the same."""
    old, new = new_token(), new_token()
    (tmp_path / "tokens").write_text(token_line("ats", old))
    settings = serve_settings(
        "http://127.0.0.1:9",
        AUTH="tokens",
        AUTH_TOKENS_FILE="tokens",
        WORKERS=workers,
        STORE_URL=postgres_url,
    )
    with running(tmp_path, "serve", **settings) as gateway:
        address = gateway.address()
        before = [ask(address, token) for token in (old, new)]
        (tmp_path / "tokens").write_text(token_line("ats", new))
        gateway.process.send_signal(signal.SIGHUP)
        answers = {*until_always(401, address, old), *until_always(200, address, new)}

        assert before == [200, 401]
        assert answers == {200, 401}
        assert gateway.process.poll() is None
        assert gateway.stop() == 0
        assert old not in gateway.errors()


def test_listening_to_all_without_authentication_is_warned_of(tmp_path):
    """Nobody opens the company's invites to the network unawares."""
    open_to_all = serve_settings("http://127.0.0.1:9", HOST="0.0.0.0")
    with running(tmp_path, "serve", **open_to_all) as gateway:
        gateway.address()
        told = gateway.errors()
    with running(tmp_path, "serve", **serve_settings("http://127.0.0.1:9")) as gateway:
        gateway.address()
        told_on_loopback = gateway.errors()

    assert "GATEWAY_AUTH is none" in told
    assert "GATEWAY_AUTH is none" not in told_on_loopback


@pytest.mark.parametrize(
    ("proxies", "statuses"), [("127.0.0.1", [200, 200, 429]), ("10.0.0.0/8", [200, 429, 429])]
)
def test_only_a_trusted_proxy_names_the_client(tmp_path, proxies, statuses):
    """Behind a proxy its clients are counted one by one; nobody else can pose as another."""
    settings = serve_settings(
        "http://127.0.0.1:9", TRUSTED_PROXIES=proxies, REQUESTS_PER_MINUTE="1"
    )
    with running(tmp_path, "serve", **settings) as gateway:
        address = gateway.address()
        clients = ["203.0.113.1", "203.0.113.2", "203.0.113.1"]
        answers = [ask(address, **{"x-forwarded-for": client}) for client in clients]

    assert answers == statuses


def test_forwarded_keys_reach_the_platform_and_stay_nowhere(tmp_path):
    """Right and wrong keys make the difference they should, and neither is kept."""
    with running(tmp_path, "sandbox", "--port", "0") as sandbox:
        settings = serve_settings(sandbox.address(), UPSTREAM_API_KEY_MODE="forward")
        del settings["UPSTREAM_API_KEY"]
        with running(tmp_path, "serve", **settings, LOG_LEVEL="debug") as gateway:
            address = gateway.address()
            kinds = [invite(address, key) for key in ("sandbox-key", "wrong-secret-key")]
            assert gateway.stop() == 0

    assert kinds == ["InviteCandidateSuccess", "UpstreamAuthenticationError"]
    for path in tmp_path.iterdir():
        assert b"sandbox-key" not in path.read_bytes(), path
        assert b"wrong-secret-key" not in path.read_bytes(), path


def invite(address: str, api_key: str) -> str:
    """The kind of answer to an invite with an idempotency key."""
    given = {"candidateName": "Ada", "candidateEmail": "ada@example.com", "trackId": 6578}
    body = {
        "query": DOCUMENT,
        "variables": {"input": given | {"idempotencyKey": f"key-of-{len(api_key)}"}},
    }
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    headers = {"content-type": "application/json", "x-upstream-api-key": api_key}
    try:
        connection.request("POST", "/graphql", json.dumps(body), headers)
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return str(answer["data"]["inviteCandidate"]["type"])

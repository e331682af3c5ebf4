"""Names, addresses, keys and tokens are found nowhere but in the answer that is theirs.

Canaries, all of them with one rare word, go through every success and failure of the stand-in,
of the hostile upstreams and of the endpoint, with everything logged that can be.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from starlette.types import Message

from gateway.access.token_file import new_token, token_line
from gateway.app import create_app
from gateway.sandbox.failures import READ_REFUSALS, REFUSALS, Mishap
from gateway.telemetry.logs import configure_logging
from tests.e2e.conftest import DOCUMENT, fetch, serve_settings
from tests.e2e.processes import Command, running
from tests.fakes import hostile
from tests.fakes.hostile import Hostile, Peer
from tests.fakes.identity import AUDIENCE, ISSUER, key_set, signing_key
from tests.fakes.settings import settings

CANARY = "zzyzx"
NAME = f"Canaria {CANARY}"
API_KEY = f"api-key-{CANARY}"
SECRETS = (CANARY, "sandbox-key")
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json",
    "authorization": f"Bearer token-{CANARY}",
    "cookie": f"session={CANARY}",
    "user-agent": f"agent-{CANARY}",
    "x-request-id": f"{CANARY}@example.com",
}
LOCAL_PARTS = ["ada", *REFUSALS, *(mishap.value for mishap in Mishap if mishap is not Mishap.SLOW)]


def request(email: str, **changed: object) -> dict[str, object]:
    given = {"candidateName": NAME, "candidateEmail": email, "trackId": 6578}
    return {"query": DOCUMENT, "variables": {"input": given | changed}}


READ = """
query Read($track: ID!, $one: ID!, $after: String, $filter: ApplicationFilter) {
  applications(trackId: $track, after: $after, filter: $filter) {
    nodes { name email details { parsedResume submittedResponses { value } } }
  }
  application(trackId: $track, applicationId: $one) { name email }
}
"""


def reading(track: object = 6578, **changed: object) -> dict[str, object]:
    """A request for whoever has the canary's name and address."""
    wanted = {"name": NAME, "email": f"{CANARY}@example.com", "stageId": CANARY}
    given = {"track": track, "one": 7, "filter": wanted}
    return {"query": READ, "variables": given | changed}


WRONG = {
    "not JSON": f'{{"query": "{CANARY}',
    "syntax": json.dumps({"query": f'mutation {{ inviteCandidate(input: "{CANARY}'}),
    "unknown field": json.dumps({"query": f'{{ nothing(value: "{CANARY}") }}'}),
    "wrong literal": json.dumps(
        {"query": f'mutation {{ inviteCandidate(input: "{CANARY}") {{ __typename }} }}'}
    ),
    "wrong variable": json.dumps(request("", candidateName=[CANARY])),
    "unknown input field": json.dumps(request("", trackId={"x": CANARY})),
    "wrong input": json.dumps(request(CANARY, candidateName="", trackId=CANARY)),
    "long key": json.dumps(request(f"{CANARY}@example.com", idempotencyKey=CANARY * 99)),
    "wrong enum": json.dumps(request(f"{CANARY}@example.com", inviteFormat=CANARY)),
    "wrong ids to read": json.dumps(reading(CANARY, one=CANARY)),
    "wrong cursor": json.dumps(reading(after=CANARY)),
    "wrong filter": json.dumps(reading(filter={"fromDate": CANARY, "name": f"{NAME}\n"})),
    "wrong operation": json.dumps(request("") | {"operationName": CANARY}),
    "unknown document": json.dumps({"documentId": CANARY}),
}


def post(gateway: str, body: str, path: str = "/graphql") -> str:
    connection = HTTPConnection(urlsplit(gateway).netloc, timeout=30)
    try:
        connection.request("POST", path, body, HEADERS)
        answer = connection.getresponse()
        return str(answer.headers) + answer.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, str, Path]]:
    """A real `serve` that logs all it can, in front of a real stand-in."""
    folder = tmp_path_factory.mktemp("privacy")
    with running(folder, "sandbox", "--port", "0") as sandbox:
        settings = serve_settings(sandbox.address(), LOG_LEVEL="debug", RETRY_ATTEMPTS="1")
        with running(folder, "serve", **settings) as gateway:
            yield gateway, gateway.address(), folder


def assert_kept(text: str | bytes) -> None:
    told = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    for secret in SECRETS:
        assert secret.encode() not in told.lower()


@pytest.mark.parametrize("local_part", LOCAL_PARTS)
@pytest.mark.parametrize("key", [None, f"key-{CANARY}"], ids=["keyless", "keyed"])
def test_failures_of_the_upstream_tell_nothing(talkative, local_part, key):
    """Error answers, logs, metrics and the store hold neither candidate nor secrets."""
    gateway, address, folder = talkative
    own = None if key is None else f"{key}-{local_part}"
    answer = post(
        address, json.dumps(request(f"{local_part}+{CANARY}@example.com", idempotencyKey=own))
    )

    # A success tells the candidate, whom the caller named; it may have been found by a look-up.
    if "InviteCandidateSuccess" not in answer:
        assert_kept(answer)
    assert_kept(gateway.errors())
    assert_kept(gateway.printed)
    assert_kept(fetch("GET", f"{address}/metrics"))
    stored = list(folder.glob("gateway.db*"))
    assert stored
    for file in stored:
        assert_kept(file.read_bytes())


@pytest.mark.parametrize("track", [6578, 404404, *READ_REFUSALS])
def test_reads_that_find_nobody_tell_nothing(talkative, track):
    """Whom somebody looks for is nobody else's business, whatever the platform answers."""
    gateway, address, _ = talkative
    answer = post(address, json.dumps(reading(track)))

    assert '"nodes":[]' in answer or '"errors"' in answer
    assert_kept(answer)
    assert_kept(gateway.errors())
    assert_kept(fetch("GET", f"{address}/metrics"))


def test_what_is_read_is_in_the_answer_alone(talkative):
    """Names and addresses of applicants pass through, and leave nothing behind."""
    gateway, address, folder = talkative
    post(address, json.dumps(request(f"{CANARY}@example.com", trackId=7)))
    answer = post(address, json.dumps(reading(7, filter={"email": CANARY})))

    assert f'"{NAME}"' in answer
    assert_kept(gateway.errors())
    assert_kept(gateway.printed)
    assert_kept(fetch("GET", f"{address}/metrics"))
    for file in folder.glob("gateway.db*"):
        assert_kept(file.read_bytes())


@pytest.mark.parametrize("name", WRONG)
def test_wrong_requests_are_not_repeated(talkative, name):
    """What is wrong is said without what was sent, whoever reads it."""
    gateway, address, _ = talkative
    answer = post(address, WRONG[name])

    assert '"errors"' in answer or "InvalidInputError" in answer
    assert_kept(answer)
    assert_kept(gateway.errors())


@pytest.mark.parametrize("path", [f"/{CANARY}", f"/graphql?query={CANARY}", f"/graphql/{CANARY}"])
def test_addresses_are_not_logged(talkative, path):
    """Paths and query strings are the caller's words too."""
    gateway, address, _ = talkative
    post(address, "{}", path)
    fetch("GET", f"{address}{path}")

    assert_kept(gateway.errors())
    assert_kept(fetch("GET", f"{address}/metrics"))


def test_lines_are_json_alone(talkative):
    """At debug level too, every line is one that was made with care."""
    gateway, address, _ = talkative
    post(address, json.dumps(request(f"ada+{CANARY}@example.com")))

    lines = [json.loads(line) for line in gateway.errors().splitlines()]
    assert {"request", "invite"} <= {line["event"] for line in lines}


SIGNER = signing_key("k1")
OWN_TOKEN = new_token()
BEARERS = {
    "own token": ("tokens", OWN_TOKEN),
    "unknown token": ("tokens", new_token()),
    "JWT": ("jwt", SIGNER.token(email=f"{CANARY}@example.com", scope=f"invite {CANARY}")),
    "expired JWT": ("jwt", SIGNER.token(name=NAME, exp=1)),
    "JWT of another issuer": ("jwt", SIGNER.token(iss=f"https://{CANARY}.example.com")),
    "JWT without the scope": ("jwt", SIGNER.token(scope=CANARY)),
    "JWT of another key": ("jwt", signing_key(CANARY).token()),
    "no JWT": ("jwt", f"{CANARY}.{CANARY}.{CANARY}"),
}


@pytest.mark.parametrize("name", BEARERS)
async def test_tokens_are_not_told(name, tmp_path, debug_logs, capsys):
    """A caller is known by its name alone, and what a token says besides is nobody's business."""
    auth, bearer = BEARERS[name]
    async with hostile.answers_status(200, b'{"application_id": 91}') as upstream:
        app = create_app(
            settings(
                upstream_url=upstream.address,
                log_level="debug",
                store_url=SecretStr(f"sqlite:///{tmp_path}/gateway.db"),
                **credentials(auth, tmp_path),
            )
        )
        async with lifespan(app):
            body = request(f"ada+{CANARY}@example.com", idempotencyKey=f"key-{CANARY}")
            sent = json.dumps(body).encode()
            answer = await ask(app, "POST", "/graphql", sent, authorization=f"Bearer {bearer}")
            metrics = await ask(app, "GET", "/metrics")
            rows = b"".join(file.read_bytes() for file in tmp_path.glob("gateway.db*"))

    logged = capsys.readouterr().err
    let_in = name in ("own token", "JWT")
    assert ('"caller":"recruiting-app"' in logged) == let_in
    assert (b"InviteCandidateSuccess" in answer) == let_in
    for told in (b"" if let_in else answer, metrics, logged.encode(), rows):
        assert_kept(told)
        for part in bearer.split("."):
            assert part.encode() not in told


def credentials(auth: str, folder: Path) -> dict[str, object]:
    """The settings by which `OWN_TOKEN` or those that `SIGNER` made are good."""
    file = folder / "credentials"
    if auth == "tokens":
        file.write_text(token_line("recruiting-app", OWN_TOKEN))
        return {"auth": auth, "auth_tokens_file": file}
    file.write_bytes(key_set(SIGNER))
    return {
        "auth": auth,
        "jwt_jwks_file": file,
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwt_scope": "invite",
    }


def echoes(status: int) -> Hostile:
    """It answers with this status, and with all that it was sent."""

    async def behave(peer: Peer) -> None:
        received = (await peer.request()).decode()
        body = json.dumps({"error": f"refused {NAME} {received}", "message": f"no {NAME}"})
        await peer.send(hostile.reply(status, body.encode()))

    return hostile.behaving(behave)


HOSTILE: dict[str, Callable[[], Hostile]] = {
    one.__name__: one
    for one in (
        hostile.refuses,
        hostile.speaks_no_tls,
        hostile.has_an_untrusted_certificate,
        hostile.ends_at_once,
        hostile.resets_before_reading,
        hostile.resets_after_reading,
        hostile.closes_without_a_response,
        hostile.never_answers,
        hostile.talks_garbage,
        hostile.sends_half_a_status_line,
        hostile.sends_endless_headers,
        hostile.says_continue_forever,
        hostile.switches_protocols,
        hostile.truncates,
        hostile.truncates_chunks,
        hostile.breaks_chunks,
        hostile.resets_in_the_body,
        hostile.stalls_in_the_body,
        hostile.floods,
        hostile.answers_before_reading,
    )
} | {
    f"echoes {status}": lambda status=status: echoes(status)
    for status in (302, 400, 401, 403, 404, 409, 418, 422, 429, 500, 503)
}


@pytest.fixture
def debug_logs(capsys) -> Iterator[None]:
    """Everything is logged, and afterwards as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(logging.DEBUG, as_json=True)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("client", ["direct", "httpx2"])
@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_upstreams_get_nothing_told(name, client, tmp_path, debug_logs, capsys):
    """Whatever the upstream does or repeats, answer, log, metrics and rows stay clean."""
    async with HOSTILE[name]() as upstream:
        app = create_app(
            settings(
                upstream_url=upstream.address,
                upstream_api_key=SecretStr(API_KEY),
                upstream_client=client,
                upstream_timeout_seconds=0.5,
                request_timeout_seconds=0.6,
                log_level="debug",
                store_url=SecretStr(f"sqlite:///{tmp_path}/gateway.db"),
            )
        )
        async with lifespan(app):
            body = request(f"ada+{CANARY}@example.com", idempotencyKey=f"key-{CANARY}")
            answer = await ask(app, "POST", "/graphql", json.dumps(body).encode())
            read = await ask(app, "POST", "/graphql", json.dumps(reading()).encode())
            metrics = await ask(app, "GET", "/metrics")
            rows = b"".join(file.read_bytes() for file in tmp_path.glob("gateway.db*"))

    logged = capsys.readouterr()
    assert b'"code"' in answer
    assert b'"errors"' in read
    assert b"gateway_upstream_reads_total" in metrics
    assert b"gateway_invites_total" in metrics
    assert '"event":"invite"' in logged.err
    assert rows
    for told in (answer, read, metrics, logged.err, logged.out, rows):
        assert_kept(told)


async def ask(app, method: str, path: str, body: bytes = b"", **changed: str) -> bytes:
    """The body of the answer to a request with canaries in its headers."""
    received: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        received.append(message.get("body", b""))

    headers = [(name.encode(), value.encode()) for name, value in (HEADERS | changed).items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": headers,
        "query_string": b"",
    }
    await app(scope, receive, send)
    return b"".join(received)


class lifespan:  # noqa: N801 - used like a function
    """The application's life, from its start to its end."""

    def __init__(self, app) -> None:
        self._app = app
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._told: asyncio.Queue[str] = asyncio.Queue()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._app({"type": "lifespan"}, self._receive, self._send))
        await self._events.put("lifespan.startup")
        assert await self._told.get() == "lifespan.startup.complete"

    async def __aexit__(self, *_: object) -> None:
        await self._events.put("lifespan.shutdown")
        assert await self._told.get() == "lifespan.shutdown.complete"
        await self._task

    async def _receive(self) -> Message:
        return {"type": await self._events.get()}

    async def _send(self, message: Message) -> None:
        await self._told.put(message["type"])

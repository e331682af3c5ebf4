"""The real `serve` and `sandbox`, driven over HTTP through every address of the table."""

from __future__ import annotations

import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.e2e.conftest import Pair, fetch, serve_settings
from tests.e2e.processes import running


class Row(NamedTuple):
    """What a client is told for one of the stand-in's addresses, and the invites it counted."""

    type: str
    code: str
    outcome: str
    retryable: bool
    invites: int
    more: dict[str, object] = {}  # noqa: RUF012 - never changed


UNAUTHORIZED = Row("UpstreamAuthenticationError", "UPSTREAM_UNAUTHORIZED", "NOT_INVITED", False, 0)
TABLE = {
    "invalid": Row("InvalidInputError", "INVALID_INPUT", "NOT_INVITED", False, 0),
    "unauthorized": UNAUTHORIZED,
    "forbidden": UNAUTHORIZED,
    "exhausted": Row(
        "InviteQuotaExhaustedError", "INVITE_QUOTA_EXHAUSTED", "NOT_INVITED", False, 0
    ),
    "conflict": Row("AlreadyInvitedError", "ALREADY_INVITED", "NOT_INVITED", False, 0),
    "rate-limited": Row(
        "RateLimitedError", "RATE_LIMITED", "NOT_INVITED", True, 0, {"retryAfterSeconds": 2}
    ),
    "broken": Row("UpstreamError", "UPSTREAM_FAULT", "UNKNOWN", False, 0, {"upstreamStatus": 500}),
    "unavailable": Row(
        "UpstreamError",
        "UPSTREAM_FAULT",
        "UNKNOWN",
        False,
        0,
        {"upstreamStatus": 503, "retryAfterSeconds": 1},
    ),
    "slow": Row("UpstreamError", "UPSTREAM_TIMEOUT", "UNKNOWN", False, 1, {"upstreamStatus": None}),
    "dropped": Row("UpstreamError", "UPSTREAM_FAULT", "UNKNOWN", False, 1),
    "truncated": Row(
        "UpstreamError", "UPSTREAM_FAULT", "INVITED", False, 1, {"upstreamStatus": 200}
    ),
    "garbage": Row("UpstreamError", "UPSTREAM_FAULT", "UNKNOWN", False, 1, {"upstreamStatus": 200}),
    "reset": Row("UpstreamError", "UPSTREAM_FAULT", "UNKNOWN", False, 0),
}


@pytest.mark.parametrize("local_part", TABLE)
def test_each_failure_is_told_as_it_is(pair, local_part):
    """Type, code, outcome and retryable fit the failure, and nobody is invited twice."""
    row = TABLE[local_part]

    result = pair.invite(f"{local_part}+e2e@example.com")

    told = (result["type"], result["code"], result["outcome"], result["retryable"])
    assert told == row[:4]
    assert row.more.items() <= result.items()
    assert len(pair.accepted()) == row.invites


def test_candidate_is_invited(pair):
    """The main job: all six fields of the invite come back, and the link opens its page."""
    result = pair.invite("grace@example.com", candidateName=" Grace Hopper ")

    (accepted,) = pair.accepted()
    link = f"{pair.sandbox}/sandbox/invites/{accepted['application_id']}"
    assert result == {
        "type": "InviteCandidateSuccess",
        "invite": {
            "applicationId": str(accepted["application_id"]),
            "email": "grace@example.com",
            "inviteLink": link,
            "inviteStatus": "invited",
            "name": "Grace Hopper",
            "trackId": "6578",
        },
        "replayed": False,
    }
    assert "Grace Hopper (grace@example.com) is invited" in fetch("GET", link)


@pytest.mark.parametrize(
    ("invite_format", "word", "emailed"),
    [(None, "getlink", False), ("GET_LINK", "getlink", False), ("SEND_LINK", "sendlink", True)],
)
def test_nobody_is_emailed_unless_asked_for(pair, invite_format, word, emailed):
    """Only SEND_LINK e-mails the candidate; the default makes a link."""
    changed = {} if invite_format is None else {"inviteFormat": invite_format}

    pair.invite(**changed)

    (accepted,) = pair.accepted()
    assert (accepted["invite_format"], accepted["emailed"]) == (word, emailed)


@pytest.mark.parametrize("track_id", [6578, "6578", str(2**63 - 1)])
def test_track_id_reaches_the_upstream_as_an_integer(pair, track_id):
    """An ID may be written as a number or a string, up to 2^63 - 1."""
    result = pair.invite(trackId=track_id)

    (accepted,) = pair.accepted()
    assert (accepted["track_id"], result["invite"]["trackId"]) == (int(track_id), str(track_id))


def test_missing_track_is_named(pair):
    """The stand-in has any track but 404404."""
    result = pair.invite(trackId=404404)

    assert (result["type"], result["code"], result["outcome"], result["trackId"]) == (
        "TrackNotFoundError",
        "TRACK_NOT_FOUND",
        "NOT_INVITED",
        "404404",
    )
    assert pair.accepted() == []


def test_idempotency_key_is_sent_along_as_a_hash(pair):
    """The upstream gets one value for one key, and cannot read the caller's own key in it."""
    pair.invite(idempotencyKey="key-1")
    pair.invite(idempotencyKey="key-2")

    first, second = (accepted["idempotency_key"] for accepted in pair.accepted())
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert first != second


def test_repeated_key_is_answered_from_the_record(pair):
    """The same mutation again sends nothing and gets the same invite, marked as replayed."""
    first = pair.invite(idempotencyKey="twice")
    again = pair.invite(idempotencyKey="twice")

    assert again == first | {"replayed": True}
    assert len(pair.accepted()) == 1


def test_space_around_a_header_is_no_part_of_the_key(pair):
    """HTTP allows it: some clients and proxies send it, and others take it away."""
    for value in ("spaced", "spaced ", "\tspaced\t", '"spaced" '):
        pair.post(headers={"idempotency-key": value})

    assert len(pair.accepted()) == 1


def test_lost_answer_is_looked_up(pair):
    """With a key, an invite whose answer was lost is found in the platform's list."""
    result = pair.invite("dropped@example.com", idempotencyKey="lost")

    assert result["type"] == "InviteCandidateSuccess"
    assert result["invite"]["inviteLink"] is None
    assert len(pair.accepted()) == 1


def test_store_in_use_is_one_line(pair, tmp_path):
    """A second gateway on the same file does not start, and says what to do."""
    settings = serve_settings(pair.sandbox)
    with running(tmp_path, "serve", **settings) as first:
        first.address()
        with running(tmp_path, "serve", **settings) as second:
            code = second.end()

    assert code == 1
    assert "in use by another gateway process" in second.errors()
    assert "Traceback" not in second.errors()


def test_answers_at_one_time_do_not_cross(pair):
    """A hundred callers at once: each hears of its own invite, and each invite is made once."""
    emails = [f"ada{number}@example.com" for number in range(100)]
    with ThreadPoolExecutor(20) as callers:
        results = list(callers.map(pair.invite, emails))

    accepted = {
        str(invite["application_id"]): invite["candidate_email"] for invite in pair.accepted()
    }
    told = {result["invite"]["applicationId"]: result["invite"]["email"] for result in results}
    assert sorted(accepted.values()) == sorted(emails)
    assert told == accepted


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"candidateName": " "}, ["candidateName"]),
        ({"candidateName": "a" * 201}, ["candidateName"]),
        ({"candidateName": "Ada\r\nBcc: x"}, ["candidateName"]),
        ({"candidateEmail": "ada"}, ["candidateEmail"]),
        ({"candidateEmail": "a@example.com,b@example.com"}, ["candidateEmail"]),
        ({"trackId": "0"}, ["trackId"]),
        ({"trackId": "-1"}, ["trackId"]),
        ({"trackId": str(2**63)}, ["trackId"]),
        ({"trackId": "1e3"}, ["trackId"]),
        ({"idempotencyKey": ""}, ["idempotencyKey"]),
        (
            {"candidateName": "", "candidateEmail": "", "trackId": "x", "idempotencyKey": "\x00"},
            ["candidateName", "candidateEmail", "trackId", "idempotencyKey"],
        ),
    ],
    ids=str,
)
def test_nothing_invalid_reaches_the_upstream(pair, changed, fields):
    """All issues come in one answer, and no request is made."""
    result = pair.invite(**changed)

    assert (result["type"], result["code"], result["outcome"], result["retryable"]) == (
        "InvalidInputError",
        "INVALID_INPUT",
        "NOT_INVITED",
        False,
    )
    assert [issue["field"] for issue in result["issues"]] == fields
    assert pair.accepted() == []


def test_wrong_api_key_is_the_operators_affair(pair, tmp_path):
    """The caller hears that the access is refused, and no detail of the key."""
    settings = serve_settings(pair.sandbox, UPSTREAM_API_KEY="stale-key")
    with running(tmp_path, "serve", **settings) as gateway:
        result = Pair(gateway.address(), pair.sandbox).invite()

    told = (result["type"], result["code"], result["outcome"], result["retryable"])
    assert told == UNAUTHORIZED[:4]
    assert "stale-key" not in str(result)


def test_upstream_that_is_gone_and_back(tmp_path):
    """While it is away nothing is sent; when it is back the next invite succeeds."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with running(tmp_path, "serve", **serve_settings(f"http://127.0.0.1:{port}")) as gateway:
            pair = Pair(gateway.address(), f"http://127.0.0.1:{port}")
            away = pair.invite()
            reserved.close()
            with running(tmp_path, "sandbox", "--port", str(port)) as sandbox:
                sandbox.address()
                back = pair.invite()

    told = (away["type"], away["code"], away["outcome"], away["retryable"])
    assert told == ("UpstreamError", "UPSTREAM_UNAVAILABLE", "NOT_INVITED", True)
    assert back["type"] == "InviteCandidateSuccess"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_signal_stops_the_service_cleanly(pair, tmp_path, postgres_url, number, workers):
    """It has served, and ends with code 0 and no traceback."""
    settings = serve_settings(pair.sandbox, WORKERS=workers, STORE_URL=postgres_url)
    with running(tmp_path, "serve", **settings) as gateway:
        result = Pair(gateway.address(), pair.sandbox).invite()
        code = gateway.stop(number)

    assert result["type"] == "InviteCandidateSuccess"
    assert code == 0
    assert "Traceback" not in gateway.errors()


def test_nothing_personal_is_printed(pair):
    """After all of the above no name, address or key is in the output of the service."""
    pair.invite("canary@example.com", candidateName="Canary")
    pair.invite("broken+canary@example.com", candidateName="Canary")
    gateway, _ = pair.commands

    assert [word for word in ("anary", "@", "sandbox-key") if word in gateway.errors()] == []


@pytest.mark.parametrize("command", ["serve", "sandbox", "dev"])
def test_occupied_port_is_told_in_one_line(tmp_path, command):
    """Whoever starts it twice reads which port is taken, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = [command] if command == "serve" else [command, "--port", port]
        settings = serve_settings("http://127.0.0.1:9", PORT=port) if command == "serve" else {}
        with running(tmp_path, *words, **settings) as child:
            code = child.end()

    (line,) = child.errors().splitlines()
    assert code == 1
    hint = "; choose another with --port, 0 for any" if command == "dev" else ""
    reason = f"cannot listen on 127.0.0.1, port {port}: Address already in use"
    assert line == f"Error: {reason}{hint}"


def test_wrong_settings_are_told_all_at_once(tmp_path):
    """One line for each fault, no secret, no traceback, exit code 2."""
    wrong = {"PORT": "http", "AUTH": "maybe", "UPSTREAM_URL": "ftp://x", "WORKERS": "0"}
    with running(tmp_path, "serve", **wrong) as child:
        code = child.end()

    errors = child.errors()
    assert code == 2
    assert all(f"GATEWAY_{name}: " in errors for name in [*wrong, "UPSTREAM_API_KEY_FILE"])
    assert "Traceback" not in errors


@pytest.mark.parametrize("workers", ["1", "2"])
def test_operations_have_a_port_of_their_own(tmp_path, postgres_url, workers):
    """Which serves nothing else, and the other port nothing of it."""
    settings = serve_settings(
        "http://127.0.0.1:1", OPERATIONS_PORT="0", WORKERS=workers, STORE_URL=postgres_url
    )
    with running(tmp_path, "serve", **settings) as gateway:
        public, operations = gateway.address(), gateway.address()
        probes = [fetch("GET", operations + path) for path in ("/livez", "/readyz")]
        metrics = fetch("GET", f"{operations}/metrics")
        hidden = [fetch("GET", public + path) for path in ("/livez", "/readyz", "/metrics")]
        refused = fetch("POST", f"{operations}/graphql", '{"query": "{__typename}"}')
        answer = fetch("POST", f"{public}/graphql", '{"query": "{__typename}"}')
        code = gateway.stop()

    assert probes == ['{"status":"ok"}'] * 2
    assert "gateway_info" in metrics
    assert ["nothing here" in one for one in (*hidden, refused)] == [True] * 4
    assert answer == '{"data":{"__typename":"Query"}}'
    assert code == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_unix_socket_is_served(tmp_path, postgres_url, workers):
    """To whoever may enter its folder; it is gone afterwards."""
    path = tmp_path / "gateway.sock"
    settings = serve_settings(
        "http://127.0.0.1:1", HOST=f"unix:{path}", WORKERS=workers, STORE_URL=postgres_url
    )
    with running(tmp_path, "serve", **settings) as gateway:
        gateway.read_to(f"Listening on unix:{path}")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            answer = client.makefile("rb").read()
        code = gateway.stop()

    assert answer.endswith(b'{"status":"ok"}')
    assert (code, path.exists()) == (0, False)

"""`gateway dev`, as a newcomer meets it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from gateway.sandbox.failures import FAILURES
from tests.e2e.conftest import Pair, fetch
from tests.e2e.processes import Command, running

END_OF_WELCOME = "Ctrl-C stops both"


@pytest.fixture
def dev(tmp_path) -> Iterator[Command]:
    with running(tmp_path, "dev", "--port", "0") as command:
        command.read_to(END_OF_WELCOME)
        yield command


def addresses(dev: Command) -> Pair:
    """The gateway and the stand-in that it has printed."""
    gateway = re.search(r"(http://\S+)/graphql\n", dev.printed)
    sandbox = re.search(r"(http://\S+)/sandbox/invites\s", dev.printed)
    assert gateway is not None
    assert sandbox is not None
    return Pair(gateway[1], sandbox[1])


def test_sample_candidate_is_invited_and_shown(dev):
    """The printed response is that of a real invite, which the stand-in has counted."""
    response, _ = json.JSONDecoder().raw_decode(dev.printed.partition("Response\n")[2])

    result = response["data"]["inviteCandidate"]
    (accepted,) = addresses(dev).accepted()
    assert result["__typename"] == "InviteCandidateSuccess"
    assert result["invite"]["applicationId"] == str(accepted["application_id"])
    assert accepted["emailed"] is False


def test_explorer_is_where_it_says(dev):
    """A browser that opens the printed address of the explorer gets a page."""
    explorer = re.search(r"Explorer +(\S+)", dev.printed)
    assert explorer is not None

    assert "<html" in fetch("GET", explorer[1], accept="text/html").lower()


def test_it_says_that_nothing_is_real(dev):
    """A client can tell the stand-in from the platform."""
    asked = json.dumps({"query": "{gateway{platform}}"})

    response = json.loads(fetch("POST", f"{addresses(dev).gateway}/graphql", asked))

    assert response == {"data": {"gateway": {"platform": "stand-in"}}}


def test_it_says_how_to_provoke_each_failure(dev):
    """What can go wrong can be tried without looking it up."""
    printed = " ".join(dev.printed.split())

    for local_part in FAILURES:
        assert re.search(rf"\b{local_part}\b", printed)


def test_it_fits_a_narrow_terminal(tmp_path, monkeypatch):
    """Sentences are wrapped at words; only documents, addresses and the line to paste are longer."""
    monkeypatch.setenv("COLUMNS", "60")
    with running(tmp_path, "dev", "--port", "0") as dev:
        dev.read_to(END_OF_WELCOME)

    # Of the document and the response, no line is broken: they are to be copied.
    printed = re.sub(r"\n[Mm]utation\n.*\nGo on\n", "", dev.printed, flags=re.DOTALL)
    long = [line for line in printed.splitlines() if len(line) > 60]
    assert [line for line in long if "http://" not in line] == []


def test_a_port_in_use_suggests_another(dev, tmp_path):
    """The message says how to start it twice."""
    port = addresses(dev).gateway.rpartition(":")[2]
    with running(tmp_path, "dev", "--port", port) as second:
        code = second.end()

    assert code == 1
    assert "choose another with --port" in second.errors()
    assert "Traceback" not in second.errors()


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("https://dev.example.com", True),
        ("https://evil.example", False),
    ],
)
def test_pages_of_this_machine_and_named_ones_may_call(tmp_path, origin, allowed):
    """A page that is being developed needs no setting, another one GATEWAY_CORS_ORIGINS."""
    with running(tmp_path, "dev", "--port", "0", CORS_ORIGINS="https://dev.example.com") as dev:
        dev.read_to(END_OF_WELCOME)
        connection = HTTPConnection(urlsplit(addresses(dev).gateway).netloc, timeout=30)
        connection.request("POST", "/graphql", "{}", {"origin": origin})
        allowed_origin = connection.getresponse().headers["access-control-allow-origin"]
        connection.close()

    assert allowed_origin == (origin if allowed else None)


def test_an_invalid_origin_is_refused(tmp_path):
    """It is a clear error, not a traceback."""
    with running(tmp_path, "dev", "--port", "0", CORS_ORIGINS="nonsense") as dev:
        code = dev.end()

    assert code == 1
    assert "GATEWAY_CORS_ORIGINS" in dev.errors()
    assert "Traceback" not in dev.errors()


def test_nothing_is_logged_unless_asked(dev):
    """A first try is not buried in lines."""
    assert dev.errors() == ""


def test_verbose_logs_for_people(tmp_path):
    """With --verbose the sample request and its invite have their lines, without JSON."""
    with running(tmp_path, "dev", "--port", "0", "--verbose") as command:
        command.read_to(END_OF_WELCOME)
        command.stop()

    logged = command.errors()
    assert re.search(r"\[info\] request .*outcome=INVITED", logged)
    assert re.search(r"\[info\] invite .*track_id=6578", logged)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl to run the printed line")
def test_printed_line_works_when_pasted(dev):
    """The curl line invites one more candidate when a shell runs it as it stands."""
    (line,) = [line for line in dev.printed.splitlines() if line.startswith("curl ")]

    response = json.loads(subprocess.check_output(["/bin/sh", "-c", line], timeout=30))

    result = response["data"]["inviteCandidate"]
    assert result["__typename"] == "InviteCandidateSuccess"
    assert len(addresses(dev).accepted()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_signal_stops_both_cleanly(dev, number):
    """Ctrl-C ends it with code 0 and an empty standard error."""
    pair = addresses(dev)

    code = dev.stop(number)

    assert (code, dev.errors()) == (0, "")
    with pytest.raises(ConnectionRefusedError):
        pair.accepted()


def test_settings_around_it_make_no_difference(tmp_path):
    """It needs no setting and minds none: a .env of the real account is not used."""
    (tmp_path / ".env").write_text("GATEWAY_UPSTREAM_URL=http://127.0.0.1:9\nGATEWAY_PORT=x\n")
    with running(tmp_path, "dev", "--port", "0", UPSTREAM_API_KEY="real-key") as dev:
        dev.read_to(END_OF_WELCOME)

    assert '"__typename": "InviteCandidateSuccess"' in dev.printed
    assert "real-key" not in dev.printed

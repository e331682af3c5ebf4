"""The parts of the benchmark that need no processes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from graphql import parse

from gateway.graphql.documents import DocumentReader
from gateway.graphql.plan import Planner
from gateway.graphql.schema import executable_schema
from gateway.settings.limits import Limits
from tests.bench.ask import read_answer
from tests.bench.contenders import NAIVE, OLDER_MARK, OURS, line_up, peers
from tests.bench.guide import figures, with_section
from tests.bench.job import (
    CANDIDATES,
    CONTRACT_JOB,
    EXPECTED_LIST,
    INVITE,
    KEY_MARK,
    PLAIN_INPUT,
    Job,
    Work,
    WrongAnswerError,
    plain_job,
)
from tests.bench.load import LoadError, read_summary, script
from tests.bench.measure import Sample
from tests.bench.processes import cpu_seconds_in
from tests.bench.profiles import PROFILES
from tests.bench.report import beside, chart, scaling, summarise, table
from tests.bench.stub import requests_in
from tests.bench.waiting_stub import answer, request_length

RIGHT_INVITE = {
    "applicationId": "120045",
    "email": "ada@example.com",
    "inviteLink": "https://track.example/i/5f2b9c",
    "inviteStatus": "invited",
    "name": "Ada Lovelace",
    "trackId": "6578",
}


def sample(
    contender: str, cpu_us: float, *, per_second: float = 1000.0, workers: int = 1
) -> Sample:
    return Sample(contender, workers, cpu_us, per_second, 1.0, 2.0, 50.0, 0.4)


def contract_answer(invite: object) -> bytes:
    return json.dumps({"data": {"inviteCandidate": {"invite": invite}}}).encode()


def test_right_answer_passes():
    """The stub's invite in the contract's shape is a right answer."""
    CONTRACT_JOB.check(200, contract_answer(RIGHT_INVITE))


def test_plain_answer_passes():
    """A configured gateway may answer in the upstream's own names."""
    Job("", PLAIN_INPUT, union=False).check(
        200, json.dumps({"data": {"inviteCandidate": INVITE}}).encode()
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(500, contract_answer(RIGHT_INVITE), id="status"),
        pytest.param(200, contract_answer({**RIGHT_INVITE, "trackId": "1"}), id="other-value"),
        pytest.param(200, contract_answer({"name": "Ada Lovelace"}), id="fields-missing"),
        pytest.param(200, contract_answer(None), id="no-invite"),
        pytest.param(200, b'{"errors":[{"message":"no"}],"data":null}', id="errors"),
        pytest.param(200, b"<html>", id="not-json"),
    ],
)
def test_wrong_answer_is_refused(status, body):
    """Anything but the stub's whole invite is no right answer."""
    with pytest.raises(WrongAnswerError):
        CONTRACT_JOB.check(status, body)


def test_keyed_script_gives_each_request_a_key():
    """A keyed load puts a counter where the body holds the mark."""
    source = script(CONTRACT_JOB.body(Work.BULK, keyed=True), headers={}, key_prefix="p")

    assert KEY_MARK not in source
    assert "table.concat(parts, mark())" in source
    assert source.count("idempotencyKey") == CANDIDATES


@pytest.mark.parametrize("job", [CONTRACT_JOB, plain_job("InviteCandidateInput!")])
@pytest.mark.parametrize("work", Work)
def test_works_are_documents(job, work):
    """Each is a document that parses, and differs where the mark stands."""
    body = json.loads(job.body(work).replace(KEY_MARK, "p_1"))

    parse(body["query"])
    assert (body["query"] != job.body(work)) or work in (Work.INVITE, Work.LIST, Work.BULK)


def test_ours_takes_what_is_measured():
    """The documents of our own are valid, and planned."""
    for work in Work:
        body = json.loads(CONTRACT_JOB.body(work).replace(KEY_MARK, "p_1"))
        document = DocumentReader(executable_schema(), Limits(), introspection=False).read(
            body["query"]
        )
        plan = Planner(executable_schema()).plan(document, document.operation(None))

        assert plan is not None
        assert plan.arguments(body["variables"], document.literals) is not None


def test_lists_are_checked():
    """All applications and all candidates have to be there."""
    whole = {"data": {"applications": EXPECTED_LIST}}
    CONTRACT_JOB.check(200, json.dumps(whole).encode(), Work.LIST)
    one = {"invite": RIGHT_INVITE}
    CONTRACT_JOB.check(200, bulk_answer([one] * CANDIDATES), Work.BULK)

    with pytest.raises(WrongAnswerError):
        CONTRACT_JOB.check(200, bulk_answer([one] * (CANDIDATES - 1)), Work.BULK)
    with pytest.raises(WrongAnswerError):
        CONTRACT_JOB.check(200, bulk_answer([{}] * CANDIDATES), Work.BULK)
    with pytest.raises(WrongAnswerError):
        CONTRACT_JOB.check(200, b'{"data": {"applications": {"nodes": []}}}', Work.LIST)


def bulk_answer(results: list[object]) -> bytes:
    return json.dumps({"data": {"inviteCandidates": {"results": results}}}).encode()


def test_script_carries_headers():
    """Headers of the profile, such as a token, are sent with every request."""
    source = script("{}", headers={"Authorization": "Bearer x"}, key_prefix=None)

    assert 'wrk.headers["Authorization"] = "Bearer x"' in source


def test_summary_is_read_from_output():
    """The script's line is found among wrk's own."""
    line = (
        'summary: {"requests": 10, "seconds": 2.0, "octets": 100, "p50_ms": 1.0,'
        ' "p99_ms": 2.0, "errors": 0}'
    )

    summary = read_summary(f"Running 2s test\n{line}\n")

    assert (summary.requests, summary.octets) == (10, 100)


def test_output_without_summary_is_an_error():
    """A load generator that fails is reported with what it said."""
    with pytest.raises(LoadError, match="unable to connect"):
        read_summary("unable to connect")


def test_cpu_time_survives_odd_process_names():
    """A process name with blanks and brackets does not shift the fields of /proc/PID/stat."""
    after = ["S", *("0" for _ in range(10)), "150", "50", "0"]

    seconds = cpu_seconds_in(f"7 (a) b) {' '.join(after)}")

    assert seconds == pytest.approx(2.0)


def test_ratio_is_the_median_of_rounds():
    """One disturbed round does not change the ratio of a pair."""
    samples = [
        *(sample("ours", 100), sample("other", 400)),
        *(sample("ours", 100), sample("other", 200)),
        *(sample("ours", 900), sample("other", 400)),
    ]

    ours, other = summarise(samples)

    assert (ours.ratio, other.ratio) == (1.0, 0.5)
    assert "| other | 400 | 1 : 2.0 | 1000 |" in table([ours, other])


def test_scaling_is_said_in_words():
    """Throughput and CPU of two workers are set against those of one, round by round."""
    samples = [
        *(sample("1", 200), sample("2", 300, per_second=1900.0, workers=2)),
        *(sample("1", 400), sample("2", 440, per_second=1800.0, workers=2)),
        *(sample("1", 200), sample("2", 210, per_second=500.0, workers=2)),
    ]

    assert list(scaling(samples)) == [
        "2 workers answered 1.80 times as many mutations as 1, each at 1.10 times the CPU."
    ]


def test_same_number_of_workers_is_no_scaling():
    """Gateways that differ in anything else are compared in the table alone."""
    assert list(scaling([sample("ours", 100), sample("other", 200)])) == []


def test_chart_is_xml_with_a_bar_for_each_gateway():
    """Names with special characters stay legible, and bars are as long as the figures."""
    rows = summarise([sample("a & b", 50), sample("c", 100)])
    svg = ET.fromstring(chart([("one & two", rows)], title="CPU <time>"))

    bars = [bar.attrib for bar in svg.iter("{http://www.w3.org/2000/svg}rect")]
    assert [int(bar["width"]) for bar in bars] == [210, 420]
    assert bars[0]["class"] == "ours"


def test_answer_is_read_when_it_is_whole():
    """A half answer is not an answer; the length counts the head."""
    whole = answer('{"a": 1}')

    found = read_answer(whole)

    assert read_answer(whole[:-1]) is None
    assert found is not None
    assert (found.status, found.body, found.octets) == (200, b'{"a": 1}', len(whole))


def test_request_is_counted_when_it_is_whole():
    """The waiting stub answers a request only after its body."""
    request = b"POST /x HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"

    assert request_length(request[:-1]) is None
    assert request_length(request + b"POST") == len(request)


def test_stub_status_tells_the_requests():
    """The third figure of nginx's status line counts requests."""
    status = "Active connections: 1\nserver accepts handled requests\n 16 16 51970\nReading: 0"

    assert requests_in(status) == 51970


def test_rate_beside_another_load_is_said_in_words():
    """What is left of a gateway's rate, set against its own rate alone."""
    rows = summarise([sample("ours", 1), sample("ours, beside 2 × list", 1, per_second=400.0)])

    assert list(beside(rows)) == ["ours, beside 2 × list: 0.40 of its rate alone."]


def test_figures_are_a_section_of_the_guide():
    """Peers by profile, our own other situations in one table, the older commit in another."""
    older = f"ours{OLDER_MARK}1234567"
    lists = "ours, beside 2 × list"
    measured = [
        (
            PROFILES["ordinary"],
            summarise([sample("ours", 60), sample("b", 120), sample(older, 50)]),
        ),
        (PROFILES["jwt"], summarise([sample("ours", 90), sample(older, 100)])),
        (PROFILES["workers"], summarise([sample("ours, workers: 1", 70)])),
        (
            PROFILES["beside-lists"],
            summarise([sample("ours", 60), sample(lists, 60, per_second=250.0)]),
        ),
    ]

    page = with_section(
        "# Speed\n\n## Figures\n\nold\n\n## More\n\nkept\n",
        "Figures",
        "\n\n".join(figures(measured)),
    )

    assert page.startswith("# Speed\n\n## Figures\n\n16 connections, an upstream")
    assert page.endswith("\n\n## More\n\nkept\n")
    assert "old\n" not in page
    assert "| b | 120 | 1 : 2.0 |" in page
    assert "an RS256 token with each request | 90 | 1000 | 1.00 | 2.00 | 50 |" in page
    assert "64 connections, one worker against two (workers: 1) | 70" in page
    assert "applications. ours, beside 2 × list: 0.25 of its rate alone." in page
    assert page.count("250") == 0
    assert "(1234567):" in page
    assert "an RS256 token with each request | 100 | 0.90 |" in page
    assert OLDER_MARK not in page


def test_page_without_the_section_is_refused():
    """Figures are put nowhere else."""
    with pytest.raises(ValueError, match="no section 'Figures'"):
        with_section("# Speed\n", "Figures", "body")


@pytest.mark.parametrize("name", PROFILES)
def test_others_line_up_where_they_can(name, tmp_path):
    """A gateway is measured only at what it can do; an older one of ours at all of it."""
    older = replace(OURS, name="older")

    line = line_up(PROFILES[name], (NAIVE, *peers(tmp_path)), older=older)

    names = [one.name for one in line]
    assert "older" in names
    assert any("Tailcall" in one for one in names) is (
        PROFILES[name].others and name not in ("list", "bulk", "beside-lists")
    )
    assert any("mercurius" in one for one in names) is PROFILES[name].others
    assert len(names) == len(set(names))


@pytest.mark.parametrize("profile", ["workers", "workers-unseen"])
def test_two_workers_line_up_with_one(profile):
    """A scaling profile measures our gateway alone, with one worker and with two."""
    line = line_up(PROFILES[profile], (NAIVE,))

    assert [one.workers for one in line] == [1, 2]
    assert all(one.command == OURS.command for one in line)


def test_peers_know_where_to_send(tmp_path):
    """Every contender is told the stub's address, by its environment or its file."""
    for contender in (OURS, NAIVE, *peers(tmp_path)):
        texts = [*contender.environment.values(), *(contender.file or ())]

        filled = [
            contender.filled(text, port=1, upstream="http://stub", store="s") for text in texts
        ]

        assert any("http://stub" in text for text in filled), contender.name
        assert not any("{upstream}" in text or "{port}" in text for text in filled)

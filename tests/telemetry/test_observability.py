"""Dashboard, alert rules and guide name metrics that exist, and leave none out."""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.http.errors import ErrorCode
from gateway.invites.models import InviteErrorCode, InviteOutcome
from gateway.server.drain import Draining
from gateway.service import Service
from gateway.telemetry.metrics import SHARED, Metrics, shared_metrics
from gateway.telemetry.trail import Trail
from gateway.telemetry.watch import Watch
from tests.fakes.settings import settings
from tests.fakes.texts import GUIDES

DATA = files("gateway.telemetry") / "observability"
DASHBOARD = json.loads((DATA / "dashboard.json").read_text("utf-8"))
ALERTS = (DATA / "alerts.yaml").read_text("utf-8")
RULES = {
    name: expression.removeprefix("|").strip()
    for name, expression in re.findall(
        r"- alert: (\w+)\n(?: +#.*\n)? +expr: ((?:.|\n)+?)\n {8}\w", ALERTS
    )
}
EXPRESSIONS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
} | RULES
LABELS = {
    "outcome": {outcome.value for outcome in InviteOutcome},
    "code": {"", *(c.value for c in InviteErrorCode), *(c.value for c in ErrorCode)},
    "state": {"unknown", "open"},
    "what": {"store"},
    "counted": {"apart"},
    "job": {"gateway"},
}
COUNTED = """
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.trail import Trail
metrics = Metrics()
trail = Trail("id", 0.0, "POST")
trail.status = 200
metrics.on_request(trail)
metrics.pass_on()
"""


def families() -> set[str]:
    """The metrics' own names, as `/metrics` has them."""
    text = TestClient(create_app(settings())).get("/metrics").text
    return set(re.findall(r"^# TYPE (gateway_\w+) ", text, re.MULTILINE))


def samples() -> set[str]:
    parts = ("", "_bucket", "_count", "_sum")
    return {name + part for name in families() for part in parts}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_query_asks_for_what_exists(name):
    """No panel stays empty and no alert silent because of a name."""
    asked = re.findall(r"\bgateway_\w+", EXPRESSIONS[name])

    assert asked or name == "GatewayDown"
    assert set(asked) <= samples()
    for label, values in re.findall(r'(\w+)!?=~?"([^"]*)"', EXPRESSIONS[name]):
        assert label == "instance" or set(values.split("|")) <= LABELS[label]


def test_every_metric_is_shown():
    """Nothing is counted that nobody sees."""
    shown = " ".join(EXPRESSIONS.values())

    assert [name for name in families() if name not in shown] == []


@pytest.mark.parametrize("name", sorted(families()))
def test_every_metric_has_its_row(name):
    """What is measured is explained."""
    assert re.search(rf"^\| `{name}[`{{]", GUIDES["operations"], re.MULTILINE)


@pytest.mark.parametrize("name", RULES)
def test_every_alert_leads_to_its_runbook(name):
    """Who is woken up finds the next step, one click away."""
    rule = ALERTS.partition(f"- alert: {name}\n")[2].partition("- alert:")[0]
    [url] = re.findall(r"runbook_url: (.+)", rule)

    assert url == f"https://gateway.example.com/docs/operations#{name.lower()}"
    assert re.search(rf"^### {name}$", GUIDES["operations"], re.MULTILINE)


def test_queries_are_promql(tmp_path):
    """Prometheus itself reads the rules, and each query of the dashboard."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("Prometheus is not installed")
    queries = [
        {"record": "a", "expr": one.replace("$__rate_interval", "5m")}
        for one in EXPRESSIONS.values()
    ]
    rules = {"groups": [{"name": "all", "rules": queries}]}
    (tmp_path / "rules.yaml").write_text(json.dumps(rules))

    files_of_rules = [str(DATA / "alerts.yaml"), str(tmp_path / "rules.yaml")]
    done = subprocess.run(
        [program, "check", "rules", *files_of_rules], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"SUCCESS: {len(RULES)} rules found" in done.stdout


def test_panels_can_be_narrowed_to_an_instance():
    """What one of the replicas does is seen by choosing it."""
    names = [one["name"] for one in DASHBOARD["templating"]["list"]]

    assert names == ["datasource", "instance"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            asked = re.findall(r"\bgateway_\w+\{[^}]*\}", target["expr"])
            assert len(asked) == len(re.findall(r"\bgateway_\w+", target["expr"]))
            assert all('instance=~"$instance"' in one for one in asked)


def test_doubts_are_red():
    """One look at the dashboard tells whether there is something for a person to do."""
    [panel] = [one for one in DASHBOARD["panels"] if one["title"] == "In doubt now"]

    assert panel["options"]["colorMode"] == "background"
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:] == [
        {"color": "red", "value": 1}
    ]


async def test_what_cannot_be_read_is_not_shown_as_it_was():
    """While the store is down, the gauges of its records are no numbers."""
    metrics, answers = Metrics(), iter([{"unknown": 3.0}])

    async def read() -> dict[str, float]:
        return next(answers)

    sample = metrics.gauge("gateway_records", "", "state", read)
    await sample()
    before = metrics.registry.get_sample_value("gateway_records", {"state": "unknown"})
    await sample()
    after = metrics.registry.get_sample_value("gateway_records", {"state": "unknown"})

    assert before == 3
    assert after is not None
    assert math.isnan(after)


async def test_a_store_that_fails_is_shown(monkeypatch, tmp_path):
    """The gateway's readiness is a metric too, for those who do not probe it."""
    monkeypatch.setattr("gateway.service._PING_LASTS_SECONDS", 0.0)
    file = tmp_path / "gateway.db"
    service = Service(settings(store_url=SecretStr(f"sqlite:///{file}")))
    metrics = Metrics()
    watch = Watch(metrics=metrics)
    watch.service(service, Draining())

    async def ready() -> float | None:
        for sample in watch._samples:
            await sample()
        return metrics.registry.get_sample_value("gateway_ready", {"what": "store"})

    await service.start()
    before = await ready()
    file.unlink()
    after = await ready()
    await service.stop()

    assert (before, after) == (1, 0)


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("UpstreamError", "UPSTREAM_TIMEOUT"),
        ("UpstreamError", "UPSTREAM_FAULT"),
        ("UpstreamError", "UPSTREAM_UNAVAILABLE"),
        ("AlreadyInvitedError", "ALREADY_INVITED"),
        ("IdempotencyKeyError", "IDEMPOTENCY_KEY_IN_PROGRESS"),
    ],
)
def test_unknown_outcomes_start_at_zero(type_, code):
    """A counter that appears with its first event does not rise, and wakes nobody."""
    text = TestClient(create_app(settings())).get("/metrics").text

    labels = f'code="{code}",outcome="UNKNOWN",type="{type_}"'
    assert f"gateway_invites_total{{{labels}}} 0.0" in text


def test_workers_share_their_metrics():
    """What two processes have counted is told as one sum, also after they have ended."""
    with shared_metrics():
        folder = Path(os.environ[SHARED])
        for _ in range(2):
            run(COUNTED)
        told = run(COUNTED + "print(metrics.exposition().decode())")

    assert 'gateway_requests_total{status="200"} 3.0' in told
    assert "gateway_info" in told
    assert SHARED not in os.environ
    assert not folder.exists()


async def test_counts_are_passed_on_while_requests_are_served(monkeypatch, tmp_path):
    """Another worker that is asked for the sums need not wait for this one to be asked."""
    monkeypatch.setattr("gateway.telemetry.metrics.PASS_ON_SECONDS", 0.0)
    monkeypatch.setenv(SHARED, str(tmp_path))
    metrics, trail = Metrics(), Trail("id", 0.0, "POST")
    trail.status, trail.seconds = 418, 0.3

    def passed_on() -> float | None:
        return metrics.registry.get_sample_value("gateway_requests_total", {"status": "418"})

    async with Watch(metrics=metrics).running(), asyncio.timeout(5):
        for count in (1, 2):
            metrics.on_request(trail)
            while passed_on() != count:  # noqa: ASYNC110 - it has no event for tests
                await asyncio.sleep(0)

    seconds = "gateway_request_duration_seconds"
    assert metrics.registry.get_sample_value(f"{seconds}_sum") == pytest.approx(0.6)
    assert metrics.registry.get_sample_value(f"{seconds}_bucket", {"le": "0.25"}) == 0
    assert metrics.registry.get_sample_value(f"{seconds}_bucket", {"le": "0.5"}) == 2


async def test_counts_are_passed_on_at_the_end(monkeypatch, tmp_path):
    """What a worker counts last is not lost with it."""
    monkeypatch.setenv(SHARED, str(tmp_path))
    metrics, trail = Metrics(), Trail("id", 0.0, "POST")
    trail.status = 418

    async with Watch(metrics=metrics).running():
        await asyncio.sleep(0)
        metrics.on_request(trail)

    told = metrics.registry.get_sample_value("gateway_requests_total", {"status": "418"})
    assert told == 1


def test_gauges_of_ended_workers_are_forgotten():
    """A worker that has died has nothing under way."""
    ends = """
import asyncio
from gateway.telemetry.metrics import Metrics
async def read(): return {"calls": 5}
metrics = Metrics()
asyncio.run(metrics.gauge("gateway_in_flight", "", "what", read)())
"""
    with shared_metrics():
        run(ends)
        told = run(ends + "print(metrics.exposition().decode())")

    assert 'gateway_in_flight{what="calls"} 5.0' in told


def run(code: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout

"""The alert rules ring for what an operator must know, and for nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

RULES = Path(str(files("gateway.telemetry") / "observability" / "alerts.yaml"))
INTERVAL_SECONDS = 30
MINUTES = 40
SCRAPES = MINUTES * 60 // INTERVAL_SECONDS
# A healthy gateway that is asked for an invite every two seconds.
HEALTHY = {
    'up{job="gateway", instance="a"}': "1",
    'gateway_ready{what="store", instance="a"}': "1",
    'gateway_records{state="unknown", instance="a"}': "0",
    'gateway_breaker_state{state="open", instance="a"}': "0",
    'gateway_rate_limits{counted="apart", instance="a"}': "0",
    'gateway_request_duration_seconds_bucket{le="0.5"}': "0+15",
    'gateway_request_duration_seconds_bucket{le="5.0"}': "0+15",
    'gateway_request_duration_seconds_bucket{le="+Inf"}': "0+15",
    'gateway_invites_total{code="", outcome="INVITED"}': "0+15",
}
EVERY_TWO_SECONDS = "0+15"
EVERY_TWO_MINUTES = "0 0 0 1 1 1 1 2 2 2 2 3 3 3 3 4 4 4 4 5 5 5 5 6 6 6 6 7 7 7 7 8 8 8 8"
ONCE = "0 0 0 0 1"


def invites(code: str, outcome: str) -> str:
    return f'gateway_invites_total{{code="{code}", outcome="{outcome}"}}'


def errors(code: str) -> str:
    return f'gateway_request_errors_total{{code="{code}"}}'


UNREACHED = invites("UPSTREAM_UNAVAILABLE", "NOT_INVITED")
NONE_MADE = {'gateway_invites_total{code="", outcome="INVITED"}': "0"}


def alerts(folder: Path, changed: dict[str, str], *, minute: int) -> set[str]:
    """The names of the alerts that ring by then, if a healthy gateway is `changed` so."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("Prometheus is not installed")
    series = {name: _whole(values) for name, values in (HEALTHY | changed).items() if values}
    test = {
        "interval": f"{INTERVAL_SECONDS}s",
        "input_series": [{"series": name, "values": text} for name, text in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [],
            }
        ],
    }
    # JSON is YAML. What rings is in promtool's account of the difference to nothing.
    tests = {"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": [test]}
    (folder / "tests.yaml").write_text(json.dumps(tests))
    command = [program, "test", "rules", str(folder / "tests.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "got:" in done.stderr
    return set(re.findall(r'alertname="(\w+)"', done.stderr.partition("got:")[2]))


def _whole(values: str) -> str:
    """All scrapes: a steady rise, or the last value for the rest of the time."""
    if "+" in values:
        return f"{values}x{SCRAPES}"
    listed = values.split()
    return " ".join([*listed, *[listed[-1]] * (SCRAPES - len(listed))])


def test_a_healthy_gateway_is_quiet(tmp_path):
    """Neither at its start nor later does anything ring."""
    assert alerts(tmp_path, {}, minute=1) == alerts(tmp_path, {}, minute=MINUTES) == set()


@pytest.mark.parametrize("pace", [EVERY_TWO_SECONDS, EVERY_TWO_MINUTES], ids=["campaign", "day"])
@pytest.mark.parametrize(
    ("series", "rings"),
    [
        (UNREACHED, {"InvitesCannotBeSent"}),
        (invites("UPSTREAM_TIMEOUT", "UNKNOWN"), {"InviteOutcomeUnknown"}),
        (invites("UPSTREAM_FAULT", "UNKNOWN"), {"InviteOutcomeUnknown"}),
        (invites("ALREADY_INVITED", "UNKNOWN"), {"InviteOutcomeUnknown"}),
        (invites("UPSTREAM_UNAUTHORIZED", "NOT_INVITED"), {"UpstreamRefusesOurKey"}),
        (invites("INVITE_QUOTA_EXHAUSTED", "NOT_INVITED"), {"NoInvitesLeft"}),
        (errors("SERVICE_UNAVAILABLE"), {"IdentityProviderUnreachable"}),
        (errors("INTERNAL_SERVER_ERROR"), {"InternalErrors"}),
        (errors("OVERLOADED"), {"Shedding"}),
        (invites("TRACK_NOT_FOUND", "NOT_INVITED"), set()),
        (invites("ALREADY_INVITED", "NOT_INVITED"), set()),
        (invites("IDEMPOTENCY_KEY_IN_PROGRESS", "UNKNOWN"), set()),
        (errors("UNAUTHENTICATED"), set()),
    ],
)
def test_failures_ring_at_any_volume(tmp_path, series, rings, pace):
    """All invites fail, be it one every two seconds or one every two minutes."""
    assert alerts(tmp_path, NONE_MADE | {series: pace}, minute=10) == rings


def test_one_failure_among_many_does_not_ring(tmp_path):
    """A connection that broke once is no reason to wake anybody."""
    assert alerts(tmp_path, {UNREACHED: ONCE}, minute=5) == set()


def test_one_failure_on_a_quiet_day_does_not_ring(tmp_path):
    """A single invite that failed may succeed the next time."""
    assert alerts(tmp_path, NONE_MADE | {UNREACHED: ONCE}, minute=5) == set()


@pytest.mark.parametrize("pace", [EVERY_TWO_SECONDS, EVERY_TWO_MINUTES], ids=["campaign", "day"])
def test_a_store_that_is_down_rings_as_that(tmp_path, pace):
    """Nothing was sent, and nothing says that it was; the last count of records counts no more."""
    down = {
        'gateway_ready{what="store", instance="a"}': "1 0",
        'gateway_records{state="unknown", instance="a"}': "3 NaN",
        invites("UPSTREAM_UNAVAILABLE", "UNKNOWN"): pace,
    }

    rings = alerts(tmp_path, NONE_MADE | down, minute=MINUTES - 3)

    assert rings - {"InvitesCannotBeSent"} == {"StoreNotReady"}
    assert alerts(tmp_path, NONE_MADE | down, minute=10) == {"StoreNotReady", "InvitesCannotBeSent"}


@pytest.mark.parametrize("values", ["1 0", "1 stale", ""], ids=["dead", "vanished", "never there"])
def test_a_gateway_that_is_gone_rings(tmp_path, values):
    """Whether its target does not answer or is not found any more."""
    gone = {**dict.fromkeys(HEALTHY, ""), 'up{job="gateway", instance="a"}': values}

    assert alerts(tmp_path, gone, minute=10) == {"GatewayDown"}


def test_one_of_two_gateways_that_is_gone_rings(tmp_path):
    """The others go on, and yet somebody should look."""
    gone = {'up{job="gateway", instance="b"}': "1 0"}

    assert alerts(tmp_path, gone, minute=10) == {"GatewayDown"}


def test_doubts_that_stay_ring(tmp_path):
    """What is settled within half an hour rings for nobody."""
    doubt = {'gateway_records{state="unknown", instance="a"}': "1"}

    assert alerts(tmp_path, doubt, minute=25) == set()
    assert alerts(tmp_path, doubt, minute=35) == {"RecordsInDoubt"}


def test_slow_answers_ring(tmp_path):
    """One request in ten takes up to ten seconds."""
    slow = {
        'gateway_request_duration_seconds_bucket{le="0.5"}': "0+9",
        'gateway_request_duration_seconds_bucket{le="5.0"}': "0+9",
        'gateway_request_duration_seconds_bucket{le="10.0"}': "0+10",
        'gateway_request_duration_seconds_bucket{le="+Inf"}': "0+10",
    }

    assert alerts(tmp_path, slow, minute=10) == {"SlowAnswers"}


def test_a_breaker_that_is_half_open_now_and_then_rings(tmp_path):
    """Looks that meet it while it tries the platform do not hide that it is open."""
    flickers = " ".join(["1", "0", "0"] * 20)

    rings = alerts(
        tmp_path, {'gateway_breaker_state{state="open", instance="a"}': flickers}, minute=10
    )

    assert rings == {"BreakerOpen"}


def test_limits_that_count_apart_ring(tmp_path):
    """A server that is away for a moment rings for nobody."""
    apart = {'gateway_rate_limits{counted="apart", instance="a"}': "1"}

    assert alerts(tmp_path, apart, minute=4) == set()
    assert alerts(tmp_path, apart, minute=10) == {"RateLimitsApart"}

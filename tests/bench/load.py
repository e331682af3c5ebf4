"""The load: wrk, its script and its summary."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bench.job import KEY_MARK

SUMMARY_MARK = "summary: "

_SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
{headers}
{body}
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "{mark}{{\\"requests\\": %d, \\"seconds\\": %f, \\"octets\\": %d, \\"p50_ms\\": %f, "
      .. "\\"p99_ms\\": %f, \\"errors\\": %d}}\\n",
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
# Whole requests are put together, head included: what the load costs, it takes from the gateway's
# core where both share a cache. The texts are all as long as the first.
_MARKED_BODY = """\
local start = {start}
local parts = {{{parts}}}
local count = 0
local function mark()
  count = count + 1
  return string.format("%s_%010d", start, count)
end
function init()
  local first, around, from = mark(), {{}}, 1
  local whole = wrk.format(nil, nil, nil, table.concat(parts, first))
  for place in function() return whole:find(first, from, true) end do
    table.insert(around, whole:sub(from, place - 1))
    from = place + #first
  end
  table.insert(around, whole:sub(from))
  parts = around
end
function request()
  return table.concat(parts, mark())
end"""


class LoadError(Exception):
    """The load generator is missing or did not give a summary."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What wrk saw: `octets` are those of all answers, heads included."""

    requests: int
    seconds: float
    octets: int
    p50_ms: float
    p99_ms: float
    errors: int


def script(body: str, *, headers: dict[str, str], key_prefix: str | None) -> str:
    """wrk's Lua script; with `key_prefix`, each request has a text of its own at each KEY_MARK."""
    lines = [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in headers.items()]
    if key_prefix is None:
        sent = f"wrk.body = {_lua(body)}"
    else:
        parts = body.split(KEY_MARK)
        assert len(parts) > 1, "such a body holds the mark"
        sent = _MARKED_BODY.format(start=_lua(key_prefix), parts=", ".join(map(_lua, parts)))
    return _SCRIPT.format(headers="\n".join(lines), body=sent, mark=SUMMARY_MARK)


def read_summary(output: str) -> Summary:
    """The summary that the script printed; LoadError without one."""
    for line in output.splitlines():
        if line.startswith(SUMMARY_MARK):
            return Summary(**json.loads(line.removeprefix(SUMMARY_MARK)))
    raise LoadError(f"wrk gave no summary:\n{output[-2000:]}")


def find_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise LoadError("the load generator `wrk` is missing: apt-get install wrk")
    return found


@dataclass(frozen=True, slots=True)
class Load:
    """A running load generator."""

    process: subprocess.Popen[str]
    seconds: int

    def end(self) -> Summary:
        output, _ = self.process.communicate(timeout=self.seconds + 60)
        return read_summary(output)


def begin(url: str, script_file: Path, *, connections: int, seconds: float, cpu: str) -> Load:
    """Loads `url` from the given CPUs for `seconds`."""
    length = max(1, round(seconds))
    command = ["taskset", "-c", cpu, find_wrk(), "-t1", f"-c{connections}", f"-d{length}s"]
    process = subprocess.Popen(
        [*command, "--timeout", "30s", "-s", str(script_file), url],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Load(process, length)


def _lua(text: str) -> str:
    # JSON's escapes are Lua's, but for \\u and \\/, which ASCII input without them avoids.
    return json.dumps(text)

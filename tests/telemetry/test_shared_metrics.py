"""Metrics that workers share through files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import pytest

from gateway.operator_error import OperatorError
from gateway.telemetry.metrics import SHARED, check_shared_folder, shared_metrics

PROGRAM = """
import os, shutil, sys
from gateway.telemetry.metrics import SHARED, Metrics
from gateway.telemetry.trail import Trail

metrics = Metrics()
trail = Trail("id", 0.0)
trail.status = 200
metrics.on_request(trail)
folder = os.environ[SHARED]
if sys.argv[1] == "folder":
    shutil.rmtree(folder)
elif sys.argv[1] == "files":
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))
metrics.on_request(trail)
for _ in range(2):
    print(metrics.exposition().decode())
"""


@pytest.mark.parametrize(("cleaned", "warnings"), [("folder", 1), ("files", 1), ("nothing", 0)])
def test_files_may_be_cleaned_away(tmp_path, cleaned, warnings):
    """What this worker has counted is told all the same, and the log says so once."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, cleaned],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, SHARED: str(folder)},
    )

    assert done.stdout.count('gateway_requests_total{status="200"} 2.0') == 2
    assert done.stderr.count("the workers' metrics files are gone") == warnings


def test_folder_that_cannot_be_made_is_told(monkeypatch):
    """In one line, with what can be done."""

    def fails(**_: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.delenv(SHARED, raising=False)
    monkeypatch.setattr(tempfile, "mkdtemp", fails)
    with pytest.raises(OperatorError, match=r"No usable temporary.* Set TMPDIR"), shared_metrics():
        pass


def test_folder_of_the_environment_is_looked_at(monkeypatch, tmp_path):
    """One that is not there would end in a traceback."""
    monkeypatch.setenv(SHARED, str(tmp_path))
    check_shared_folder()
    shutil.rmtree(tmp_path)

    with pytest.raises(OperatorError, match=f"{SHARED} names .*, which is no folder"):
        check_shared_folder()

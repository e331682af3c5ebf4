"""The GraphQL-over-HTTP audits of npm's graphql-http, against the real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.node import needs_packages, run_node
from tests.e2e.processes import running

AUDITS = Path(__file__).parent / "audits"
SETTINGS = {
    "AUTH": "none",
    "PORT": "0",
    "UPSTREAM_API_KEY": "key",
    "UPSTREAM_URL": "http://127.0.0.1:9",
    "INTROSPECTION": "true",
}
IDS = [
    "22EB",
    "4655",
    "47DE",
    "80D8",
    "82A3",
    "BF61",
    "78D5",
    "2C94",
    "5A70",
    "9C48",
    "9ABE",
    "03D4",
    "A5BF",
    "423L",
    "LKJ0",
    "LKJ1",
    "LKJ2",
    "LKJ3",
    "34A2",
    "13EE",
    "6C00",
    "6C01",
    "6C02",
    "6C03",
    "8161",
    "B8B3",
    "94B0",
    "0220",
    "94B1",
    "0221",
    "94B2",
    "0222",
    "4760",
    "4761",
    "4762",
    "4763",
    "2EA1",
    "28B9",
    "D6D5",
    "6A70",
    "58B0",
    "58B1",
    "58B2",
    "58B3",
    "428F",
    "1B7A",
    "B6DC",
    "BCF8",
    "B7N8",
    "8764",
    "3E3A",
    "572B",
    "FDE2",
    "7B9B",
    "865D",
    "556A",
    "D586",
    "51FE",
    "74FF",
    "5E5B",
    "86EE",
]


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> dict[str, Any]:
    """What each audit found, by its id."""
    return audited(tmp_path_factory.mktemp("audits"), **SETTINGS)


def audited(folder: Path, **settings: str) -> dict[str, Any]:
    needs_packages(AUDITS)
    with running(folder, "serve", **settings) as command:
        printed = run_node(AUDITS, "graphql-over-http.js", f"{command.address()}/graphql")
    return {result["id"]: result for result in json.loads(printed)}


@pytest.mark.parametrize("audit", IDS)
def test_audit_passes(results, audit):
    """The server does what this audit of the specification asks for."""
    assert results[audit]["status"] == "ok", results[audit]


def test_no_audit_is_left_out(results):
    """Every audit there is has its test."""
    assert sorted(results) == sorted(IDS)


def test_some_audits_need_introspection(tmp_path):
    """They ask for a type, which `serve` tells nobody unless the operator says so."""
    results = audited(tmp_path, **SETTINGS | {"INTROSPECTION": "false"})

    assert [id_ for id_, result in results.items() if result["status"] != "ok"] == [
        "2EA1",
        "28B9",
        "D6D5",
        "6A70",
    ]

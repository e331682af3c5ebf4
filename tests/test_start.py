"""A process that serves starts with what its settings need, and no more."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# All that `gateway serve` imports, and the app made as it makes it.
PROGRAM = """
import sys
import gateway.__main__, gateway.commands.reconcile, gateway.commands.serve
from gateway.app import served_app
from gateway.checks import checked_settings
served_app(checked_settings())
print(*sys.modules)
"""
RARE = {
    "asyncpg": "PostgreSQL",
    "cryptography": "tokens of a provider",
    "email_validator": "addresses that are not plain",
    "gateway.commands.dev": "trying it",
    "gateway.graphql.subgraph": "federation",
    "gateway.commands.invite": "spreadsheets",
    "gateway.sandbox": "trying it",
    "gateway.stores.postgres": "PostgreSQL",
    "gateway.telemetry.tracing": "traces",
    "httpx2": "proxies, or that client",
    "markdown_it": "guides",
    "opentelemetry": "traces",
    "pygments": "guides",
    "rich": "progress bars",
    "throttled": "limits of the operator's",
}


def loaded(folder, **settings: str) -> set[str]:
    given = {"GATEWAY_AUTH": "none", "GATEWAY_UPSTREAM_API_KEY": "k", **settings}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={**kept, **given},
    )
    return set(done.stdout.split())


def test_an_ordinary_start_loads_nothing_rare(tmp_path):
    """Each of these would cost every start some time, and every worker some memory."""
    assert loaded(tmp_path).isdisjoint(RARE)


@pytest.mark.parametrize(
    ("setting", "value", "module"),
    [
        ("GATEWAY_UPSTREAM_CLIENT", "httpx2", "httpx2"),
        ("HTTPS_PROXY", "http://127.0.0.1:3128", "httpx2"),
        ("GATEWAY_INVITES_PER_MINUTE", "5", "throttled"),
        ("GATEWAY_STORE_URL", "postgresql://nobody@127.0.0.1/none", "asyncpg"),
        ("GATEWAY_FEDERATION", "true", "gateway.graphql.subgraph"),
    ],
)
def test_what_a_setting_needs_is_loaded_at_the_start(tmp_path, setting, value, module):
    """No request waits for it."""
    assert module in loaded(tmp_path, **{setting: value})


def test_a_list_needs_no_schema():
    """`gateway invite` loads neither GraphQL nor a server, nor what few lists need."""
    program = "import sys, gateway.cli, gateway.commands.invite; print(*sys.modules)"
    rare = {"graphql", "strawberry", "starlette", "uvicorn", "rich", "asyncpg", "httpx2"}
    rare |= {"charset_normalizer", "python_calamine", "filelock", "email_validator", "jwt"}

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )

    assert set(done.stdout.split()).isdisjoint(rare)

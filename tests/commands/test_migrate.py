"""`gateway migrate` makes the store's tables, and needs to know of nothing else."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.settings.model import CodedSettings
from gateway.stores.trial import try_store
from tests.fakes.environment import plain_environment
from tests.fakes.settings import settings


@pytest.fixture
def environment(monkeypatch, tmp_path):
    return plain_environment(monkeypatch, tmp_path)


def run() -> tuple[int, str]:
    result = CliRunner().invoke(main, ["migrate"])
    return result.exit_code, result.output


def test_tables_are_made(environment, postgres_url):
    """Once is enough, and again does no harm; neither key nor callers have to be set."""
    environment(STORE_URL=postgres_url)
    given = settings(store_url=postgres_url)
    before = asyncio.run(try_store(given))

    runs = [run(), run()]

    assert "`gateway migrate`" in before
    assert runs == [(0, "The store is up to date.\n")] * 2
    assert asyncio.run(try_store(given)).endswith("the tables are up to date")


def test_the_url_may_be_in_a_file(environment, postgres_url, tmp_path):
    """As the gateway itself takes it."""
    (tmp_path / "url").write_text(postgres_url)
    environment(STORE_URL_FILE=str(tmp_path / "url"))

    assert run() == (0, "The store is up to date.\n")
    assert asyncio.run(try_store(CodedSettings(
        auth="none", upstream_api_key="key", store_url_file=tmp_path / "url"
    ))).endswith("the tables are up to date")  # fmt: skip


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql://h/d", 2, "GATEWAY_STORE_URL: must be sqlite:///FILE"),
        ("postgresql://127.0.0.1:1/none", 1, "cannot reach the PostgreSQL store"),
    ],
)
def test_what_is_wrong_is_one_line(environment, url, code, said):
    """No traceback, and a code for scripts."""
    environment(STORE_URL=url)

    exit_code, output = run()

    assert exit_code == code
    assert said in output

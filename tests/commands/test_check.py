"""`gateway check` shows what is set and what is wrong with it, and no secret."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.settings.model import Settings
from tests.fakes.environment import SECRET, plain_environment
from tests.fakes.identity import running_provider


@pytest.fixture
def environment(monkeypatch, tmp_path):
    put = plain_environment(monkeypatch, tmp_path)
    put(UPSTREAM_API_KEY=SECRET, AUTH="none")
    return put


def lines(*options: str, code: int) -> list[str]:
    result = CliRunner().invoke(main, ["check", *options])
    assert result.exit_code == code, result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


def test_what_is_set_is_printed(environment, tmp_path):
    """From the environment and the file, the environment first; nothing else, and no secret."""
    (tmp_path / ".env").write_text("GATEWAY_PORT=9000\nGATEWAY_WORKERS=1\nGATEWAY_HOST=\n")
    environment(PORT="8080", HOST="", CORS_ORIGINS="https://a.example,https://b.example")

    assert lines(code=0) == [
        "GATEWAY_UPSTREAM_API_KEY (hidden)",
        "GATEWAY_PORT 8080",
        "GATEWAY_WORKERS 1",
        "GATEWAY_AUTH none",
        "GATEWAY_CORS_ORIGINS https://a.example,https://b.example",
    ]


def test_what_is_wrong_is_marked_where_it_is_set(environment):
    """The rest is shown all the same: it may be the cause."""
    environment(
        PORT="http",
        TLS_KEY="/etc/key",
        AUHT="none",
        STORE_URL=f"postgresql://gateway:{SECRET}@db/gateway?sslmode=require",
    )

    assert lines(code=2) == [
        "GATEWAY_UPSTREAM_API_KEY (hidden)",
        "GATEWAY_PORT http",
        "WRONG: input should be a valid integer, unable to parse string as an integer",
        "GATEWAY_STORE_URL postgresql://gateway:***@db/gateway?sslmode=require",
        "GATEWAY_AUTH none",
        "GATEWAY_TLS_KEY /etc/key",
        "GATEWAY_TLS_CERT -",
        "WRONG: is required if GATEWAY_TLS_KEY is set",
        "GATEWAY_AUHT",
        "WRONG: unknown setting; did you mean GATEWAY_AUTH?",
    ]


def test_a_file_that_cannot_be_read_is_one_line(environment, tmp_path):
    """Where nothing can be known of the settings, that is all there is to say."""
    (tmp_path / ".env").write_bytes("GATEWAY_AUTH=none".encode("utf-16"))

    assert lines(code=2) == ["Error: the settings are not right:", ".env: is not UTF-8"]


def test_all_settings_can_be_printed(environment):
    """Those with a default show it, in the order of the guide."""
    printed = lines("--all", code=0)

    assert len(printed) == len(Settings.model_fields)
    assert printed[0].startswith("GATEWAY_UPSTREAM_URL https://app.xobin.com/api/v2 (default)")
    assert "GATEWAY_METRICS true (default)" in printed
    assert "GATEWAY_UPSTREAM_TIMEOUT_SECONDS 10 (default)" in printed
    assert "GATEWAY_JWT_ISSUER -" in printed


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://u:{SECRET}@h/d", "postgresql://u:***@h/d"),
        (f"postgresql://u:{SECRET}/@#?x@h/d", "postgresql://u:***@h/d"),
        (f"postgresql://u@h/d?password={SECRET}&a=b", "postgresql://u@h/d?password=***&a=b"),
        (f"postgresql://u@h/d?sslpassword={SECRET}", "postgresql://u@h/d?sslpassword=***"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("sqlite:////var/lib/gateway.db", "sqlite:////var/lib/gateway.db"),
    ],
)
def test_a_url_hides_its_password_alone(environment, url, shown):
    """An operator sees which server is meant, however special the password's characters are."""
    environment(STORE_URL=url)

    assert f"GATEWAY_STORE_URL {shown}" in lines(code=0)


def test_a_refused_url_hides_its_password_too(environment):
    """Also a setting that must not have one is shown without."""
    environment(UPSTREAM_URL=f"https://u:{SECRET}@platform.example")

    assert "GATEWAY_UPSTREAM_URL https://u:***@platform.example" in lines(code=2)


def test_plain_http_to_another_machine_is_warned_of(environment):
    """On this machine it is nobody's business, elsewhere anybody's."""
    environment(
        UPSTREAM_URL="http://platform.example", TRACES_URL="http://127.0.0.1:4318/v1/traces"
    )

    warnings = [line for line in lines(code=0) if line.startswith("Warning")]

    assert len(warnings) == 1
    assert warnings[0].startswith("Warning: GATEWAY_UPSTREAM_URL leads to another machine")


def test_a_gateway_that_is_open_to_all_is_warned_of(environment):
    """As `serve` warns, before it is too late."""
    environment(HOST="0.0.0.0")

    assert any(line.startswith("Warning: GATEWAY_AUTH is none") for line in lines(code=0))


def test_connections_are_tried_if_asked_for(environment):
    """What works and what does not is said, and the exit code is for scripts."""
    environment(STORE_URL="postgresql://127.0.0.1:1/none")
    with running_provider() as platform:
        environment(UPSTREAM_URL=platform.url)
        tried = lines("--connect", code=1)[-3:]
        environment(STORE_URL="sqlite:///gateway.db")
        again = lines("--connect", code=0)[-3:]

    assert [line.split()[:2] for line in tried] == [
        ["platform", "ok"],
        ["clock", "ok"],
        ["store", "WRONG"],
    ]
    assert again[2] == "store ok SQLite, gateway.db: will be made at the first start"

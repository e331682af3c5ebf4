"""URLs of PostgreSQL as providers hand them out, and a plain word where one is of no use."""

from __future__ import annotations

import os
import ssl

import asyncpg
import pytest
import trustme

from gateway.invites.store import StoreError
from gateway.stores.postgres import PostgresStore
from gateway.stores.postgres_connection import (
    ConnectionUrlError,
    connect,
    connection_options,
    why_not_connected,
)
from tests.fakes.haproxy import free_port, running_haproxy
from tests.fakes.postgres import execute, socket_of


async def why_not(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        await PostgresStore(url, timeout_seconds=2).open()
    return str(caught.value).removeprefix("cannot reach the PostgreSQL store: ")


@pytest.mark.parametrize(
    "parameters",
    [
        "channel_binding=prefer&gssencmode=disable&connect_timeout=7",
        "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
        "tcp_user_timeout=1000&client_encoding=UTF8&sslsni=1&fallback_application_name=x",
        "target_session_attrs=any&sslmode=disable",
        "options=-c%20statement_timeout%3D1234",
        "statement_timeout=1234",
    ],
)
async def test_usual_parameters_are_accepted(postgres_url, parameters):
    """What other clients of libpq are given works here too."""
    store = PostgresStore(f"{postgres_url}&{parameters}")

    await store.open()
    await store.ping()
    await store.close()


@pytest.mark.parametrize(
    "parameter",
    [
        "channel_binding=require",
        "gssencmode=require",
        "require_auth=scram-sha-256",
        "hostaddr=127.0.0.1",
        "requirepeer=postgres",
        "sslcrldir=/x",
        "sslcertmode=require",
    ],
)
async def test_what_the_driver_cannot_do_is_named(parameter):
    """A demand that would be left out in silence is refused by its name."""
    name = parameter.partition("=")[0]

    assert f"its parameter {name} demands" in await why_not(f"postgresql://u@h/d?{parameter}")


def test_connect_timeout_is_kept():
    """The time to connect is the URL's own; 0 leaves the gateway's."""
    assert connection_options("postgresql://u@h/d?connect_timeout=7")["timeout"] == 7
    assert "timeout" not in connection_options("postgresql://u@h/d?connect_timeout=0")
    with pytest.raises(ConnectionUrlError, match="connect_timeout must be a number"):
        connection_options("postgresql://u@h/d?connect_timeout=soon")


async def test_the_name_of_the_application_can_be_set(postgres_url):
    """It is the gateway's where the URL has none."""
    names = []
    for url in (postgres_url, f"{postgres_url}&application_name=invites"):
        connection = await connect(url, timeout_seconds=5)
        names.append(await connection.fetchval("SHOW application_name"))
        await connection.close()

    assert names == ["track-invite-gateway", "invites"]


@pytest.mark.parametrize(
    ("parameters", "named"),
    [("pgbouncer=true&schema=public", ': "pgbouncer", "schema" (42704)'), ("x=1@h", " (42704)")],
)
async def test_an_unknown_parameter_is_named(postgres_url, parameters, named):
    """Another library's parameter is found, unless it may be a part of the password."""
    why = await why_not(f"{postgres_url}&{parameters}")

    assert why == f"the server does not know a parameter of its URL{named}"


async def test_a_missing_database_is_named(postgres_server):
    """The statement that makes it is said, with its name."""
    why = await why_not(postgres_server.replace("/postgres?", "/invites?"))

    assert why == 'the database does not exist: CREATE DATABASE "invites" (3D000)'


async def test_a_missing_right_to_connect_is_named(postgres_server, postgres_url):
    """The statement that grants it is said."""
    [database] = postgres_url.split("/")[3].split("?")[:1]
    user = f"u_{database[-6:]}"
    execute(
        postgres_server,
        f"CREATE ROLE {user} LOGIN",
        f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC',
    )

    why = await why_not(postgres_url.replace("postgres:@", f"{user}@"))
    execute(postgres_server, f"DROP ROLE {user}")

    assert why == (
        f'the user may not connect: GRANT CONNECT ON DATABASE "{database}" TO "{user}" (42501)'
    )


async def test_an_unknown_user_is_named(postgres_url):
    """The server's refusal is told in words."""
    why = await why_not(postgres_url.replace("postgres:@", "nobody@"))

    assert why == "the server refuses the user, or connections from here (pg_hba.conf) (28000)"


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey"])
async def test_a_missing_file_is_named(name):
    """Which of the files cannot be read is said."""
    why = await why_not(f"postgresql://u@127.0.0.1:1/d?sslmode=verify-full&{name}=/nowhere")

    assert why == f"the file of {name} cannot be read: No such file or directory"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be another user for a moment")
async def test_a_foreign_home_is_named(monkeypatch, tmp_path):
    """HOME of another user, as some images and units leave it, is said to be the cause."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    os.seteuid(65534)
    try:
        why = await why_not("postgresql://u:p@127.0.0.1:1/d")
    finally:
        os.seteuid(0)

    assert "set HOME to one of the gateway's own user" in why


async def test_the_systems_authorities_are_trusted(postgres_url, tmp_path, monkeypatch):
    """`sslrootcert=system` makes sure of the server by them, as in libpq."""
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "other.pem")
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    port, database = free_port(), postgres_url.split("/")[3].partition("?")[0]
    rules = f"""
listen postgres
  mode tcp
  bind 127.0.0.1:{port} ssl crt {tmp_path}/server.pem alpn postgresql
  server a unix@{socket_of(postgres_url)}
"""
    url = f"postgresql://postgres@localhost:{port}/{database}"
    url += "?sslrootcert=system&sslnegotiation=direct"
    with running_haproxy(tmp_path, rules):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
        assert "CERTIFICATE_VERIFY_FAILED" in await why_not(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        store = PostgresStore(url)
        await store.open()
        await store.close()

    assert await why_not(f"{url}&sslmode=require") == (
        "sslrootcert=system needs sslmode=verify-full"
    )


def test_a_clients_certificate_goes_with_the_systems_authorities(tmp_path):
    """The two files of the URL are loaded into the context."""
    issued = trustme.CA().issue_cert("gateway")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    url = f"postgresql://u@h/d?sslrootcert=system&sslcert={tmp_path}/client.pem"

    options = connection_options(url)

    assert isinstance(options["ssl"], ssl.SSLContext)
    assert options["dsn"] == "postgresql://u@h/d"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncpg.InvalidPasswordError("x"), "refuses the user or the password (28P01)"),
        (asyncpg.TooManyConnectionsError("x"), "has no connection left"),
        (asyncpg.CannotConnectNowError("x"), "is starting or stopping (57P03)"),
        (asyncpg.DiskFullError("x"), "DiskFullError (53100)"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_other_refusals_are_told_in_words(error, words):
    """What the server says by its code is said in words, and its own text is not."""
    assert words in why_not_connected(error, "postgresql://u@h/d")

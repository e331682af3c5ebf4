"""The gateway serves https, and takes up a renewed certificate while it does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest
import trustme

from gateway.app import create_app
from gateway.server.config import running_gateway
from gateway.server.listen import listen
from gateway.server.tls import certified
from gateway.watched_file import LOOK_AGAIN_SECONDS
from tests.fakes.settings import settings


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def given(authority, monkeypatch, tmp_path):
    """The settings of a gateway with a certificate of that authority."""
    monkeypatch.chdir(tmp_path)
    issue(authority, tmp_path)
    return settings(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem")


def issue(authority: trustme.CA, folder) -> None:
    leaf = authority.issue_cert("localhost")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


class Client:
    """One connection at a time, which trusts one authority alone."""

    def __init__(self, address: str, authority: trustme.CA) -> None:
        self.port = urlsplit(address).port
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)

    async def ask(self) -> tuple[int, bytes]:
        """The status of an answer, and the certificate of who gave it."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> tuple[int, bytes]:
        connection = HTTPSConnection("localhost", self.port, timeout=20, context=self.context)
        try:
            headers = {"content-type": "application/json"}
            connection.request("POST", "/graphql", json.dumps({"query": "{__typename}"}), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, connection.sock.getpeercert(binary_form=True) or b""
        finally:
            connection.close()


async def test_https_is_served(given, authority):
    """A client that trusts the authority gets its answer."""
    listening = listen("127.0.0.1", 0)
    async with running_gateway(create_app(given), given, listening) as address:
        status, _ = await Client(address, authority).ask()

    assert status == 200
    assert address.startswith("https://127.0.0.1:")


async def test_a_renewed_certificate_is_taken_up(given, authority, tmp_path):
    """New connections get the new one; nobody has to restart the gateway."""
    async with running_gateway(create_app(given), given, listen("127.0.0.1", 0)) as address:
        client = Client(address, authority)
        _, first = await client.ask()
        issue(authority, tmp_path)
        for _ in range(50):
            status, second = await client.ask()
            if second != first:
                break
            await asyncio.sleep(LOOK_AGAIN_SECONDS / 10)

    assert status == 200
    assert second != first


async def test_a_strangers_authority_is_not_trusted(given):
    """The certificate is the one that was asked for, and no other."""
    async with running_gateway(create_app(given), given, listen("127.0.0.1", 0)) as address:
        with pytest.raises(ssl.SSLCertVerificationError):
            await Client(address, trustme.CA()).ask()


async def test_sockets_that_never_begin_are_counted_and_make_room(given, authority):
    """However many are held open, whoever speaks TLS is served."""
    limited = given.model_copy(update={"max_connections": 3, "header_timeout_seconds": 300.0})
    async with running_gateway(create_app(limited), limited, listen("127.0.0.1", 0)) as address:
        client = Client(address, authority)
        with contextlib.ExitStack() as stack:
            silent = [
                stack.enter_context(socket.create_connection(("127.0.0.1", client.port), 20))
                for _ in range(9)
            ]
            status, _ = await client.ask()
            closed = await asyncio.to_thread(read_to_the_end, silent[:6])

    assert status == 200
    assert closed == [b""] * 6


async def test_handshake_has_the_time_of_a_head(given, authority):
    """A socket that never begins, or does not speak TLS, is closed."""
    limited = given.model_copy(update={"header_timeout_seconds": 0.2})
    async with running_gateway(create_app(limited), limited, listen("127.0.0.1", 0)) as address:
        port = Client(address, authority).port
        with (
            socket.create_connection(("127.0.0.1", port), 20) as silent,
            socket.create_connection(("127.0.0.1", port), 20) as stranger,
        ):
            stranger.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            closed = await asyncio.to_thread(read_to_the_end, [silent, stranger])

    assert [b"HTTP" in received for received in closed] == [False, False]


async def test_stop_does_not_wait_for_handshakes(given, authority):
    """Nobody has asked for anything yet."""
    patient = given.model_copy(update={"header_timeout_seconds": 300.0})
    async with running_gateway(create_app(patient), patient, listen("127.0.0.1", 0)) as address:
        silent = socket.create_connection(("127.0.0.1", Client(address, authority).port), 20)
        await Client(address, authority).ask()

    with silent:
        assert silent.recv(1) == b""


def read_to_the_end(clients: list[socket.socket]) -> list[bytes]:
    received = []
    for client in clients:
        client.settimeout(20)
        try:
            received.append(client.recv(65536))
        except ConnectionResetError:
            received.append(b"")
    return received


def test_a_key_may_be_in_the_certificates_file(authority, tmp_path):
    """One file will do."""
    leaf = authority.issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")

    assert certified(tmp_path / "both.pem", None).cert_store_stats()["x509"] == 0

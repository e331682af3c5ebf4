"""The gateway serves https, and takes up a renewed certificate while it does."""

from __future__ import annotations

import asyncio
import json
import ssl
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest
import trustme

from gateway.app import create_app
from gateway.server.config import running_gateway
from gateway.server.listen import address_of, listen
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


def test_a_key_may_be_in_the_certificates_file(authority, tmp_path):
    """One file will do."""
    leaf = authority.issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")

    assert certified(tmp_path / "both.pem", None).cert_store_stats()["x509"] == 0


def test_the_address_has_its_scheme(given):
    """What is printed can be pasted."""
    with listen("127.0.0.1", 0) as listening:
        assert address_of(listening, given).startswith("https://")
        assert address_of(listening, settings()).startswith("http://")

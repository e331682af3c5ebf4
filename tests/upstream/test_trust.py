"""The upstream's certificate may come from an authority of the operator's own."""

from __future__ import annotations

import contextlib
import ssl

import pytest

from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.call import invite_call
from gateway.upstream.client import client_for
from gateway.upstream.trust import trusting
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes import hostile


@pytest.fixture
def ca_file(tmp_path):
    path = tmp_path / "ca.pem"
    hostile.authority().cert_pem.write_to_path(path)
    return path


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "unknown"])
async def test_an_own_authority_is_trusted_if_it_is_named(ca_file, kind, trusted):
    """With the file the platform's stand-in is believed, and without it is not."""
    async with hostile.speaks_tls() as upstream:
        client = client_for(
            upstream.address,
            api_key=FixedApiKey("key"),
            api_key_header="apiKey",
            concurrency=1,
            ca_file=ca_file if trusted else None,
            kind=kind,
        )
        exchange = await client.send(invite_call(b"{}", timeout_seconds=20))
        await client.aclose()

    if trusted:
        assert isinstance(exchange, Reply)
        assert exchange.status == 200
    else:
        assert exchange == NoReply(Fault.CERTIFICATE, possibly_sent=False)


def test_http_1_1_is_chosen_where_there_is_a_choice(ca_file):
    """No client here speaks HTTP/2, which a server may prefer."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hostile.authority().issue_cert("platform.example").configure_cert(serving)
    serving.set_alpn_protocols(["h2", "http/1.1"])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(ca_file).wrap_bio(back, there, server_hostname="platform.example")
    server = serving.wrap_bio(there, back, server_side=True)
    for side in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()

    assert server.selected_alpn_protocol() == "http/1.1"


def test_the_systems_authorities_stay_trusted(ca_file):
    """The file adds to them and takes none away."""
    assert len(trusting(ca_file).get_ca_certs()) == len(trusting().get_ca_certs()) + 1

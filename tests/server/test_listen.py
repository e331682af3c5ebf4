"""Which sockets an address means."""

from __future__ import annotations

import socket
import stat

import pytest

from gateway.operator_error import OperatorError
from gateway.server.listen import address_of, forget, listen


def closing(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 20).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "families"),
    [
        ("127.0.0.1", (True, False)),
        ("::1", (False, True)),
        ("0.0.0.0", (True, False)),
        ("::", (True, True)),
        ("localhost", (True, True)),
    ],
)
def test_host_means_its_families(host, families):
    """`::` and `localhost` both of them, on one port."""
    sockets = listen(host, 0)
    port = sockets[0].getsockname()[1]
    reached = accepts("127.0.0.1", port), accepts("::1", port)
    closing(sockets)

    assert reached == families


def test_clients_of_both_families_have_addresses_of_their_own():
    """No IPv4 client comes as `::ffff:127.0.0.1`, which no list of proxies would name."""
    sockets = listen("::", 0)
    with socket.create_connection(("127.0.0.1", sockets[0].getsockname()[1]), 20):
        accepted, (peer, _) = sockets[1].accept()
    closing([accepted, *sockets])

    assert peer == "127.0.0.1"


def test_one_family_is_enough_where_the_other_is_missing(monkeypatch):
    """A machine without IPv6 has a localhost too."""
    create = socket.create_server

    def without_ipv6(address, *, family, **options):
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")
        return create(address, family=family, **options)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    sockets = listen("localhost", 0)

    assert [one.family for one in sockets] == [socket.AF_INET]
    closing(sockets)
    with pytest.raises(OperatorError, match="cannot listen on ::, port 0: Address family"):
        listen("::", 0)


def test_port_that_is_taken_is_told():
    """In one family or the other."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"cannot listen on localhost, port {port}: "):
            listen("localhost", port)


def test_unix_socket_is_listened_on(tmp_path):
    """By a path; whoever may enter its folder may connect, and its file goes with it."""
    path = tmp_path / "gateway.sock"
    (listening,) = listen(f"unix:{path}", 8000)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))

    assert address_of(listening) == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    listening.close()
    forget(f"unix:{path}")
    assert not path.exists()


def test_unix_socket_of_the_dead_is_taken_over(tmp_path):
    """One that is answered, and a file that is something else, are left alone."""
    path = tmp_path / "gateway.sock"
    (first,) = listen(f"unix:{path}", 0)
    with pytest.raises(OperatorError, match="in use"):
        listen(f"unix:{path}", 0)
    first.close()

    (second,) = listen(f"unix:{path}", 0)
    second.close()
    path.unlink()
    path.write_text("a file")
    with pytest.raises(OperatorError, match="in use"):
        listen(f"unix:{path}", 0)
    assert path.read_text() == "a file"


def test_address_can_be_pasted():
    """With its scheme, and brackets where they are needed."""
    (four,), (six,) = listen("127.0.0.1", 0), listen("::1", 0)

    assert address_of(four).startswith("http://127.0.0.1:")
    assert address_of(six, tls=True).startswith("https://[::1]:")
    closing([four, six])

"""Which URLs name a server that counts for all gateways."""

from __future__ import annotations

import pytest

from gateway.settings.counts_url import check_counts_url


@pytest.mark.parametrize(
    "url", ["valkey://h", "valkeys://u:p@h:6380/1", "redis://127.0.0.1:6379", "rediss://[::1]"]
)
def test_servers_are_taken(url):
    """Valkey and Redis, with and without TLS."""
    assert check_counts_url(url) == url


@pytest.mark.parametrize(
    "url", ["", "h:6379", "http://h", "valkey://", "redis://h:0", "redis://:s3cret@h:99999"]
)
def test_others_are_refused(url):
    """What is none is told which are, and is not quoted: it may hold a password."""
    with pytest.raises(ValueError, match="must be valkey://HOST:PORT") as caught:
        check_counts_url(url)

    assert "s3cret" not in str(caught.value)

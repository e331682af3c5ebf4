"""The limit of file descriptors is raised as far as it is needed and allowed."""

from __future__ import annotations

import resource

import pytest

from gateway.server.descriptors import allow_descriptors


@pytest.fixture
def limit(monkeypatch):
    """Stands in for the process's limit: a soft and a hard one."""
    limits = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, to: limits.__setitem__(slice(None), to))
    return limits


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [
        (1024, 4096, 1228),
        (1024, resource.RLIM_INFINITY, 1228),
        (2048, 4096, 2048),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_limit_is_raised_as_far_as_needed(limit, soft, hard, then):
    """A higher one stays, and the hard one in any case."""
    limit[:] = soft, hard

    assert allow_descriptors(clients=800, upstream=300) is None
    assert limit == [then, hard]


def test_what_is_not_allowed_is_told(limit):
    """With the settings that can be lowered, and the limits that can be raised."""
    limit[:] = 400, 1000

    warning = allow_descriptors(clients=800, upstream=300)

    assert limit == [1000, 1000]
    assert warning is not None
    for word in ("1228", "1000", "LimitNOFILE", "MAX_CONNECTIONS", "UPSTREAM_CONCURRENCY"):
        assert word in warning

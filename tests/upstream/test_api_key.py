"""The upstream's key can come from a file and be changed without a restart."""

from __future__ import annotations

import pytest

from gateway.upstream.api_key import LATELY_SECONDS, ApiKeyFile, FixedApiKey
from gateway.watched_file import LOOK_AGAIN_SECONDS


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "key"
    path.write_text("first\n")
    return path


def replace(path, text: str) -> None:
    """Write as deployment tools do: a new file in the old one's place."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def test_a_changed_file_is_seen_within_a_second(path, clock):
    """Looking costs nothing in between."""
    key = ApiKeyFile(path, clock=clock)
    replace(path, "second")

    before = key.current()
    clock.seconds += LOOK_AGAIN_SECONDS

    assert (before, key.current()) == ("first", "second")


def test_an_unchanged_file_is_not_read_again(path, clock):
    """A look is a stat, not a read."""
    key = ApiKeyFile(path, clock=clock)
    clock.seconds += LOOK_AGAIN_SECONDS

    assert key.current() == "first"


def test_reread_looks_at_once(path, clock):
    """After a refusal nobody waits for the second to pass."""
    key = ApiKeyFile(path, clock=clock)
    replace(path, "second")

    assert key.reread()
    assert key.current() == "second"


@pytest.mark.parametrize("seen_by", ["reread", "current"])
def test_every_call_with_the_former_key_hears_of_the_new_one(path, clock, seen_by):
    """Of calls that are refused together, each is worth another attempt, and later ones are not."""
    key = ApiKeyFile(path, clock=clock)
    replace(path, "second")
    clock.seconds += LOOK_AGAIN_SECONDS
    getattr(key, seen_by)()

    together = key.reread()
    clock.seconds += LATELY_SECONDS + 1

    assert together
    assert not key.reread()


@pytest.mark.parametrize("content", ["", " \n", "clé"])
def test_a_broken_file_leaves_the_key_in_force(path, clock, content):
    """A half-written secret does not stop the gateway."""
    key = ApiKeyFile(path, clock=clock)
    replace(path, content)

    assert not key.reread()
    assert key.current() == "first"


def test_a_vanished_file_leaves_the_key_in_force(path, clock):
    """Volumes are remounted at times."""
    key = ApiKeyFile(path, clock=clock)
    path.unlink()
    clock.seconds += LOOK_AGAIN_SECONDS

    assert key.current() == "first"


def test_bytes_that_are_no_text_are_explained_without_them(path):
    """The error must not quote what may be half a key."""
    path.write_bytes(b"secret\xff")

    with pytest.raises(ValueError, match="printable ASCII") as refusal:
        ApiKeyFile(path)

    assert "secret" not in str(refusal.value)


def test_a_missing_file_is_an_error_at_start(tmp_path):
    """There is no key to begin with."""
    with pytest.raises(FileNotFoundError):
        ApiKeyFile(tmp_path / "absent")


def test_a_fixed_key_stays():
    """There is nothing to look for."""
    key = FixedApiKey("k")

    assert not key.reread()
    assert key.current() == "k"

"""Files that are replaced while the gateway runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.watched_file import LOOK_AGAIN_SECONDS, WatchedFile


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "numbers"
    path.write_text("1")
    return path


@pytest.fixture
def clock():
    return Clock()


def read_number(path: Path) -> int:
    return int(path.read_text())


def replace(path: Path, text: str) -> None:
    """As an operator does it: another file under the same name."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


def test_a_change_is_seen_within_a_second(path, clock):
    """Nobody has to restart the gateway."""
    watched = WatchedFile(path, read_number, clock=clock)
    replace(path, "2")
    early = watched.current()
    clock.seconds += LOOK_AGAIN_SECONDS

    assert (early, watched.current()) == (1, 2)


def test_reread_sees_a_change_at_once(path, clock):
    """Being told to look is enough, and says whether there was a change."""
    watched = WatchedFile(path, read_number, clock=clock)
    unchanged = watched.reread()
    replace(path, "2")

    assert (unchanged, watched.reread(), watched.current()) == (False, True, 2)


def test_a_bad_file_leaves_the_last_content(path, clock, caplog):
    """A file that is half written breaks nothing, and is reported once, unquoted."""
    watched = WatchedFile(path, read_number, clock=clock)
    replace(path, "secret")
    for _ in range(3):
        clock.seconds += LOOK_AGAIN_SECONDS
        assert watched.current() == 1

    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    assert "secret" not in caplog.text


def test_a_file_that_comes_back_is_read(path, clock, caplog):
    """A file that was gone for a while is taken up again."""
    watched = WatchedFile(path, read_number, clock=clock)
    path.unlink()
    clock.seconds += LOOK_AGAIN_SECONDS
    meanwhile = watched.current()
    path.write_text("22")
    clock.seconds += LOOK_AGAIN_SECONDS

    assert (meanwhile, watched.current()) == (1, 22)
    assert "cannot be used" in caplog.text


def test_the_first_reading_must_succeed(path):
    """What was never good is a fault at once."""
    path.write_text("none")

    with pytest.raises(ValueError, match="invalid literal"):
        WatchedFile(path, read_number)

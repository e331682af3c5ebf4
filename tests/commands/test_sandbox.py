"""`gateway sandbox` plays the platform that its options describe."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.sandbox import EmailFilter, Listed, Platform, SecondInvite, Times


@pytest.fixture
def played(monkeypatch):
    """Runs the command and gives the port and platform that would be served."""
    served: list[tuple[int, Platform]] = []
    monkeypatch.setattr(
        "gateway.commands.sandbox.serve_sandbox",
        lambda port, platform: served.append((port, platform)),
    )

    def played(*words: str) -> tuple[int, Platform]:
        result = CliRunner().invoke(main, ["sandbox", *words])
        assert result.exit_code == 0, result.output
        return served.pop()

    return played


def test_without_options_it_is_the_plain_platform(played):
    """On the port that the documentation names."""
    assert played() == (8001, Platform())


@pytest.mark.parametrize(
    ("words", "platform"),
    [
        *((f"--second-invite {one.value}", Platform(second_invite=one)) for one in SecondInvite),
        *((f"--listed {one.value}", Platform(listed=one)) for one in Listed),
        *((f"--times {one.value}", Platform(times=one)) for one in Times),
        *((f"--email-filter {one.value}", Platform(email_filter=one)) for one in EmailFilter),
        *((f"--page {one}", Platform(page=one)) for one in (200, 403, 404, 503)),
        (
            "--listed late --late-seconds 0.5",
            Platform(listed=Listed.LATE, late_seconds=0.5),
        ),
    ],
)
def test_options_choose_the_platform(played, words, platform):
    """Each value that there is can be chosen."""
    assert played("--port", "0", *words.split()) == (0, platform)


@pytest.mark.parametrize(
    "words", [("--listed", "soon"), ("--late-seconds", "-1"), ("--page", "500"), ("--times", "")]
)
def test_other_values_are_refused(words):
    """With the values that there are, and nothing is served."""
    result = CliRunner().invoke(main, ["sandbox", *words])

    assert result.exit_code == 2
    assert "Invalid value" in result.output

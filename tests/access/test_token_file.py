"""Tokens in a file of hashes."""

from __future__ import annotations

import hashlib

import pytest

from gateway.access.bearer import Caller, Rejection
from gateway.access.token_file import TokenVerifier, new_token, read_token_file, token_line


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tokens"


async def test_a_token_names_its_caller(file):
    """Each token of the file is its own caller's, and no other token is anybody's."""
    ats, forms, stranger = new_token(), new_token(), new_token()
    file.write_text(
        f"# ours\n{token_line('ats', ats)}  # since May\n\n{token_line('forms', forms)}\n"
    )
    verifier = TokenVerifier(file)

    assert await verifier.verify(ats) == Caller("ats")
    assert await verifier.verify(forms) == Caller("forms")
    assert await verifier.verify(stranger) is Rejection.INVALID
    await verifier.aclose()


async def test_the_log_says_why_a_token_is_refused(file, caplog):
    """The token is not quoted; a good one is no line."""
    caplog.set_level("INFO", "gateway.auth")
    ats = new_token()
    file.write_text(token_line("ats", ats))
    verifier = TokenVerifier(file)

    await verifier.verify(ats)
    await verifier.verify(new_token())

    assert caplog.messages == ["an access token was refused: it is not in GATEWAY_AUTH_TOKENS_FILE"]


async def test_two_tokens_may_be_one_callers(file):
    """A new token is in use before the old one goes."""
    old, new = new_token(), new_token()
    file.write_text(f"{token_line('ats', old)}\n{token_line('ats', new)}\n")
    verifier = TokenVerifier(file)

    assert await verifier.verify(old) == await verifier.verify(new) == Caller("ats")


async def test_a_rotated_token_counts_at_once(file):
    """After the file has changed the new token is good and the old one is not."""
    old, new = new_token(), new_token()
    file.write_text(token_line("ats", old))
    verifier = TokenVerifier(file)
    file.write_text(token_line("ats-2", new))
    verifier.reread()

    assert await verifier.verify(old) is Rejection.INVALID
    assert await verifier.verify(new) == Caller("ats-2")


async def test_a_bad_file_leaves_the_tokens_in_force(file):
    """An editor's half-written file locks nobody out."""
    token = new_token()
    file.write_text(token_line("ats", token))
    verifier = TokenVerifier(file)
    file.write_text("")
    verifier.reread()

    assert await verifier.verify(token) == Caller("ats")


def test_the_file_does_not_hold_the_token():
    """Who reads the file cannot call."""
    token = new_token()

    line = token_line("ats", token)

    assert line == f"ats {hashlib.sha256(token.encode()).hexdigest()}"
    assert token not in line


def test_no_two_tokens_are_alike():
    """Tokens are long, random, and known by their beginning."""
    made = {new_token() for _ in range(100)}

    assert len(made) == 100
    assert all(token.startswith("tig_") and len(token) == 47 for token in made)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 65, "ü", "a#b", "a\n"])
def test_a_name_is_plain(name):
    """A name is one word in the file, in logs and in records."""
    with pytest.raises(ValueError, match="letters, digits"):
        token_line(name, "token")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"# nothing\n", "has no token"),
        (b"ats", "line 1 is not a name"),
        (b"\nats tig_secret", "line 2 is not a name"),
        (b"\xff", "not text"),
        (b"a " + b"0" * 64 + b"\nb " + b"0" * 64, "one token twice"),
    ],
    ids=["empty", "no-hash", "token-itself", "binary", "twice"],
)
def test_a_bad_file_is_refused(file, content, fault):
    """The fault has the line's number and nothing of the line."""
    file.write_bytes(content)

    with pytest.raises(ValueError, match=fault) as caught:
        read_token_file(file)
    assert "secret" not in str(caught.value)

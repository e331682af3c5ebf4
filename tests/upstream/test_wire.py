"""Bodies to and from the upstream, readable in any shape that it may send."""

from __future__ import annotations

import codecs
import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.wire import (
    ErrorFields,
    Fault,
    InviteFields,
    Reply,
    invite_body,
    is_html,
    json_of,
    read_error,
    read_invite,
)

PLATFORMS = True
FULL = {
    "application_id": 91,
    "email": "ada@example.com",
    "invite_link": "https://upstream.example/i/1",
    "invite_status": "invited",
    "name": "Ada",
    "track_id": 6578,
}


def reply(body: object, *, content_type: str | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(200, raw, content_type=content_type)


def test_body_is_what_the_upstream_documents():
    """The track id is a JSON integer, whatever its size."""
    body = invite_body(
        candidate_name="Zoë",
        candidate_email="z@example.com",
        track_id=2**63 - 1,
        invite_format="getlink",
    )

    assert json.loads(body) == {
        "candidate_name": "Zoë",
        "candidate_email": "z@example.com",
        "track_id": 9223372036854775807,
        "invite_format": "getlink",
    }


def test_full_answer_is_read():
    """Ids become text: they may not fit a GraphQL Int."""
    answer = read_invite(reply(FULL))

    assert answer == InviteFields(
        "91",
        "ada@example.com",
        "https://upstream.example/i/1",
        "invited",
        "Ada",
        "6578",
        shows_invite=True,
    )


@pytest.mark.parametrize("field", FULL)
@pytest.mark.parametrize("absurd", [None, [], {}, True, -1.5, "", "   ", "9" * 5000])
def test_absurd_fields_are_absent(field, absurd):
    """A field that makes no sense does not spoil the others."""
    answer = read_invite(reply({**FULL, field: absurd}))

    is_text = field in ("email", "invite_status", "name")
    expected = absurd if absurd == "9" * 5000 and is_text else None
    assert getattr(answer, field) == expected


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (1, "1"),
        ("77", "77"),
        (2**63 - 1, str(2**63 - 1)),
        (str(2**63 - 1), str(2**63 - 1)),
        (2**63, None),
        (2**70, None),
        (0, None),
        (-5, None),
        ("12x", None),
        ("٣", None),
        (1.0, None),
        (False, None),
    ],
)
def test_ids_are_positive_integers(sent, read):
    """Digits in a string count; anything else does not."""
    assert read_invite(reply({"application_id": sent})).application_id == read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        b'{"application_id": 91',
        b"[]",
        b"[[1]]",
        b"null",
        b"91",
        b'"text"',
        b"\x00\xff",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 5000,
    ],
    ids=lambda body: repr(body[:22]),
)
def test_unreadable_bodies_read_as_nothing(body):
    """No body raises."""
    assert read_invite(reply(body)) == InviteFields(is_object=False)
    assert read_error(reply(body)) == ErrorFields()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (
            '{"application_id": 1, "name": "Zoë"}'.encode("latin-1"),
            "application/json; charset=latin-1",
        ),
        (
            '{"application_id": 1, "name": "Zoë"}'.encode("latin-1"),
            'a/b; charset="ISO-8859-1"; x',
        ),
        ('{"application_id": 1, "name": "Zoë"}'.encode("utf-16"), None),
        ('\ufeff{"application_id": 1, "name": "Zoë"}'.encode(), "application/json"),
        ('\ufeff{"application_id": 1, "name": "Zoë"}'.encode(), "a/b; charset=utf-8"),
        ('{"application_id": 1, "name": "Zoë"}'.encode("utf-16-le"), 'a/b; charset="UTF-16LE"; x'),
    ],
    ids=["latin-1", "quoted", "utf-16-bom", "utf-8-bom", "utf-8-bom-declared", "utf-16-declared"],
)
def test_other_charsets_are_read(body, content_type):
    """A charset beside UTF-8 does not lose an invite."""
    answer = read_invite(reply(body, content_type=content_type))

    assert (answer.application_id, answer.name) == ("1", "Zoë")


@pytest.mark.parametrize(
    "charset", ["iso-8859-1", "latin-1", "latin1", "iso-8859-15", "windows-1252"]
)
def test_charsets_of_one_octet_are_read(charset):
    """Nothing but the header tells them from UTF-8."""
    body = b'{"application_id": 1, "name": "Zo\xeb"}'

    assert read_invite(reply(body, content_type=f"a/b; charset={charset}")).name == "Zo\xeb"


@pytest.mark.parametrize(
    "charset",
    ["utf-8", "nonsense", "hex", "idna", "punycode", "undefined", "utf-7", "mbcs", "\x00", ""],
)
def test_a_wrong_charset_does_not_lose_the_invite(charset):
    """Bytes that are not what the header says are replaced, the rest is read."""
    body = b'{"application_id": 1, "name": "Zo\xeb"}'

    answer = read_invite(reply(body, content_type=f"application/json; charset={charset}"))

    assert (answer.application_id, answer.name) == ("1", "Zo\ufffd")


def test_names_of_charsets_are_not_looked_up():
    """Python keeps each name that it was asked for, known or not, for good."""
    asked: list[str] = []

    def search(name: str) -> None:
        asked.append(name)

    codecs.register(search)
    for number in range(9):
        read_error(reply(b"{", content_type=f"application/json; charset=x-{number}"))
    codecs.unregister(search)

    assert asked == []


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("key", ['k3y-Sup3r"/Secret', "k3y-Sup3r-Secret"], ids=["odd", "plain"])
@pytest.mark.parametrize(
    ("letter", "written"), [("", ""), ("/", r"\/"), ("S", r"\u0053")], ids=["as-is", "slash", "u"]
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_the_api_key_is_taken_out(key, letter, written, status, charset):
    """However a body writes it, wherever: in a message, a name, a link or a field of a field."""
    said = json.dumps(key)[1:-1]
    said = said.replace(letter, written) if letter else said
    body = f"""{{"application_id": 1, "invite_link": "https://x.example/?k={said}",
        "name": "{said}", "message": "Key {said} may not",
        "a": {{"b": ["c", "{said}", 1.5, true, null], "{said}": 1}}}}"""
    received = Reply(
        status, body.encode(charset), content_type=f"a/b; charset={charset}", api_key=key
    )

    assert json_of(received) == {
        "application_id": 1,
        "invite_link": "https://x.example/?k=***",
        "name": "***",
        "message": "Key *** may not",
        "a": {"b": ["c", "***", 1.5, True, None], "***": 1},
    }


@pytest.mark.parametrize("text", ["u00e9abcd", "nabcdefg"])
def test_what_only_looks_like_the_api_key_stays(text):
    """JSON's own way to write another letter is not the key."""
    body = b'{"name": "\\u00e9abcd \\nabcdefg"}'

    assert json_of(Reply(200, body, api_key=text)) == {"name": "éabcd \nabcdefg"}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_shortest_key_that_is_taken_out(mark):
    """Eight characters are seldom a word."""
    body = mark + b'{"application_id": 1, "name": "a12345678b"}'

    names = [read_invite(Reply(200, body, api_key=key)).name for key in ("12345678", "1234567")]

    assert names == ["a***b", "a12345678b"]


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("secret-key", b"\\u0073ecret-key"),
        ("secret/key", b"secret\\/key"),
        ('secret"key', b'secret\\"key'),
        ("secret\\key", b"secret\\\\key"),
    ],
)
def test_key_in_escapes_is_taken_out_of_the_plainest_body(key, written):
    """Its bytes are not there to be found."""
    body = b'{"name": "' + written + b'"}'

    assert read_invite(Reply(200, body, api_key=key)).name == "***"


def test_a_short_api_key_is_kept_out_of_messages():
    """It may be a word, so that other fields are left alone."""
    received = Reply(400, b'{"message": "No Key1 here", "name": "Key1"}', api_key="key1")

    assert read_error(received).message is None
    assert read_invite(received).name == "Key1"
    assert read_error(replace(received, api_key="")).message == "No Key1 here"


@pytest.mark.parametrize("depth", [200, 900, 5000])
def test_a_deep_body_with_the_key_shows_nothing_of_it(depth):
    """What cannot be cleared of the key is no JSON."""
    received = Reply(200, b'[{"a":' * depth + b'"secret-key"' + b"}]" * depth, api_key="secret-key")

    assert "secret-key" not in repr(json_of(received))


def test_lone_surrogates_are_replaced():
    """What is read can always be written as UTF-8 again."""
    answer = read_invite(reply(b'{"application_id": 1, "name": "Zo\\ud800"}'))

    assert answer.name == "Zo\ufffd"


def test_a_denied_success_is_seen():
    """An older form of errors says so in the body."""
    assert read_invite(reply({"success": False})).denied
    assert read_invite(reply({"error": "no"})).denied
    assert not read_invite(reply({**FULL, "success": True, "error": None})).denied


@pytest.mark.parametrize("before", [b" ", b"\t", b"\r\n", b"\f", b"\v", b"\xef\xbb\xbf"], ids=repr)
def test_page_is_one_whatever_stands_before_its_markup(before):
    """Blanks, and a byte order mark."""
    assert is_html(Reply(200, before + b"<p>Hello"))


def test_replies_are_compared_without_the_key():
    """It belongs to the call."""
    assert Reply(200, api_key="secret-key") == Reply(200)


@pytest.mark.parametrize("link", ["https://a.example/1", "http://a.example/1"])
def test_link_for_the_web_is_passed_on(link):
    """With or without TLS."""
    assert read_invite(reply({**FULL, "invite_link": link})).invite_link == link


def test_body_too_deep_to_take_the_key_out_is_not_read():
    """Half-way the rest might show it."""
    body = b'{"name": ' + b"[" * 1010 + b'"secret-key"' + b"]" * 1010 + b"}"

    assert not read_invite(Reply(200, body, api_key="secret-key")).is_object


def test_status_of_an_invite_may_deny_it():
    """Beside the fields of an invite and nothing else."""
    assert read_invite(reply({**FULL, "invite_status": "failed"})).denied
    assert not read_invite(reply(FULL)).denied


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"email": "ada@example.com", "name": "Ada", "track_id": 7, "application_id": 9',
            InviteFields(email="ada@example.com", name="Ada", track_id="7", shows_invite=True),
        ),
        (b'{"page": 7, "appl', InviteFields(shows_invite=False)),
        (b'{"application_id": "soon", "x', InviteFields(shows_invite=True)),
        (b'{"email": "a@b.example", "x', InviteFields(email="a@b.example", shows_invite=True)),
        (b'{"invite_link": "https://", "x', InviteFields(shows_invite=True)),
        (b'{"invite_status": "sent", "x', InviteFields(shows_invite=True)),
        (b'{"name": "Ada", "x', InviteFields(name="Ada", shows_invite=True)),
        (b'{"track_id": 7, "x', InviteFields(track_id="7", shows_invite=True)),
        (b'{"invite_status": "failed", "x', InviteFields(shows_invite=True, denied=True)),
        (b'[{"name": "Ada"', InviteFields(is_object=False)),
        (b"<html", InviteFields(is_object=False)),
        (b'{"na', InviteFields(shows_invite=True)),
        (b'"Ada', InviteFields(is_object=False)),
    ],
)
def test_beginning_of_an_invite_is_read(body, expected):
    """What a cut body is about is read from what is certainly whole."""
    assert read_invite(Reply(201, body, body_complete=False)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "No such track"}, ErrorFields("No such track", "No such track", PLATFORMS)),
        ({"success": False, "error": "No"}, ErrorFields("No", "No", PLATFORMS)),
        (
            {"message": "Exhausted.", "error": "limit_exceed"},
            ErrorFields("Exhausted.", "limit_exceed", PLATFORMS),
        ),
        ({"success": True, "error": "No"}, ErrorFields("No", "No")),
        (
            {"success": False, "message": "No.", "error": "no"},
            ErrorFields("No.", "no", PLATFORMS),
        ),
        ({"statusCode": 403, "error": "No"}, ErrorFields("No", "No")),
        ({"message": "No"}, ErrorFields("No")),
        ({"errors": "Bad"}, ErrorFields("Bad")),
        ({"errors": ["Bad", "Worse"]}, ErrorFields("Bad")),
        ({"errors": {"email": ["is bad"]}}, ErrorFields("is bad")),
        ({"errors": [{"message": "Bad"}]}, ErrorFields("Bad")),
        ({"errors": [{"field": "name", "message": "Bad"}]}, ErrorFields("Bad")),
        ({"errors": []}, ErrorFields()),
        ({"errors": {}}, ErrorFields()),
        ({"errors": [[[["deep"]]]]}, ErrorFields("deep")),
        ({"errors": [[[[["deep"]]]]]}, ErrorFields()),
        ({"error": {"code": 1}}, ErrorFields()),
        ({}, ErrorFields()),
    ],
)
def test_errors_are_read_in_every_known_shape(body, expected):
    """The shapes have changed over time."""
    assert read_error(reply(body)) == expected


@given(st.binary() | st.text().map(str.encode) | st.binary().map(gzip.compress))
def test_no_body_raises(body):
    """Whatever comes back is read as something."""
    assert isinstance(read_invite(Reply(200, body)), InviteFields)
    assert isinstance(read_error(Reply(400, body)), ErrorFields)


@pytest.mark.parametrize("fault", Fault)
def test_faults_keep_their_names(fault):
    """They are labels of a metric, and in the log."""
    assert fault.value == fault.name.lower()

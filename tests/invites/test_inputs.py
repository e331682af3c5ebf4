"""Nothing invalid reaches the upstream, and all issues come in one answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites import inputs
from gateway.invites.inputs import InviteDraft, check, comparable_email, trimmed
from gateway.invites.models import InviteFormat, InviteRequest

GOOD = {
    "candidate_name": "Ada Lovelace",
    "candidate_email": "ada@example.com",
    "track_id": "6578",
    "invite_format": InviteFormat.GET_LINK,
}


def checked(**changes):
    return check(InviteDraft(**{**GOOD, **changes}))


def bad_fields(**changes):
    result = checked(**changes)
    return [] if isinstance(result, InviteRequest) else [issue.field for issue in result]


def test_good_input_becomes_a_request():
    """The track id is a number from here on."""
    request = checked(idempotency_key="k-1")

    assert request == InviteRequest(
        "Ada Lovelace", "ada@example.com", 6578, InviteFormat.GET_LINK, "k-1"
    )


def test_all_issues_come_at_once():
    """A caller corrects everything in one go."""
    assert bad_fields(candidate_name="", candidate_email="", track_id="", idempotency_key="") == [
        "candidate_name",
        "candidate_email",
        "track_id",
        "idempotency_key",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "\u00a0\u2003",
        "\u200b\u200d",
        "\u200b \u200b",
        "\u3164",
        "\u2800\ufe0f",
        "\u034f",
        "a" * 201,
        "Ada\n",
        "\rAda",
        "A\x00da",
        "Ada\tLovelace",
        "Ada\x7f",
        "Ada\x85",
        "Ada\u2028Lovelace",
        "Ada\u2029Lovelace",
        "\u115f",
        "\u1160",
        "\uffa0",
        "Ada\ud800",
        "J\ufffdrgen",
        "مریم\u2060السادات",
    ],
    ids=ascii,
)
def test_bad_names_are_refused(name):
    """Blank, over-long, broken or with control characters."""
    assert bad_fields(candidate_name=name) == ["candidate_name"]


@pytest.mark.parametrize(
    "name",
    [
        "A",
        "a" * 200,
        "李小龍",
        "José  Ñ.",
        "O'Neil-Smith, Jr.",
        "مریم\u200cالسادات",
        "👩🏽‍🚀",
        "❤\ufe0f\u200d🔥",
        "क्\u200dष",
        "র\u200d্যাম",
        "শ্রী",
        "葛\U000e0100城",
        "<b>x</b>",
        "\u3164김",
        "Ⅳ",
        "…",
    ],
)
def test_good_names_are_kept(name):
    """People are called all sorts of things."""
    assert checked(candidate_name=name).candidate_name == name


@pytest.mark.parametrize(
    ("name", "character"),
    [
        ("Ada \u202eecalevoL", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("Ada \u202aLovelace", "U+202A (LEFT-TO-RIGHT EMBEDDING)"),
        ("Ada\u202c Lovelace", "U+202C (POP DIRECTIONAL FORMATTING)"),
        ("Ada \u2067Lovelace", "U+2067 (RIGHT-TO-LEFT ISOLATE)"),
        ("A\u200eda", "U+200E (LEFT-TO-RIGHT MARK)"),
        ("A\u061cda", "U+061C (ARABIC LETTER MARK)"),
        ("A\u200bda", "U+200B (ZERO WIDTH SPACE)"),
        ("A\u2060da", "U+2060 (WORD JOINER)"),
        ("A\ufeffda", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
        ("Love\u00adlace", "U+00AD (SOFT HYPHEN)"),
        ("Ada\U000e0041", "U+E0041 (TAG LATIN CAPITAL LETTER A)"),
        ("A\u200dda", "U+200D (ZERO WIDTH JOINER)"),
        ("Ada\u200c", "U+200C (ZERO WIDTH NON-JOINER)"),
        ("\u200dAda", "U+200D (ZERO WIDTH JOINER)"),
        ("Ren\u0065\u0301\u200de", "U+200D (ZERO WIDTH JOINER)"),
        ("А\u200dда", "U+200D (ZERO WIDTH JOINER)"),
        ("مر \u200cیم", "U+200C (ZERO WIDTH NON-JOINER)"),
        ("مر\u200c\u200cیم", "U+200C (ZERO WIDTH NON-JOINER)"),
    ],
    ids=ascii,
)
def test_invisible_characters_in_names_are_named(name, character):
    """They make a name look like another, and whoever typed it cannot see them."""
    [issue] = checked(candidate_name=name)

    assert issue.field == "candidate_name"
    assert character in issue.message


def test_names_are_trimmed_before_they_are_measured():
    """Spaces around a name are no part of it."""
    assert checked(candidate_name="  " + "a" * 200 + " ").candidate_name == "a" * 200


@pytest.mark.parametrize(
    "blank",
    [" ", "\u00a0", "\u2003", "\u200b", "\ufeff", "\u200e", "\u2060 \u3000\u00ad", "\u202c"],
    ids=ascii,
)
def test_blanks_around_are_no_part_of_the_input(blank):
    """Copying leaves them, seen or not; a name and an address lose them alike."""
    result = checked(
        candidate_name=f"{blank}Ada Lovelace{blank}",
        candidate_email=f"{blank}Ada@EXAMPLE.com{blank}",
    )

    assert (result.candidate_name, result.candidate_email) == ("Ada Lovelace", "Ada@example.com")


AROUND = (0x20, 0xA0, 0xAD, 0x61C, 0x1680, 0x180E, 0x202F, 0x205F, 0x3000, 0xFEFF)
AROUND += (*range(0x2000, 0x200C), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070))


@pytest.mark.parametrize("code", AROUND, ids=hex)
def test_each_blank_is_taken_off(code):
    """On both sides."""
    assert trimmed(f"{chr(code)}Zo\xeb{chr(code)}") == "Zo\xeb"


@pytest.mark.parametrize("code", [0x1FFF, 0x200C, 0x200D, 0x2010, 0x2029, 0x2030, 0x2070], ids=hex)
def test_neighbours_of_blanks_are_kept(code):
    """They are signs, letters or joiners."""
    assert trimmed(f"Zo\xeb{chr(code)}") == f"Zo\xeb{chr(code)}"


def test_joiners_are_part_of_a_name_alone():
    """They shape its last letter; no address ends with one."""
    name = "\u0d05\u0d30\u0d35\u0d3f\u0d28\u0d4d\u200d"

    result = checked(candidate_name=name, candidate_email="ada@example.com\u200d")

    assert (result.candidate_name, result.candidate_email) == (name, "ada@example.com")


def test_address_is_measured_without_blanks():
    """Its length is its own."""
    assert bad_fields(candidate_email=" " * 300 + "ada@example.com" + "\u200b" * 300) == []


@pytest.mark.parametrize("email", [" \u200b", "\ufeff"], ids=ascii)
def test_nothing_but_blanks_is_a_blank_address(email):
    """What is wrong is said as it looks."""
    (issue,) = checked(candidate_email=email)

    assert issue.message == "Must not be blank."


def test_key_may_be_required():
    """Where the operator says so, an invite without one is refused with all else that is wrong."""
    draft = InviteDraft("Ada", "ada@example.com", "x", InviteFormat.GET_LINK)

    issues = check(draft, key_required=True)

    assert isinstance(issues, tuple)
    assert [issue.field for issue in issues] == ["track_id", "idempotency_key"]
    assert check(replace(draft, track_id="1", idempotency_key="k"), key_required=True) == (
        InviteRequest("Ada", "ada@example.com", 1, InviteFormat.GET_LINK, "k")
    )


@pytest.mark.parametrize(
    "email",
    [
        "",
        " ",
        "ada",
        "ada@",
        "@example.com",
        "ada@@example.com",
        "ada@example",
        "ada@example..com",
        "ada@-example.com",
        "ada@localhost",
        "ada@[127.0.0.1]",
        '"ada l"@example.com',
        "ada lovelace@example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        "ada@example.com,eve@example.com",
        "ada@example.com; eve@example.com",
        "ada@example.com eve@example.com",
        "Ada <ada@example.com>",
        ".ada@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "e" * 250 + ".com",
        "a@" + "b." * 200_000 + "com",
    ],
    ids=lambda email: ascii(email)[:40],
)
def test_bad_addresses_are_refused(email):
    """One address that mail can be sent to, and nothing else."""
    assert bad_fields(candidate_email=email) == ["candidate_email"]


@pytest.mark.parametrize("top", ["arpa", "invalid", "local", "localhost", "onion", "test"])
def test_no_mail_goes_to_domains_that_are_set_apart(top):
    """RFC 6761; a plain address among them is refused as any other."""
    assert bad_fields(candidate_email=f"ada@example.{top}") == ["candidate_email"]


@pytest.mark.parametrize("first", ["a", "A"], ids=["plain", "checked at length"])
def test_longest_address_is_sent(first):
    """254 characters fit into SMTP's commands; one more does not."""
    domain = f"{'b' * 63}.{'c' * 63}.{'d' * 57}.com"
    longest = f"{first}{'a' * 63}@{domain}"

    assert len(longest) == 254
    assert bad_fields(candidate_email=longest) == []
    assert bad_fields(candidate_email=longest.replace("d.com", "dd.com")) == ["candidate_email"]


@pytest.mark.parametrize(
    ("length", "problem"),
    [
        (254, "Must be one e-mail address that mail can be sent to, like name@example.com."),
        (255, "Must have at most 254 characters."),
    ],
)
def test_length_is_named_only_if_it_is_what_is_wrong(length, problem):
    """An address of 254 characters may be wrong in other ways."""
    [issue] = checked(candidate_email="a" * length)

    assert issue.message == problem


@pytest.mark.parametrize("email", ["Ada@xn--0.com", "Ada@xn--a.example"])
def test_domain_that_cannot_be_decoded_is_compared_as_it_is(email):
    """The platform's list may hold anything."""
    assert comparable_email(email) == email.lower()


@pytest.mark.parametrize(
    ("email", "sent"),
    [
        ("ada+jobs@example.com", "ada+jobs@example.com"),
        ("Ada@EXAMPLE.com", "Ada@example.com"),
        ("o'neil@example.co.uk", "o'neil@example.co.uk"),
        ("jörg@example.com", "jörg@example.com"),
        ("ada@bücher.example.com", "ada@bücher.example.com"),
    ],
)
def test_good_addresses_are_sent_in_their_normal_form(email, sent):
    """The domain is not case-sensitive; the local part may be."""
    assert checked(candidate_email=email).candidate_email == sent


@pytest.mark.parametrize(
    "track_id",
    [
        "",
        "0",
        "-1",
        "+1",
        "1.0",
        "1e3",
        " 1",
        "1\n",
        "0x10",
        "1_000",
        "007",
        "１２",
        "٣",
        "abc",
        str(2**63),
        "9" * 5000,
    ],
    ids=lambda text: ascii(text)[:25],
)
def test_bad_track_ids_are_refused(track_id):
    """Only positive decimal integers that fit 63 bits."""
    assert bad_fields(track_id=track_id) == ["track_id"]


@pytest.mark.parametrize("track_id", [1, 6578, 2**31, 2**53 + 1, 2**63 - 1])
def test_good_track_ids_are_kept_exactly(track_id):
    """No float comes between."""
    assert checked(track_id=str(track_id)).track_id == track_id


@pytest.mark.parametrize("key", ["", "k" * 256, "clé", "a\nb", "a\tb", "\x7f", "\ud800"], ids=ascii)
def test_bad_keys_are_refused(key):
    """1 to 255 printable ASCII characters."""
    assert bad_fields(idempotency_key=key) == ["idempotency_key"]


@pytest.mark.parametrize("key", ["k", "k" * 255, "order 66: ~!", None])
def test_good_keys_are_kept(key):
    """A key is taken as it is."""
    assert checked(idempotency_key=key).idempotency_key == key


@given(name=st.text(), email=st.text(), track_id=st.text(), key=st.none() | st.text())
def test_no_text_raises_and_no_issue_quotes_it(name, email, track_id, key):
    """Whatever is sent, there is an answer, and long input does not come back in it."""
    result = checked(
        candidate_name=name, candidate_email=email, track_id=track_id, idempotency_key=key
    )

    if not isinstance(result, InviteRequest):
        told = " ".join(issue.message for issue in result)
        for sent in (name, email, track_id, key):
            assert sent is None or len(sent) < 12 or sent not in told


EDGES = [
    "a@b.cd",
    f"{'a' * 64}@b.cd",
    f"{'a' * 65}@b.cd",
    f"a@{'b' * 63}.cd",
    f"a@{'b' * 64}.cd",
    f"a@b.{'c' * 63}",
    f"a@b.{'c' * 64}",
    f"a@{'b.' * 125}cd",
    f"a@{'b.' * 126}cd",
    "a..b@c.de",
    ".a@b.cd",
    "a-@b.cd",
    "a@-b.cd",
    "a@b-.cd",
    "a@xn--b.cd",
    "a@b--c.de",
    "a@b.c1",
    "a@b.1c",
    "a@b.c",
    "a@b",
    "a@b.test",
    "a@b.example",
    "a@b.home.arpa",
    "a@b.local.com",
    "info@b.cd",
    "a@b.cd\n",
    "a@b@c.de",
]
WORDS = st.text("abz019", min_size=1, max_size=8)


def joined(signs: str) -> st.SearchStrategy[str]:
    return st.lists(WORDS | st.sampled_from(signs), min_size=1, max_size=6).map("".join)


def normalised_at_length(email: str) -> str | None:
    try:
        return validate_email(email, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        return None


def test_top_level_domains_that_are_set_apart_are_the_librarys():
    """They stand in our code so that the library need not be loaded for them."""
    theirs = {name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES}

    assert theirs == inputs._SET_APART


@pytest.mark.parametrize("email", EDGES)
def test_a_plain_email_gets_the_verdict_of_the_long_check(email):
    """Being quick about most addresses changes nothing for any."""
    result = checked(candidate_email=email)

    found = result.candidate_email if isinstance(result, InviteRequest) else None
    assert found == normalised_at_length(email)


@given(local=joined("._+-"), domain=joined(".-"), top=st.sampled_from(["com", "test", "c0m", "x"]))
def test_any_email_gets_the_verdict_of_the_long_check(local, domain, top):
    """Made of what plain addresses are made of, in any order."""
    test_a_plain_email_gets_the_verdict_of_the_long_check(f"{local}@{domain}.{top}")

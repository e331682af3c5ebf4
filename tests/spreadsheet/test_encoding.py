"""Text is read as it was written, or the person is asked."""

from __future__ import annotations

import codecs

import pytest

from gateway.spreadsheet.encoding import EncodingError, decoded, is_encoding, is_of_words

LIST = "name,email\nJürgen Müller,j@example.de\nRenée Weiß,r@example.fr\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (LIST.encode(), "utf-8-sig"),
        (LIST.encode("utf-8-sig"), "utf-8-sig"),
        (LIST.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + LIST.encode("utf-16-be"), "utf-16"),
        (LIST.encode("utf-16-le"), "utf-16"),
        (LIST.encode("utf-16-be"), "utf-16"),
        (LIST.encode("utf-32"), "utf-32"),
    ],
)
def test_unicode_is_known(data, encoding):
    """With its mark or without, no guess is needed."""
    text = decoded(data)

    assert text.text.removeprefix("\ufeff") == LIST
    assert (text.encoding, text.is_guessed) == (encoding, False)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (LIST, "cp1252"),
        ("Name;Email\r\nŁukasz Żółć;lukasz@example.com\r\n", "cp1250"),
        ("Name,Email\rJosé Müller,jose@example.com\rAda Åkesson,ada@example.com\r", "mac_roman"),
        ("Имя;Email\r\nИван Петров;i@example.com\r\nМария;m@example.com\r\n", "cp1251"),
        ("name,email,fee\nJürgen,j@example.de,100 €\n", "cp1252"),
    ],
)
def test_a_code_page_is_guessed_where_one_reading_makes_sense(text, encoding):
    """It is said to be a guess."""
    guess = decoded(text.encode(encoding))

    assert (guess.text, guess.encoding, guess.is_guessed) == (text, encoding, True)


@pytest.mark.parametrize(
    ("text", "encoding", "option"),
    [
        (
            "Name,Email\r\n山田太郎,taro@example.com\r\n",
            "shift_jis",
            "--encoding cp932    山田太郎",
        ),
        ("name,email\nAyşe Yılmaz,a@example.com\n", "cp1254", "--encoding cp1254  Ayşe, Yılmaz"),
        ("name,email\nZoë,z@example.com\n", "cp1252", "--encoding cp1252  Zoë"),
    ],
)
def test_a_guess_that_is_not_sure_is_left_to_the_person(text, encoding, option):
    """Each way to read it is shown with the option that chooses it."""
    with pytest.raises(EncodingError) as caught:
        decoded(text.encode(encoding))

    assert option in str(caught.value)
    assert decoded(text.encode(encoding), encoding=encoding).text == text


def test_what_makes_no_words_is_refused():
    """Signs in the middle of names are no names."""
    with pytest.raises(EncodingError, match="no guess makes words"):
        decoded(b"name,email\nJ\xb0rgen,j@example.com\n")


def test_one_broken_letter_does_not_spoil_the_others():
    """UTF-8 stays UTF-8, and what is broken is marked."""
    text = decoded("name\nJürgen\nZoë\n".encode() + b"Trunc\xc3\n")

    assert text.text == "name\nJürgen\nZoë\nTrunc\ufffd\n"
    assert not text.is_guessed


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig"])
def test_a_mark_is_no_part_of_the_text(encoding):
    """The results get one too, so that Excel reads them."""
    text = decoded(LIST.encode("utf-8-sig"), encoding=encoding)

    assert (text.text, text.encoding) == (LIST, "utf-8-sig")


@pytest.mark.parametrize(
    ("name", "known"),
    [("utf-8", True), ("mac_roman", True), ("base64", False), ("x", False), ("idna\0", False)],
)
def test_only_encodings_of_text_are_known(name, known):
    """Codecs of bytes are none."""
    assert is_encoding(name) is known


@pytest.mark.parametrize(
    "text", ["Å Müller", "ŽIŽKA", "東京太郎", "山田はなこ", "“So” – 5 €", "O’Brien"]
)
def test_names_are_words(text):
    """Letters of one script, capitals at the front."""
    assert is_of_words(text)


@pytest.mark.parametrize("text", ["JÃ¼rgen", "M¸ller", "JosŽ", "Jьrgen", "£ukasz"])
def test_misread_names_are_none(text):
    """Signs, capitals and scripts where no name has them."""
    assert not is_of_words(text)

"""Decodes a CSV file in any encoding that spreadsheet programs write."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

UTF_8: Final = "utf-8-sig"
# The other encodings of spreadsheet programs: code pages of Windows, DOS and the Mac.
_WRITTEN: Final = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("cp874", "cp932", "gb18030", "cp949", "big5"),
    *("mac_roman", "mac_cyrillic", "cp850", "cp852", "cp437"),
)
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF_8_LETTER: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_WORD: Final = re.compile(r"[^\s,;\t|/\\\"'‘’“”„«»()\[\]{}<>@.:·_–—-]+")
# Scripts that occur together in one word.
_JAPANESE: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})
_SHOWN: Final = 4


class EncodingError(Exception):
    """The text's encoding cannot be determined; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Text:
    """`encoding` is Python's name for it; the text can be written in it again."""

    text: str
    encoding: str
    is_guessed: bool = False


def decoded(data: bytes, *, encoding: str | None = None, unless_unicode: str | None = None) -> Text:
    """The text in the given `encoding`, or in the only plausible one.

    Data that is not Unicode is read as `unless_unicode`, if given. A broken character becomes
    U+FFFD. Raises EncodingError.
    """
    if encoding is not None:
        return Text(_chosen(data, encoding), _with_mark(encoding))
    if (text := _unicode(data)) is not None:
        return text
    if unless_unicode is not None:
        return Text(data.decode(unless_unicode, "replace"), unless_unicode, is_guessed=True)
    return _guessed(data)


def _unicode(data: bytes) -> Text | None:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Text(data.decode(name, "replace"), name)
    if b"\0" in data:
        return _without_mark(data)
    try:
        return Text(data.decode("utf-8"), UTF_8)
    except UnicodeDecodeError:
        return _broken_utf_8(data)


def is_encoding(name: str) -> bool:
    """Whether it is the name of a text encoding."""
    try:
        return "a".encode(name).decode(name) == "a"
    except (LookupError, UnicodeError, ValueError, TypeError):
        return False


def _chosen(data: bytes, encoding: str) -> str:
    return data.decode(encoding, "replace").removeprefix("\ufeff")


def _with_mark(encoding: str) -> str:
    return UTF_8 if codecs.lookup(encoding).name == "utf-8" else encoding


def _without_mark(data: bytes) -> Text:
    """UTF-16 without a byte order mark: in most lists, most characters have a zero byte."""
    name = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    return Text(data.decode(name, "replace"), "utf-16")


def _broken_utf_8(data: bytes) -> Text | None:
    """UTF-8 in which a few characters are broken."""
    text = data.decode("utf-8", "replace")
    letters = sum(1 for _ in _UTF_8_LETTER.finditer(data)) - text.count("\ufffd")
    return Text(text, UTF_8) if letters > 0 else None


def _guessed(data: bytes) -> Text:
    readings, likely = _readings(data), _likely(data)
    found = {text: names for text, names in readings.items() if likely.intersection(names)}
    if len(found) != 1:
        raise EncodingError(_question(found or readings))
    [(text, encodings)] = found.items()
    return Text(text, encodings[0], is_guessed=True)


def _readings(data: bytes) -> dict[str, list[str]]:
    """The plausible texts of data that holds people's names, with the encodings of each."""
    found: dict[str, list[str]] = {}
    for encoding in _WRITTEN:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if is_of_words(text):
            found.setdefault(text, []).append(encoding)
    return found


def _likely(data: bytes) -> set[str]:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few lists need it

    matches = from_bytes(data, cp_isolation=list(_WRITTEN), enable_fallback=False)
    return {name for match in matches for name in match.could_be_from_charset}


def _question(readings: Mapping[str, list[str]]) -> str:
    if not readings:
        return (
            "does not say how its letters are encoded, and no guess makes words of them: save it"
            ' as "CSV UTF-8", or name the encoding, such as --encoding cp1252'
        )
    width = max(len(encodings[0]) for encodings in readings.values())
    ways = [
        f"  --encoding {encodings[0]:<{width}}  {', '.join(_telling_words(text))}"
        for text, encodings in readings.items()
    ]
    intro = (
        "does not say how its letters are encoded. Choose the option that reads them right, or"
        ' save the file as "CSV UTF-8":'
    )
    return "\n".join([intro, *ways])


def _telling_words(text: str) -> list[str]:
    words = dict.fromkeys(word for word in _WORD.findall(text) if not word.isascii())
    return list(words)[:_SHOWN]


def is_of_words(text: str) -> bool:
    """Whether all that is not ASCII looks like part of a name.

    In a wrong encoding, letters become symbols, capitals in the middle of a word, or letters of
    several scripts.
    """
    return all(_is_word(word) for word in set(_WORD.findall(text)) if not word.isascii())


def _is_word(word: str) -> bool:
    letters = [sign for sign in word if sign.isalpha()]
    if not letters:
        # A currency or degree sign, or a dash.
        return True
    if not all(unicodedata.category(sign)[0] in "LM" for sign in word):
        return False
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in letters}
    if len(scripts) != 1 and not scripts <= _JAPANESE:
        return False
    return word.isupper() or word[1:] == word[1:].lower()

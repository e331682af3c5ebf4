"""Finds the columns of names and addresses by the headings that people commonly use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.spreadsheet.cleaning import shortened

_MOST_SHOWN: Final = 30
_CAPITAL_WITHIN: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_IN_BRACKETS: Final = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_WORD: Final = re.compile(r"[\W_]+")


class HeadingError(Exception):
    """The columns cannot be found by the headings; the message says what to do."""


def plain(heading: str) -> str:
    """The heading lowercased, without accents and punctuation: `E-Mail *` is `e mail`."""
    letters = unicodedata.normalize("NFKD", heading)
    text = "".join(letter for letter in letters if not unicodedata.combining(letter))
    text = _CAPITAL_WITHIN.sub(" ", _IN_BRACKETS.sub(" ", text))
    return _NO_WORD.sub(" ", text).casefold().strip()


def _words(*lines: str) -> frozenset[str]:
    return frozenset(plain(word) for line in lines for word in line.split("|"))


_EMAIL: Final = _words(
    "email|e-mail|mail|email address|e-mail address|mail address|email id|e-mail id|mail id",
    "candidate email|candidate e-mail|candidate email address|candidate email id|applicant email",
    "applicant email address|primary email|personal email|email adresse|e-mail-adresse",
    "mail-adresse|mailadresse|emailadresse|courriel|adresse courriel|adresse email|adresse e-mail",
    "adresse mail|adresse électronique|correo|correo electrónico|dirección de correo",
    "dirección de correo electrónico|indirizzo email|indirizzo e-mail|posta elettronica",
    "endereço de email|endereço de e-mail|correio eletrônico|correio eletrónico|e-mailadres",
    "emailadres|e-post|epost|e-postadress|e-postadresse|adres e-mail|adres email|e-posta|eposta",
    "почта|электронная почта|адрес электронной почты|имейл",
    "メール|メールアドレス|Eメール|電子メール",
    "邮箱|电子邮箱|电子邮件|邮件|電子郵件|電郵|이메일|이메일 주소|메일",
)
_WHOLE_NAME: Final = _words(
    "full name|fullname|candidate name|candidate full name|applicant name|applicant full name",
    "person name|first and last name|name and surname|vollständiger name|vor- und nachname",
    "vor- und zuname|nom complet|nom et prénom|prénom et nom|nombre completo|nombre y apellidos",
    "nombre y apellido|apellidos y nombre|nome completo|nome e cognome|cognome e nome",
    "volledige naam|imię i nazwisko|nazwisko i imię|fullt namn|ad soyad|adı soyadı|ФИО",
    "имя и фамилия|фамилия и имя|氏名|お名前|姓名|성명|이름",
)
# Next to a column for half of a name, these may hold the full name or the other half.
_NAME: Final = _words(
    "name|names|candidate|applicant|nom|nombre|nombres|nome|naam|namn|navn|nazwa|isim|имя|名前|名字"
)
_GIVEN: Final = _words(
    "first name|firstname|given name|given names|forename|first|candidate first name|vorname",
    "vornamen|prénom|prénoms|primer nombre|voornaam|imię|förnamn|fornavn|ad|adı|名",
)
_FAMILY: Final = _words(
    "last name|lastname|surname|family name|last|candidate last name|nachname|familienname|zuname",
    "nom de famille|apellido|apellidos|cognome|sobrenome|achternaam|nazwisko|efternamn|etternavn",
    "soyad|soyadı|фамилия|姓",
)
# Languages that write the family name first.
_FAMILY_FIRST: Final = _words("姓|名")


@dataclass(frozen=True, slots=True)
class Columns:
    """Indexes of columns; several name columns are joined."""

    names: tuple[int, ...]
    email: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The headings to look for: the given ones, or those that people commonly use."""

    names: tuple[str, ...] = ()
    email: str | None = None

    def known(self, cells: Sequence[str]) -> int:
        """How many of the two kinds of column the cells name."""
        return bool(self._emails(cells)) + bool(self._any_names(cells))

    def columns(self, cells: Sequence[str]) -> Columns:
        """Raises HeadingError."""
        return Columns(self._name_columns(cells), self.email_column(cells))

    def email_column(self, cells: Sequence[str]) -> int:
        """Raises HeadingError."""
        if self.email is not None:
            return _the_one(cells, self.email)
        found = self._emails(cells)
        if not found:
            raise HeadingError(_missing("e-mail addresses", "--email-column", cells))
        if len(found) > 1:
            raise HeadingError(_several("e-mail addresses", "--email-column", cells, found))
        return found[0]

    def _emails(self, cells: Sequence[str]) -> list[int]:
        words = _EMAIL if self.email is None else {plain(self.email)}
        return _places(cells, words)

    def _any_names(self, cells: Sequence[str]) -> list[int]:
        if self.names:
            return _places(cells, {plain(name) for name in self.names})
        return _places(cells, _WHOLE_NAME | _NAME | _GIVEN | _FAMILY)

    def _name_columns(self, cells: Sequence[str]) -> tuple[int, ...]:
        if self.names:
            return tuple(_the_one(cells, name) for name in self.names)
        whole = _places(cells, _WHOLE_NAME)
        given, family = _places(cells, _GIVEN), _places(cells, _FAMILY)
        vague = _places(cells, _NAME)
        if len(whole) > 1:
            raise HeadingError(_several("names", "--name-column", cells, whole))
        if whole:
            return (whole[0],)
        if len(given) == 1 and len(family) == 1:
            return _joined(cells, given[0], family[0])
        if len(vague) == 1 and not given and not family:
            return (vague[0],)
        if vague or given or family:
            # In the usual order of a name: the possible family name comes last.
            raise HeadingError(_halves(cells, list(dict.fromkeys([*given, *vague, *family]))))
        raise HeadingError(_missing("names", "--name-column", cells))


def _joined(cells: Sequence[str], given: int, family: int) -> tuple[int, int]:
    is_family_first = plain(cells[family]) in _FAMILY_FIRST
    return (family, given) if is_family_first else (given, family)


def _places(cells: Sequence[str], words: Iterable[str]) -> list[int]:
    return [place for place, cell in enumerate(cells) if cell.strip() and plain(cell) in words]


def _the_one(cells: Sequence[str], heading: str) -> int:
    found = _places(cells, {plain(heading)})
    if not found:
        raise HeadingError(f'no column is called "{heading}". {_there(cells)}')
    if len(found) > 1:
        raise HeadingError(f'several columns are called "{heading}": give them different headings')
    return found[0]


def _missing(what: str, option: str, cells: Sequence[str]) -> str:
    return f'no column is known to hold {what}: name it, {option} "HEADING". {_there(cells)}'


def _several(what: str, option: str, cells: Sequence[str], places: Sequence[int]) -> str:
    return (
        f'several columns may hold {what}: choose one, {option} "HEADING". {_there(cells, places)}'
    )


def _halves(cells: Sequence[str], places: Sequence[int]) -> str:
    if len(places) == 1:
        heading = cells[places[0]].strip()
        return (
            f'the column "{heading}" seems to hold one half of a name, and no column the other.'
            f' If it is the whole name: --name-column "{heading}"'
        )
    both = " ".join(f'--name-column "{cells[place].strip()}"' for place in places)
    return (
        "it is not certain which columns make a whole name. To join them in this order:"
        f" {both}; or name the one that holds it. {_there(cells, places)}"
    )


def _there(cells: Sequence[str], places: Sequence[int] | None = None) -> str:
    chosen = range(len(cells)) if places is None else places
    there = [cells[place].strip() for place in chosen]
    names = [f'"{shortened(cell)}"' for cell in there if cell]
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"The columns: {', '.join(names[:_MOST_SHOWN]) or 'none'}{more}"

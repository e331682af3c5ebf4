"""Rows as the spreadsheet shows them, from whichever program."""

from __future__ import annotations

import locale
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest

from gateway.spreadsheet.headings import Wanted
from gateway.spreadsheet.table import TableError, form_here, read_table

KNOWN = Wanted().known


def rows(path: Path, content: str | bytes = "") -> list[tuple[int, tuple[str, ...]]]:
    if content:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [(row.number, row.cells) for row in read_table(path, known=KNOWN).rows]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "list.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_of_all_kinds(path, separator, end):
    """Separator and line ends are found out."""
    lines = ["name,email", '"Doe, Jane",j@example.com']
    text = end.join(line.replace(",", separator) for line in lines)

    assert rows(path, text) == [
        (1, ("name", "email")),
        (2, (f"Doe{separator} Jane", "j@example.com")),
    ]


def test_rows_have_the_spreadsheets_numbers(path):
    """Lines within a cell are no rows, empty rows are some, and Excel's `sep=` is none."""
    text = (
        'sep=;\r\n\r\nName;E-Mail;x\r\nAda;a@example.com;"1\n2\n3"\r\n;;\r\nBob;b@example.com\r\n'
    )

    assert [number for number, _ in rows(path, text)] == [2, 3, 5]


def test_empty_cells_at_the_end_are_left_out(path):
    """Whether a program wrote them or not."""
    assert rows(path, "name,email,,\nA,,x,\n") == [(1, ("name", "email")), (2, ("A", "", "x"))]


def test_a_row_that_was_saved_as_one_cell(path):
    """As a program does that parts cells by another sign."""
    text = 'name,email\r\n"""Doe, J"",j@example.com"\r\n'

    assert rows(path, text)[1] == (2, ("Doe, J", "j@example.com"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('name,email\nAda,"a@example.com\nBob,b@example.com\n', "row 2 is no CSV, or a quotation"),
        (b"PK\x03\x04 no archive", "cannot be opened as a workbook"),
        (b"\xd0\xcf\x11\xe0 no container", "cannot be opened as a workbook"),
    ],
)
def test_what_cannot_be_read_is_said(path, content, message):
    """One line, no traceback."""
    with pytest.raises(TableError, match=message):
        rows(path, content)


def test_a_file_that_cannot_be_opened(tmp_path):
    """A folder, say."""
    with pytest.raises(TableError, match="cannot be read"):
        rows(tmp_path)


def workbook(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path


def test_a_workbook(tmp_path):
    """Numbers are written as they are seen, and the sheet with people is taken."""
    path = workbook(
        tmp_path / "list.xlsx",
        Notes=[["hello"]],
        People=[[], ["Name", "Email", "No"], ["Žofie", "z@example.com", 7.0], [None, None, 1.5]],
    )

    table = read_table(path, known=KNOWN)

    assert table.sheet == "People"
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, ("Name", "Email", "No")),
        (3, ("Žofie", "z@example.com", "7")),
        (4, ("", "", "1.5")),
    ]


def test_people_on_two_sheets_are_asked_about(tmp_path):
    """A hidden sheet does not count."""
    people = [["Name", "Email"], ["A", "a@example.com"]]
    two = workbook(tmp_path / "two.xlsx", One=people, Two=people)
    book = openpyxl.load_workbook(two)
    book["Two"].sheet_state = "hidden"
    book.save(tmp_path / "hidden.xlsx")

    with pytest.raises(TableError, match="several sheets: One, Two"):
        rows(two)
    assert read_table(tmp_path / "hidden.xlsx", known=KNOWN).sheet == "One"


def test_a_document_of_opendocument(tmp_path):
    """LibreOffice's own files are read too."""
    path = tmp_path / "list.ods"
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        for text in ("Name", "E-Mail")
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="S"><table:table-row>{cells}</table:table-row></table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )

    assert rows(path) == [(1, ("Name", "E-Mail"))]


@pytest.mark.parametrize(("point", "separator"), [(".", ","), (",", ";")])
def test_results_open_with_their_columns_parted(monkeypatch, point, separator):
    """Excel parts cells by semicolons where the decimal point is a comma."""
    monkeypatch.setattr(locale, "setlocale", lambda *_: "")
    monkeypatch.setattr(locale, "localeconv", lambda: {"decimal_point": point})

    assert form_here().separator == separator


def test_a_locale_that_is_not_there_is_no_matter(monkeypatch):
    """A comma is as good as any."""
    monkeypatch.setenv("LC_ALL", "xx_XX.nothing")

    assert form_here().separator == ","

"""CSV reports, as spreadsheets and text editors leave them."""

import csv
import io
import random

import pytest

from app.digest.report import delimited
from app.digest.report.cells import Cell
from app.digest.report.sources import SourceUnreadable
from tests.digest.conftest import ADA, HEADINGS, CsvFile
from tests.digest.made_rows import read_rows


def rows_of(source: str) -> list[tuple[int | Cell, ...]]:
    return [tuple(row) for row in read_rows(source)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_every_encoding_that_excel_saves_is_read(
    csv_file: CsvFile, headings: list[str], ada: list[str], encoding: str
) -> None:
    ada[0] = "Zoë"
    if encoding == "utf-32-be":
        headings[0] = "\ufeffFirstname"
    assert rows_of(csv_file([headings, ada], encoding=encoding)) == [(2, *ada)]


def test_one_late_letter_in_windows_1252_is_enough_to_read_the_file_as_that(
    csv_file: CsvFile, headings: list[str], ada: list[str]
) -> None:
    late = ["Zoë", *ada[1:]]
    source = csv_file([headings, *[ada] * 50_000, late], encoding="cp1252")
    assert rows_of(source)[-1] == (50_002, *late)


def test_bytes_that_no_encoding_knows_do_not_stop_the_report(csv_file: CsvFile) -> None:
    content = b"Firstname,Lastname,Email,Ticket,Status,Date\nA\x81\xe9,Lind,a@example.com,1,Closed,14/11/2026\n"
    assert [row.email for row in read_rows(csv_file.content(content))] == ["a@example.com"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("terminator", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_recognised(
    csv_file: CsvFile, headings: list[str], ada: list[str], delimiter: str, terminator: str
) -> None:
    ada[0] = f"Ada{delimiter}B;,"
    assert rows_of(csv_file([headings, ada], delimiter=delimiter, lineterminator=terminator)) == [(2, *ada)]


def test_headings_below_blank_rows_still_tell_the_delimiter(csv_file: CsvFile) -> None:
    content = b";;;;;\n\nFirstname;Lastname;Email;Ticket;Status;Date\nAda;Lind;a@example.com;1;Closed;14/11/2026\n"
    assert rows_of(csv_file.content(content)) == [(4, "Ada", "Lind", "a@example.com", "1", "Closed", "14/11/2026")]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(
    csv_file: CsvFile, headings: list[str], ada: list[str]
) -> None:
    two_lines = ["Ada\nMaria", *ada[1:]]
    assert [row[0] for row in rows_of(csv_file([headings, two_lines, [], ada]))] == [2, 3, 4]


def test_nul_bytes_do_not_stop_the_report(csv_file: CsvFile) -> None:
    content = b"Firstname,Lastname,Email,Ticket,Status,Date\nA\0da,Lind,a@example.com,1,Closed,14/11/2026\n"
    (row,) = read_rows(csv_file.content(content))
    assert row.first_name == "A\0da"


def test_a_cell_of_a_megabyte_does_not_stop_the_report(csv_file: CsvFile, headings: list[str], ada: list[str]) -> None:
    assert len(rows_of(csv_file([headings, ["x" * 1_000_000, *ada[1:]], ada]))) == 2


@pytest.mark.parametrize(
    "broken", [b'"Ada,Lind,a@example.com,1,Closed,14/11/2026\n', b'"Ada" x,Lind,a@example.com,1,Closed,14/11/2026\n']
)
def test_quotes_that_do_not_match_are_told_with_the_row_instead_of_swallowing_those_below(
    csv_file: CsvFile, broken: bytes
) -> None:
    good = b"Bob,Lind,b@example.com,2,Closed,14/11/2026\n"
    source = csv_file.content(b"Firstname,Lastname,Email,Ticket,Status,Date\n" + good + broken + good)
    with pytest.raises(SourceUnreadable, match="Row 3 "):
        rows_of(source)


def test_a_quote_that_is_never_closed_in_a_large_file_ends_with_the_row(csv_file: CsvFile) -> None:
    good = b"Bob,Lind,b@example.com,2,Closed,14/11/2026\n"
    source = csv_file.content(b'Firstname,Lastname,Email,Ticket,Status,Date\n"Ada,' + good * 150_000)
    with pytest.raises(SourceUnreadable, match="Row 2 "):
        rows_of(source)


@pytest.mark.parametrize(
    "line",
    [
        b'"Ada", "Lind", "ada.lind@example.com", "TM-20391", "Closed", "14/11/2026"',
        b'"Ada" , "Lind" ,  "ada.lind@example.com","TM-20391" ,"Closed","14/11/2026"  ',
        b' "Ada",Lind ,  "ada.lind@example.com"  , TM-20391, Closed, 14/11/2026',
    ],
)
def test_blanks_around_a_quoted_cell_are_no_part_of_it(
    csv_file: CsvFile, headings: list[str], ada: list[str], line: bytes
) -> None:
    content = ", ".join(f'"{heading}"' for heading in headings).encode() + b"\r\n" + line + b"\r\n"
    (row,) = read_rows(csv_file.content(content))
    assert [cell.strip() for cell in row[1:]] == ada


def test_a_quoted_cell_keeps_its_own_blanks_and_quotes(csv_file: CsvFile) -> None:
    cells = b'"A ""x"" , y" ,"L\n"" , z" ," , ",1,Closed,14/11/2026\n'
    content = b"Firstname,Lastname,Email,Ticket,Status,Date\n" + cells
    (row,) = read_rows(csv_file.content(content))
    assert row[1:4] == ('A "x" , y', 'L\n" , z', " , ")


def test_an_empty_cell_between_tabs_stays_one(csv_file: CsvFile, headings: list[str], ada: list[str]) -> None:
    lines = ["\t".join(headings), "\t".join(["", '"" ', '"e@example.com" ', *ada[3:]])]
    assert rows_of(csv_file.content("\n".join(lines).encode())) == [(2, "", "", "e@example.com", *ada[3:])]


def test_a_line_full_of_quotes_is_judged_at_once(csv_file: CsvFile) -> None:
    with pytest.raises(SourceUnreadable):
        rows_of(csv_file.content(b"Firstname,Lastname,Email,Ticket,Status,Date\n" + b'" "' * 500_000 + b"x"))


@pytest.mark.parametrize(("named", "delimiter"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=|", "|"), ("sep=\t", "\t")])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_line_that_names_the_delimiter_is_followed_and_is_no_row(
    csv_file: CsvFile, named: str, delimiter: str, encoding: str
) -> None:
    rows = "".join(f"{delimiter.join(cells)}\r\n" for cells in (HEADINGS, ADA))
    assert rows_of(csv_file.content(f"{named}\r\n{rows}".encode(encoding))) == [(2, *ADA)]


def random_text(dice: random.Random) -> str:
    """Lines that are mostly even, and otherwise whatever a CSV file may hold."""
    odd = ["", " ", '"x"', '"a, b"', '"a\r\nb"', '5"', "a\0b", " c", '"" ', '"d', "\u2028", "e\x0bf", ",", "\r", "\n"]
    width, oddness, end = dice.randint(1, 4), dice.choice((0.0, 0.0, 0.02, 0.1)), dice.choice(("\n", "\r\n", "\r"))
    lines = [",".join(dice.choice(odd) if dice.random() < oddness else "é1" for _ in range(width)) for _ in range(30)]
    return end.join(lines) + dice.choice((end, ""))


@pytest.mark.parametrize("seed", range(40))
def test_lines_that_are_cut_up_give_the_cells_that_the_csv_module_gives(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(delimited, "_BLOCK", dice.randint(1, 60))
    for _ in range(10):
        text = random_text(dice)
        expected, found, faults = [], [], [0, 0]
        try:
            for cells in csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True):
                expected.append((len(expected) + 1, cells or [""]))
        except csv.Error:
            faults[0] = len(expected) + 1
        wrapper = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")
        try:
            for numbers, rows in delimited._rows(wrapper, ","):
                found += zip(numbers, ([*cells] or [""] for cells in rows), strict=True)
        except SourceUnreadable as refused:
            faults[1] = int(str(refused).split()[1])
        assert (found, faults[1]) == (expected, faults[0])

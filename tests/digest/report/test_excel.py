"""Excel reports, and files that pretend to be one."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from app.digest.report.number_formats import shown
from app.digest.report.sources import SourceUnreadable, read_report
from tests.digest.conftest import HEADINGS, CsvFile
from tests.digest.made_rows import read_rows

WriteWorkbook = Callable[..., str]

Part = Callable[[str, bytes], bytes]
"""What becomes of a part of a workbook, from its name and its content."""


@pytest.fixture
def workbook(tmp_path: Path) -> WriteWorkbook:
    """Writes a workbook; cells are (row, column, value), real dates formatted as dates. Returns its source."""

    def write(
        rows: Sequence[Sequence[Any]],
        *,
        name: str = "report.xlsx",
        before: Callable[[xlsxwriter.Workbook], None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> str:
        path = tmp_path / name
        with xlsxwriter.Workbook(path, options or {}) as book:
            if before:
                before(book)
            sheet = book.add_worksheet("Report")
            day = book.add_format({"num_format": "dd/mm/yyyy"})
            for number, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, date):
                        sheet.write_datetime(number, column, cell, day)
                    elif isinstance(cell, tuple):
                        sheet.write_formula(number, column, cell[0], None, cell[1])
                    else:
                        sheet.write(number, column, cell)
        return f"file:{path}"

    return write


def refusal(source: str) -> str:
    with pytest.raises(SourceUnreadable) as caught:
        read_rows(source)
    return str(caught.value)


def test_real_dates_and_dates_as_text_are_both_read(
    workbook: WriteWorkbook, headings: list[str], ada: list[str]
) -> None:
    source = workbook([headings, ada, [*ada[:5], date(2026, 11, 14)], [*ada[:5], datetime(2026, 11, 14, 23, 59)]])
    assert [row.date for row in read_rows(source)] == ["14/11/2026", date(2026, 11, 14), date(2026, 11, 14)]


def test_a_workbook_that_counts_days_from_1904_gives_the_same_dates(
    workbook: WriteWorkbook, headings: list[str], ada: list[str]
) -> None:
    source = workbook([headings, [*ada[:5], date(2026, 11, 14)]], options={"date_1904": True})
    assert [row.date for row in read_rows(source)] == [date(2026, 11, 14)]


def test_a_date_that_lost_its_format_stays_a_number_that_is_set_aside(
    workbook: WriteWorkbook, headings: list[str], ada: list[str]
) -> None:
    (row,) = read_rows(workbook([headings, [*ada[:5], 46340]]))
    assert row.date == "46340"


@pytest.mark.parametrize(
    ("written", "read"), [(20391, "20391"), (20391.5, "20391.5"), (True, "TRUE"), (1.2e19, "1.2e+19"), (0, "0")]
)
def test_numbers_and_truth_values_become_the_text_that_is_shown(
    workbook: WriteWorkbook, headings: list[str], ada: list[str], written: int | float, read: str
) -> None:
    (row,) = read_rows(workbook([headings, [*ada[:3], written, *ada[4:]]]))
    assert row.ticket == read


def test_a_formula_written_as_text_is_text(
    workbook: WriteWorkbook, headings: list[str], ada: list[str], tmp_path: Path
) -> None:
    formula = '=HYPERLINK("http://x.example.com","TM-1")'
    source = workbook([headings, [*ada[:3], formula, *ada[4:]]], options={"strings_to_formulas": False})
    assert [row.ticket for row in read_rows(source)] == [formula]


def test_rows_keep_the_numbers_they_have_in_the_sheet(
    workbook: WriteWorkbook, headings: list[str], ada: list[str]
) -> None:
    source = workbook([[], [], ["", ""], headings, ada, [], ada])
    assert [row.number for row in read_rows(source)] == [5, 7]


def test_the_first_sheet_that_is_shown_is_read(workbook: WriteWorkbook, headings: list[str], ada: list[str]) -> None:
    def hidden_sheet_and_chart(book: xlsxwriter.Workbook) -> None:
        old = book.add_worksheet("Old")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Old!$A$1:$A$2"})
        page = book.add_chartsheet("Chart")
        page.set_chart(chart)
        page.activate()
        old.hide()

    source = workbook([headings, ada], before=hidden_sheet_and_chart)
    assert [row.number for row in read_rows(source)] == [2]


def test_an_empty_workbook_is_told(workbook: WriteWorkbook) -> None:
    assert refusal(workbook([])).startswith("The report is empty")


@pytest.mark.long
def test_a_stray_cell_far_away_is_told_instead_of_taking_all_memory(
    workbook: WriteWorkbook, headings: list[str], ada: list[str], tmp_path: Path
) -> None:
    source = workbook([headings, ada])
    with xlsxwriter.Workbook(tmp_path / "stray.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings)
        sheet.write(1_048_575, 16_383, "x")
    assert (tmp_path / "stray.xlsx").stat().st_size < 8_000
    assert "stray cell" in refusal(f"file:{tmp_path / 'stray.xlsx'}")
    assert len(read_rows(source)) == 1


@pytest.mark.long
def test_a_stray_cell_in_the_last_row_only_is_read(tmp_path: Path, headings: list[str], ada: list[str]) -> None:
    with xlsxwriter.Workbook(tmp_path / "long.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings)
        sheet.write_row(1, 0, ada)
        sheet.write(1_048_575, 5, "x")
    assert [row.number for row in read_rows(f"file:{tmp_path / 'long.xlsx'}")] == [2, 1_048_576]


def with_a_bomb(source: str, entry: str, *, packed_megabytes: int, declared: int) -> str:
    """The workbook with an entry of blanks that unpacks to a thousand times its size; `declared` is what it claims."""
    path = Path(source.removeprefix("file:"))
    old = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(b"<sst><si><t>") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 2**24) + packer.flush(zlib.Z_FULL_FLUSH)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            if name != entry:
                new.writestr(name, old.read(name))
        new.writestr(entry, start + block * (packed_megabytes * 2**20 // len(block)) + packer.flush())
        new.getinfo(entry).compress_type = zipfile.ZIP_DEFLATED
        new.getinfo(entry).file_size = declared
    return source


@pytest.mark.parametrize("entry", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "xl/media/image1.png"])
def test_a_bomb_is_refused_by_the_size_it_declares(workbook: WriteWorkbook, headings: list[str], entry: str) -> None:
    source = with_a_bomb(workbook([headings]), entry, packed_megabytes=1, declared=50 * 2**30)
    assert "memory" in refusal(source)


@pytest.mark.long
@pytest.mark.parametrize("entry", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("declared", [1_000, 400 * 2**20])
def test_a_bomb_that_lies_about_its_size_is_refused_too(
    workbook: WriteWorkbook, headings: list[str], entry: str, declared: int
) -> None:
    source = with_a_bomb(workbook([headings]), entry, packed_megabytes=2, declared=declared)
    assert refusal(source).startswith("The workbook ")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("report.xlsx", b"Firstname,Lastname,Email,Ticket,Status,Date\n", "isn't one"),
        ("report.xlsx", b"PK\x03\x04 broken", "damaged"),
        ("report.xlsx", b"", "empty (0 bytes)"),
        ("report.csv", b"", "empty (0 bytes)"),
        (
            "report.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "Workbook".encode("utf-16-le"),
            "old Excel",
        ),
        (
            "report.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
    ],
)
def test_what_is_no_workbook_is_told_with_what_to_do(csv_file: CsvFile, name: str, content: bytes, part: str) -> None:
    assert part in refusal(csv_file.content(content, name))


def test_a_workbook_cut_off_in_transfer_is_damaged(
    workbook: WriteWorkbook, headings: list[str], ada: list[str]
) -> None:
    source = workbook([headings, *[ada] * 100])
    path = Path(source.removeprefix("file:"))
    path.write_bytes(path.read_bytes()[:-300])
    assert "damaged" in refusal(source)


def test_another_packed_file_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "report.xlsx", "w") as packed:
        packed.writestr("readme.txt", "hello")
    assert "no Excel workbook" in refusal(f"file:{tmp_path / 'report.xlsx'}")


def test_a_workbook_named_csv_is_read_as_what_it_is(
    workbook: WriteWorkbook, headings: list[str], ada: list[str]
) -> None:
    source = workbook([headings, ada], name="report.xlsx")
    path = Path(source.removeprefix("file:"))
    path.rename(path.with_suffix(".csv"))
    assert len(read_rows(source.replace(".xlsx", ".csv"))) == 1


def children() -> list[str]:
    """The processes that this one has started and not yet seen the end of."""
    return sorted(pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split())


def test_stopping_early_leaves_no_process_behind(workbook: WriteWorkbook, headings: list[str], ada: list[str]) -> None:
    before = children()
    rows = read_report(workbook([headings, *[ada] * 5_000]))
    next(rows)
    assert len(children()) == len(before) + 1
    rows.close()
    assert children() == before


# What calamine doesn't hand over


def formatted(tmp_path: Path, rows: Sequence[Sequence[Any]], formats: Sequence[str]) -> str:
    """A workbook whose ticket column has a number format of its own in each row."""
    path = tmp_path / "formatted.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADINGS)
        for number, (cells, code) in enumerate(zip(rows, formats, strict=True), start=1):
            sheet.write_row(number, 0, cells)
            sheet.write(number, 3, cells[3], book.add_format({"num_format": code}))
    return f"file:{path}"


def test_a_ticket_that_its_number_format_makes_is_read_as_it_is_shown(tmp_path: Path, ada: list[str]) -> None:
    codes = ["00000", '"TM-"0', r"\T\M\-00000", "0", "#,##0", "dd/mm/yyyy", "General"]
    source = formatted(tmp_path, [[*ada[:3], 123, *ada[4:]]] * len(codes), codes)
    assert [row.ticket for row in read_rows(source)] == [
        "00123",
        "TM-123",
        "TM-00123",
        "123",
        "123",
        date(1900, 5, 2),
        "123",
    ]


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        (123, "00000", "00123"),
        (1234567, "00000", "1234567"),
        (123, '"TM-"0', "TM-123"),
        (0, '"TM-"0', "TM-0"),
        (0, '"TM-"#', "TM-"),
        (5, "000-000", "000-005"),
        (1234567, "000-000", "1234-567"),
        (12, "#-#0", "-12"),
        (123, '"TM-"General', "TM-123"),
        (123, '[Red]_("TM-"* 0000_);[Red]-0;"none"', "TM-0123"),
        (0, '"TM-"0;-0;"none"', "0"),
        (0, '"TM-"0;-0;"N-"0', "N-0"),
        (123, "[$TM-]000;-0;0;@", "TM123"),
        (123, "[<=99]00000;0", "123"),
        (123, "#,##0", "123"),
        (123, "0.00", "123"),
        (123, "0%", "123"),
        (123, '0" pcs"', "123 pcs"),
        (123, "", "123"),
        (123, '"unclosed', "123"),
    ],
)
def test_a_number_is_shown_as_its_format_says_or_by_its_digits(number: int, code: str, text: str) -> None:
    assert shown(number, code) == text


def repacked(
    source: str, *, name: Callable[[str], str] = lambda name: name, part: Part = lambda _name, content: content
) -> str:
    """The workbook with other names of its parts, or other parts."""
    path = Path(source.removeprefix("file:"))
    old = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            info = zipfile.ZipInfo("x")
            info.filename = name(entry)  # as it is; the constructor would turn backslashes
            new.writestr(info, part(entry, old.read(entry)))
    return source


@pytest.mark.parametrize(
    "name",
    [
        lambda name: name.replace("/", "\\"),
        str.upper,
        str.lower,
        lambda name: name.replace("xl/w", "XL/W"),
    ],
    ids=["backslash", "upper", "lower", "mixed"],
)
def test_a_workbook_whose_parts_are_named_otherwise_is_read(
    tmp_path: Path, ada: list[str], name: Callable[[str], str]
) -> None:
    source = repacked(formatted(tmp_path, [[*ada[:3], 123, *ada[4:]]], ["00000"]), name=name)
    assert [row.ticket for row in read_rows(source)] == ["00123"]


def without_addresses(name: str, content: bytes) -> bytes:
    return re.sub(rb' r="[A-Z]*[0-9]+"', b"", content) if "sheet1" in name else content


def with_prefix(name: str, content: bytes) -> bytes:
    if "sheet1" not in name:
        return content
    content = re.sub(rb"<(/?)(worksheet|sheetData|row|c|v|f)\b", rb"<\1x:\2", content)
    return content.replace(b"xmlns=", b"xmlns:x=")


@pytest.mark.parametrize("part", [lambda _name, content: content, without_addresses, with_prefix])
def test_errors_of_formulas_are_read_as_they_are_shown(
    workbook: WriteWorkbook, headings: list[str], ada: list[str], part: Part
) -> None:
    def spoiled(name: str, content: bytes) -> bytes:
        errors = content.replace(b't="str"><f>1/0</f><v>0', b't="e"><f>1/0</f><v>#REF!')
        return part(name, errors.replace(b' t="str"><f>2/0</f>', b' t="e"><f>2/0</f>'))

    all_wrong = [("=1/0", "0")] * 6
    source = workbook([headings, [*ada[:4], ("=1/0", "0"), ada[5]], ada, all_wrong, ada])
    rows = read_rows(repacked(source, part=spoiled))
    assert [row.status for row in rows] == ["#REF!", "Closed", "#REF!", "Closed"]
    assert rows[2][1:] == ("#REF!",) * 6
    assert [row.number for row in rows] == [2, 3, 4, 5]


def test_what_was_merged_downwards_stands_beside_each_of_its_rows(
    tmp_path: Path, headings: list[str], ada: list[str]
) -> None:
    path = tmp_path / "merged.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings)
        for row, ticket in enumerate(["TM-1", "TM-2", "TM-3"], start=1):
            sheet.write_row(row, 3, [ticket])
        for column in (0, 1, 2, 4, 5):
            sheet.merge_range(1, column, 2, column, ada[column])
        sheet.write_row(3, 0, [*ada[:3], "TM-3", *ada[4:]])
        sheet.merge_range(5, 0, 6, 0, "Total")
    rows = read_rows(f"file:{path}")
    assert [row.number for row in rows] == [2, 3, 4, 6]
    assert [(row.email, row.ticket, row.status) for row in rows[:3]] == [
        (ada[2], f"TM-{number}", "Closed") for number in (1, 2, 3)
    ]

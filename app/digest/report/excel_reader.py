"""The first sheet of an Excel workbook on standard input, as lines of JSON on standard output: a program.

`app.digest.report.excel` runs this file in a process of its own, because calamine lays a sheet out as one rectangle
from its first cell to its last: a file of 5 kB with a stray cell far away asks for 500 GB, and Rust ends the process
when an allocation is refused. Scanning the sheet's cell references beforehand would mean parsing the whole XML a second
time, in Python, and would not help against shared strings or packed entries that lie about their size. The operating
system's limits on memory and processor time stop all of these, and the service itself is never at risk. Sizes are
checked first only to name the fault at once.

Each line is some rows, column by column, `[[number, ...], [cell, ...], ...]`; a cell is a text, `["2026-11-14"]` for a
real date, or `[123, "00000"]` for a whole number with a format of its own. Blank rows are left out. The last line is
`"end"`; without it the sheet is incomplete, and the exit status says why.

calamine gives no number formats, and returns errors such as #REF! as blank cells. Where a sheet may have either, its
XML is searched for these two alone, row by row, beside calamine.
"""

import contextlib
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MEMORY_BYTES = 768 * 1024 * 1024  # a report of 1,000,000 rows takes 600 MB
PROCESSOR_SECONDS = 60
UNPACKED_BYTES = 512 * 1024 * 1024
ENTRIES = 5_000
PART_BYTES = 16 * 1024 * 1024
"""The most that the list of sheets, or that of number formats, may unpack to."""
ROWS_A_LINE = 300  # more lists at once would wake the garbage collector again and again
CHUNK = 256 * 1024
TOO_BIG, NO_WORKBOOK, NO_SHEET = 3, 4, 5
WHOLE = 1e15  # above this, a workbook's numbers have lost digits; the rounded number is shown
RELATIONS = "xl/_rels/workbook.xml.rels"
ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(row|c)((?:\s[^>]*)?)>")
ROW_ONLY = re.compile(rb"<(?:\w+:)?(row)((?:\s[^>]*)?)>")
ATTRIBUTE = re.compile(rb"""\s([rst])\s*=\s*["']([^"']*)""")
ERROR_CELL = rb"""\st\s*=\s*["']e["']"""
VALUE_OR_END = re.compile(rb"<(?:\w+:)?v>([^<]{1,20})<|</(?:\w+:)?c>")

Sheet = tuple[int, CalamineSheet]
"""A sheet with its place in the workbook."""
Mark = tuple[int, int, str]
"""A cell's row (counted from 1), its column (from 0), and its error or the format of its number."""


def main() -> None:
    """Writes the sheet; exits with `TOO_BIG`, `NO_WORKBOOK` or `NO_SHEET` when there is none to write."""
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, PROCESSOR_SECONDS)
    limit(resource.RLIMIT_CORE, 0)
    with zipfile.ZipFile(sys.stdin.buffer) as packed:
        check_sizes(packed)
    sys.stdin.buffer.seek(0)
    place, sheet = first_sheet(CalamineWorkbook.from_filelike(sys.stdin.buffer))
    with zipfile.ZipFile(sys.stdin.buffer) as packed:
        write_rows(numbered_rows(sheet, Package(packed), place))


def limit(kind: int, most: int) -> None:
    """Lowers a limit of this process; skipped on systems that don't support it (macOS: memory)."""
    hard = resource.getrlimit(kind)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def check_sizes(packed: zipfile.ZipFile) -> None:
    """Ends the program when the packed entries would unpack to too much, or are no workbook's."""
    entries = packed.infolist()
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
        sys.exit(TOO_BIG)
    if "xl/workbook.xml" not in {entry_name(entry) for entry in entries}:
        sys.exit(NO_WORKBOOK)


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name as calamine compares it: without regard to case, and with slashes for backslashes."""
    return entry.filename.replace("\\", "/").lower()


def first_sheet(workbook: CalamineWorkbook) -> Sheet:
    """The leftmost sheet that is shown and holds cells, not a chart."""
    for place, sheet in enumerate(workbook.sheets_metadata):
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return place, workbook.get_sheet_by_index(place)
    return sys.exit(NO_SHEET)


def write_rows(rows: Iterator[tuple[int, list[Any]]]) -> None:
    """Writes all rows, in lines of `ROWS_A_LINE`, then the end mark."""
    while some := list(islice(rows, ROWS_A_LINE)):
        numbers, cells = zip(*some, strict=True)
        sys.stdout.write(json.dumps([numbers, *map(column_written, zip(*cells, strict=True))]) + "\n")
    sys.stdout.write('"end"\n')
    sys.stdout.flush()


def column_written(cells: tuple[Any, ...]) -> Sequence[Any]:
    """The cells of a column as they are written: mostly all are text. A list is what `with_mark` made."""
    if {*map(type, cells)} == {str}:
        return cells
    return [cell if type(cell) in {str, list} else as_written(cell) for cell in cells]


def numbered_rows(sheet: CalamineSheet, package: "Package", place: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows that hold something, with their numbers in the sheet."""
    formats = package.formats()
    merged, marks = Merged(sheet), Marks(package.marks(place, formats))
    rows: Iterator[list[Any]] = sheet.iter_rows()
    for number, cells in enumerate(rows, start=1):  # a million cells a second, so no needless calls
        blank = cells.count("")
        marked = marks.of(number) if formats or blank else {}
        if marked or blank < len(cells):
            for column, mark in marked.items():
                if column < len(cells):
                    cells[column] = with_mark(cells[column], mark)
            yield number, merged.filled(number, cells) if merged.below else cells


def with_mark(cell: object, mark: str) -> str | list[Any]:
    """A blank cell's error; the number and the format of a whole number."""
    if cell == "":
        return mark if mark.startswith("#") else ""
    if isinstance(cell, float) and cell.is_integer() and 0 <= cell < WHOLE:
        return [int(cell), mark]
    return as_written(cell)


class Merged:
    """Cells that were merged downwards: the content of the first cell counts for each of the rows."""

    def __init__(self, sheet: CalamineSheet) -> None:
        ranges = sheet.merged_cell_ranges or []
        self._next = sorted((one for one in ranges if one[1][0] > one[0][0]), reverse=True)
        self.below = bool(self._next)
        self._open: dict[int, tuple[int, Any]] = {}

    def filled(self, number: int, cells: list[Any]) -> list[Any]:
        """The cells of a row; those merged with a cell above have its content."""
        for column, (last, content) in list(self._open.items()):
            if number > last:
                del self._open[column]
            elif cells[column] == "":
                cells[column] = content
        while self._next and self._next[-1][0][0] < number:
            (row, column), (last, _) = self._next.pop()
            if row == number - 1 and column < len(cells):
                self._open[column] = (last + 1, cells[column])
        return cells


class Marks:
    """The cells' marks, which calamine doesn't give. Rows have to be asked for in order."""

    def __init__(self, marks: Iterator[Mark]) -> None:
        self._marks = marks
        self._ahead: Mark | None = (0, 0, "")

    def of(self, number: int) -> dict[int, str]:
        """The marks of a row by column, counted from 0."""
        found = {}
        while self._ahead is not None and self._ahead[0] <= number:
            row, column, mark = self._ahead
            if row == number:
                found[column] = mark
            self._ahead = next(self._marks, None)
        return found


class Package:
    """The parts of the workbook that calamine doesn't give. A part that can't be parsed counts as empty."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed
        self._entries = {entry_name(entry): entry for entry in packed.infolist()}

    def formats(self) -> dict[bytes, str]:
        """The workbook's own number formats that show digits, by the number of the style that cells refer to."""
        styles = self._tree("xl/styles.xml")
        codes = {one.get("numFmtId"): one.get("formatCode", "") for one in tagged(styles, "numFmt")}
        used = [one.get("numFmtId") for group in tagged(styles, "cellXfs") for one in tagged(group, "xf")]
        return {str(style).encode(): codes[key] for style, key in enumerate(used) if shows_digits(codes.get(key, ""))}

    def marks(self, place: int, formats: Mapping[bytes, str]) -> Iterator[Mark]:
        """The marks of a sheet, row by row."""
        entry, marked, row = self._sheet(place), may_be_marked(formats), 0
        for part in self._whole_rows(entry) if entry is not None else ():
            column = -1
            for tag in (ROW_OR_CELL if marked.search(part) else ROW_ONLY).finditer(part):
                attributes = dict(ATTRIBUTE.findall(tag[2]))
                address = attributes.get(b"r", b"")
                if tag[1] == b"row":
                    row, column = int(address or row + 1), -1
                else:
                    column = column_of(address, column + 1)
                    if mark := mark_of(part, tag, attributes, formats):
                        yield row, column, mark

    def _whole_rows(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """The sheet's XML, cut between rows only."""
        rest = b""
        with self._packed.open(entry) as content:
            while chunk := content.read(CHUNK):
                end = chunk.rfind(b"row>") + 4
                if end < 4:
                    rest += chunk
                    continue
                yield rest + chunk[:end]
                rest = chunk[end:]
        yield rest

    def _sheet(self, place: int) -> zipfile.ZipInfo | None:
        sheets = tagged(self._tree("xl/workbook.xml"), "sheet")
        targets = {one.get("Id"): one.get("Target", "") for one in tagged(self._tree(RELATIONS), "Relationship")}
        keys = [next((value for name, value in one.items() if name.endswith("}id")), None) for one in sheets]
        target = targets.get(keys[place], "").replace("\\", "/").lower() if place < len(keys) else ""
        return self._entries.get(target[1:] if target.startswith("/") else f"xl/{target.removeprefix('xl/')}")

    def _tree(self, name: str) -> ElementTree.Element | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.file_size > PART_BYTES:
            sys.exit(TOO_BIG)
        try:
            return ElementTree.fromstring(self._packed.read(entry))  # noqa: S314, this process has limits of its own
        except ElementTree.ParseError:
            return None


def may_be_marked(formats: Mapping[bytes, str]) -> re.Pattern[bytes]:
    """A pattern that finds a match in XML that may have marked cells."""
    styles = rb"""|\ss\s*=\s*["'](?:""" + b"|".join(formats) + rb""")["']""" if formats else b""
    return re.compile(b"" if b"0" in formats else ERROR_CELL + styles)


def mark_of(part: bytes, tag: re.Match[bytes], attributes: dict[bytes, bytes], formats: Mapping[bytes, str]) -> str:
    """The mark of this cell; mostly none."""
    if attributes.get(b"t") == b"e" and not tag[2].endswith(b"/"):
        found = VALUE_OR_END.search(part, tag.end())
        return found[1].decode("ascii", "replace") if found and found[1] else ""
    return formats.get(attributes.get(b"s", b"0"), "")


def column_of(address: bytes, following: int) -> int:
    """Counted from 0: `D2` is 3. A cell without an address follows the one before."""
    letters = address.rstrip(b"0123456789").upper()
    column = 0
    for letter in letters[:3]:
        column = column * 26 + letter - 64
    return column - 1 if letters else following


def shows_digits(code: str) -> bool:
    """Whether a number format shows digits, so that it may show a ticket; date formats don't."""
    return re.search("[0#?]|General", re.sub(r'"[^"]*"|\\.|\[[^\]]*\]', "", code)) is not None


def tagged(tree: ElementTree.Element | None, name: str) -> list[ElementTree.Element]:
    """The elements of this name below, in whatever namespace."""
    return [] if tree is None else [one for one in tree.iter() if one.tag.rpartition("}")[2] == name]


@lru_cache(maxsize=8192, typed=True)  # the same days come again and again; typed, as 1.0 == True
def as_written(cell: object) -> str | list[str]:
    """The cell as a person reads it: 20391.0 is `20391`; a date loses its time of day."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, datetime):
        return [cell.date().isoformat()]
    if isinstance(cell, date):
        return [cell.isoformat()]
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < WHOLE:
        return str(int(cell))
    return str(cell)


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        sys.exit(TOO_BIG)

"""The first sheet of an Excel workbook on standard input, as lines of JSON on standard output: a program.

`app.digest.excel` runs this file in a process of its own, because calamine lays a sheet out as one rectangle from its
first cell to its last: a file of 5 kB with a stray cell far away asks for 500 GB, and Rust answers a refused
allocation by ending the process. Scanning the sheet's cell references beforehand would mean to parse the whole XML a
second time, in Python, and would not help against shared strings or packed entries that lie about their size. Limits
on memory and processor time that the system keeps hold against all of them, and the service itself is never at risk.
Sizes are looked at first only to say at once what is wrong.

Each line is a list of rows `[number, [cell, ...]]`; a cell is a text, or `["2026-11-14"]` for a real date. Blank rows
are left out. The last line is `"end"`; without it the sheet is incomplete, and the exit status says why.
"""

import contextlib
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MEMORY_BYTES = 768 * 1024 * 1024  # a report of 1,000,000 rows takes 600 MB
PROCESSOR_SECONDS = 60
UNPACKED_BYTES = 512 * 1024 * 1024
ENTRIES = 5_000
ROWS_A_LINE = 200
TOO_BIG, NO_WORKBOOK, NO_SHEET = 3, 4, 5
WHOLE = 1e15  # above this, a workbook's numbers have lost digits; they are shown as the rounded numbers they are


def main() -> None:
    """Writes the sheet; exits with `TOO_BIG`, `NO_WORKBOOK` or `NO_SHEET` when there is none to write."""
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, PROCESSOR_SECONDS)
    limit(resource.RLIMIT_CORE, 0)
    sys.stdin.buffer.seek(0)
    check_sizes()
    sys.stdin.buffer.seek(0)
    write_rows(first_sheet(CalamineWorkbook.from_filelike(sys.stdin.buffer)))


def limit(kind: int, most: int) -> None:
    """Lowers a limit of this process; systems that don't know it (macOS: memory) go without."""
    hard = resource.getrlimit(kind)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def check_sizes() -> None:
    """Ends the program when the packed entries would unpack to too much, or are no workbook's."""
    with zipfile.ZipFile(sys.stdin.buffer) as packed:
        entries = packed.infolist()
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
        sys.exit(TOO_BIG)
    if "xl/workbook.xml" not in {entry.filename for entry in entries}:
        sys.exit(NO_WORKBOOK)


def first_sheet(workbook: CalamineWorkbook) -> CalamineSheet:
    """The leftmost sheet that is shown and holds cells, not a chart."""
    for index, sheet in enumerate(workbook.sheets_metadata):
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return workbook.get_sheet_by_index(index)
    return sys.exit(NO_SHEET)


def write_rows(sheet: CalamineSheet) -> None:
    """Writes all rows that aren't blank, in lines of `ROWS_A_LINE`, then the end mark."""
    lines: list[tuple[int, list[Any]]] = []
    for row in numbered_rows(sheet):
        lines.append(row)
        if len(lines) == ROWS_A_LINE:
            sys.stdout.write(json.dumps(lines) + "\n")
            lines.clear()
    sys.stdout.write(json.dumps(lines) + '\n"end"\n')
    sys.stdout.flush()


def numbered_rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    """The rows that hold something, with their numbers in the sheet."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if any(cell != "" for cell in cells):
            yield number, [as_written(cell) for cell in cells]


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

"""The columns of the report, found by their headings in any order, case or spacing. Extra columns are ignored.

reference: the weekly ticket report (Firstname, Lastname, Email, Ticket, Status, Date; a header row first).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from app.digest.report.cells import Cell, plain_text
from app.digest.report.errors import SourceUnreadable

HEADINGS = ("Firstname", "Lastname", "Email", "Ticket", "Status", "Date")
ROWS_AT_ONCE = 500
"""How many rows a source yields together, about."""


class EvenRows:
    """Rows of one length, kept as columns: so those of a long report need not be taken apart one by one."""

    def __init__(self, columns: Sequence[Sequence[Cell]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        """How many rows."""
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Sequence[Cell]]:
        """The cells of each row."""
        return zip(*self.columns, strict=True)

    def __getitem__(self, places: slice) -> "EvenRows":
        """Some of the rows."""
        return EvenRows([column[places] for column in self.columns])


RawRows = tuple[Sequence[int], Sequence[Sequence[Cell]] | EvenRows]
"""Some rows from a source: their numbers as shown in the sheet, and the cells of each."""


class ReportRow(NamedTuple):
    """The cells of one row that the digest looks at. `number` counts from 1 and includes the header row."""

    number: int
    first_name: Cell
    last_name: Cell
    email: Cell
    ticket: Cell
    status: Cell
    date: Cell


class ReportRows(NamedTuple):
    """Some rows, column by column: a long report is judged much faster like this than row by row."""

    numbers: Sequence[int]
    first_names: Sequence[Cell]
    last_names: Sequence[Cell]
    emails: Sequence[Cell]
    tickets: Sequence[Cell]
    statuses: Sequence[Cell]
    dates: Sequence[Cell]

    def row(self, place: int) -> ReportRow:
        """The row at this place, counted from 0."""
        return ReportRow._make(column[place] for column in self)


def heading_key(heading: Cell) -> str:
    """`First name`, `FIRST_NAME` and `Firstname` are one heading, `E-mail` and `Email` another."""
    return re.sub(r"[\s_-]+", "", plain_text(heading)).casefold()


def report_rows(raw_rows: Iterable[RawRows]) -> Iterator[ReportRows]:
    """The rows below the headings, which are in the first row that isn't blank. Short rows are filled up.

    Raises `SourceUnreadable` when there is no row, or a column is missing or there twice.
    """
    blocks = iter(raw_rows)
    positions, below = _headings_and_below(blocks)
    for numbers, rows in chain([below], blocks):
        if numbers:
            columns = _columns(rows, max(positions) + 1)
            yield ReportRows(numbers, *(columns[at] for at in positions))


def _columns(rows: Sequence[Sequence[Cell]] | EvenRows, width: int) -> Sequence[Sequence[Cell]]:
    """The columns of the rows, at least `width` of them."""
    if isinstance(rows, EvenRows):
        return [*rows.columns, *[[""] * len(rows)] * (width - len(rows.columns))]
    if min(map(len, rows)) < width:
        rows = [[*cells, *[""] * (width - len(cells))] for cells in rows]
    return [*zip(*rows, strict=False)]


def _headings_and_below(blocks: Iterator[RawRows]) -> tuple[list[int], RawRows]:
    """Where each column is, and the rest of the block that the headings are in."""
    for numbers, rows in blocks:
        for place, cells in enumerate(rows):
            if any(plain_text(cell) for cell in cells):
                return _positions(numbers[place], cells), (numbers[place + 1 :], rows[place + 1 :])
    raise SourceUnreadable(f"The report is empty: it needs a first row with the headings {', '.join(HEADINGS)}.")


def _positions(number: int, cells: Sequence[Cell]) -> list[int]:
    found: dict[str, list[int]] = {}
    for position, cell in enumerate(cells):
        found.setdefault(heading_key(cell), []).append(position)
    places = {heading: found.get(heading_key(heading), []) for heading in HEADINGS}
    if missing := [heading for heading, at in places.items() if not at]:
        raise SourceUnreadable(_missing(number, missing))
    if twice := [heading for heading, at in places.items() if len(at) > 1]:
        raise SourceUnreadable(
            f"The report has more than one column headed {', '.join(twice)} (row {number}); rename all but one of each."
        )
    return [at[0] for at in places.values()]


def _missing(number: int, missing: list[str]) -> str:
    """Says which headings are missing, without quoting the row: if it is no heading row, it holds a customer's data."""
    if len(missing) == len(HEADINGS):
        return (
            f"Row {number} is the first row of the report with content and holds none of the headings "
            f"{', '.join(HEADINGS)}. The range or sheet must begin with the row of headings, as in Sheet1!A:F."
        )
    return f"The report has no column headed {', '.join(missing)}; the headings are read from row {number}."

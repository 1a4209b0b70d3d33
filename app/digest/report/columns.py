"""The columns of the report, found by their headings in any order, case or spacing. Extra columns are ignored.

reference: the weekly ticket report (Firstname, Lastname, Email, Ticket, Status, Date; a header row first).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from app.digest.report.cells import Cell, plain_text
from app.digest.report.unreadable import SourceUnreadable

HEADINGS = ("Firstname", "Lastname", "Email", "Ticket", "Status", "Date")

RawRow = tuple[int, Sequence[Cell]]
"""A row as its source hands it over: its number as a person sees it in the sheet, and its cells."""


class ReportRow(NamedTuple):
    """The cells of one row that the digest looks at. `number` counts from 1 and includes the header row."""

    number: int
    first_name: Cell
    last_name: Cell
    email: Cell
    ticket: Cell
    status: Cell
    date: Cell


def heading_key(heading: Cell) -> str:
    """`First name`, `FIRST_NAME` and `Firstname` are one heading, `E-mail` and `Email` another."""
    return re.sub(r"[\s_-]+", "", plain_text(heading)).casefold()


def report_rows(raw_rows: Iterable[RawRow]) -> Iterator[ReportRow]:
    """The rows below the headings, which are in the first row that isn't blank. Short rows are filled up.

    Raises `SourceUnreadable` when there is no row, or a column is missing or there twice.
    """
    rows = iter(raw_rows)
    positions = _positions(*_header_row(rows))
    pick = itemgetter(*positions)
    width, new = max(positions) + 1, tuple.__new__  # naming each argument took a third of the whole reading's time
    for number, cells in rows:
        whole = cells if len(cells) >= width else [*cells, *[""] * (width - len(cells))]
        yield new(ReportRow, (number, *pick(whole)))


def _header_row(rows: Iterator[RawRow]) -> RawRow:
    for number, cells in rows:
        if any(plain_text(cell) for cell in cells):
            return number, cells
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
    """The row's own cells stay out of the text: without headings they are a customer's."""
    if len(missing) == len(HEADINGS):
        return (
            f"Row {number} is the first row of the report with content and holds none of the headings "
            f"{', '.join(HEADINGS)}. The range or sheet must begin with the row of headings, as in Sheet1!A:F."
        )
    return f"The report has no column headed {', '.join(missing)}; the headings are read from row {number}."

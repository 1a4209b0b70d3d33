"""Rows of a report, and what is selected of them."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from app.digest.closings import ClosingKey
from app.digest.report.cells import CellFault
from app.digest.report.columns import ReportRow, ReportRows
from app.digest.report.sources import read_report
from app.digest.selection import Selection, select_closings

TODAY = date(2026, 11, 16)
SINCE = date(2026, 11, 9)


def a_row(number: int = 2, **cells: Any) -> ReportRow:
    """A closed ticket of Ada's in the window, unless told otherwise."""
    usual = {
        "first_name": "Ada",
        "last_name": "Lind",
        "email": "ada.lind@example.com",
        "ticket": "TM-20391",
        "status": "Closed",
        "date": "14/11/2026",
    }
    return ReportRow(number, **(usual | cells))


def together(*rows: ReportRow) -> ReportRows:
    """The rows as a source hands them over."""
    return ReportRows(*zip(*rows, strict=True))  # type: ignore[arg-type]


def apart(report: Iterable[ReportRows]) -> list[ReportRow]:
    """The rows one by one."""
    return [some.row(place) for some in report for place in range(len(some.numbers))]


def read_rows(source: str) -> list[ReportRow]:
    """All rows of a report."""
    return apart(read_report(source))


def select(
    *rows: ReportRow, since: date = SINCE, today: date = TODAY, already_reported: Collection[ClosingKey] = frozenset()
) -> Selection:
    some = [together(*rows)] if rows else []
    return select_closings(some, since=since, today=today, already_reported=already_reported)


def only_reason(selection: Selection) -> tuple[CellFault, str]:
    (aside,) = selection.set_aside
    assert not selection.closings
    return aside.cause, aside.reason

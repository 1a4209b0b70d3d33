"""Judges rows by one look at each, many at a time, as far as no cell needs cleaning. That is nearly all of a report."""

import re
from collections.abc import Iterator
from datetime import date
from enum import IntEnum
from typing import NamedTuple

from app.digest.closings import ROW_ZERO, ClosingKey
from app.digest.report.cells import (
    MAX_NAME,
    USUAL_ADDRESS,
    USUAL_TICKET,
    Cell,
    Status,
    read_name,
    read_status,
)
from app.digest.report.columns import ReportRows
from app.digest.report.dates import MOST_KNOWN, DaysSeen

USUAL_LINES = re.compile(
    rf"^(?:{USUAL_ADDRESS}\t[^\t\n]+\t[^\t\n]+\t[^\t\n]+\t{USUAL_TICKET}\t[^\t\n]*\t[^\t\n]*\t\n)+", re.MULTILINE
)
"""Lines of closings (`app.digest.closings`) whose address and ticket are as they would be after cleaning."""


class PassedOver(IntEnum):
    """Why a sound row is not news. Numbers, because a StrEnum is too slow for a million rows."""

    BLANK = 0
    NOT_CLOSED = 1
    EARLIER = 2
    REPORTED = 3


class Seen(NamedTuple):
    """What one look at some rows tells.

    `passed` counts the rows passed over, by `PassedOver`. `lines`, `tickets` (keys of theirs) and `days` are of the
    closings in the window, whether reported before or not. `unclear` are the places of the other rows.
    """

    passed: list[int]
    lines: list[str]
    tickets: list[str]
    days: list[date]
    unclear: list[int]

    def closing_keys(self) -> Iterator[ClosingKey]:
        """The closings' keys."""
        return zip(self.tickets, self.days, strict=True)


class FirstLook:
    """Judges like `app.digest.selection.judge`, or not at all."""

    def __init__(self, seen: DaysSeen, since: date, today: date) -> None:
        self._known, self._names = _Known(seen, since, today), _Names()

    def at(self, rows: ReportRows) -> Seen:
        """What can be told of the rows."""
        seen, places, names = Seen([0] * len(PassedOver), [], [], [], []), list[int](), self._names
        passed, lines, tickets, days, unclear = seen
        known = map(self._known.__getitem__, zip(rows.statuses, rows.dates, strict=True))
        cells = zip(known, range(len(rows.numbers)), *rows[:5], strict=True)
        for what, place, number, first_name, last_name, email, ticket in cells:
            if isinstance(what, PassedOver):
                passed[what] += 1
            elif what is None:
                unclear.append(place)
            else:
                day, ordinal = what
                key, first, last = f"{ticket}".lower(), names[first_name], names[last_name]
                lines.append(f"{email}\t{ordinal}\t{key}\t{ROW_ZERO + number}\t{ticket}\t{first}\t{last}\t")
                tickets.append(key)
                days.append(day)
                places.append(place)
        for at in reversed(_unusual(lines)):
            del lines[at], tickets[at], days[at]
            unclear.append(places[at])
        return seen


def _unusual(lines: list[str]) -> list[int]:
    """The places of lines with an address or a ticket that may need cleaning."""
    text = "\n".join([*lines, ""])
    if text.count("\n") > len(lines):  # a cell of several lines
        return [*range(len(lines))]
    unusual = USUAL_LINES.sub("", text)
    return [at for at, line in enumerate(lines) if line in unusual] if unusual else []


class _Known(dict[tuple[Cell, Cell], PassedOver | tuple[date, str] | None]):
    """What status and date tell by themselves; remembered, because the same pairs come again and again.

    The value is why the row is no news, or the day (with its number as text) of a closing in the window. None: all
    cells have to be looked at.
    """

    def __init__(self, seen: DaysSeen, since: date, today: date) -> None:
        self._seen, self._since, self._today = seen, since, today

    def __missing__(self, cells: tuple[Cell, Cell]) -> PassedOver | tuple[date, str] | None:
        status, day = read_status(cells[0]), self._seen.day(cells[1])
        what: PassedOver | tuple[date, str] | None = PassedOver.NOT_CLOSED if status is Status.OTHER else None
        if status is Status.CLOSED and isinstance(day, date) and day <= self._today:
            what = PassedOver.EARLIER if day < self._since else (day, f"{day.toordinal()}")
        if len(self) < MOST_KNOWN:
            self[cells] = what
        return what


class _Names(dict[Cell, str]):
    """Names as `read_name` reads them, remembered for the same reason."""

    def __missing__(self, cell: Cell) -> str:
        name = read_name(cell)
        if len(self) < MOST_KNOWN and isinstance(cell, str) and len(cell) <= MAX_NAME:
            self[cell] = name
        return name

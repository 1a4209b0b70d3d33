"""Judges rows by one look at each, many at a time, as far as no cell needs cleaning. That is nearly all of a report."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from enum import IntEnum
from itertools import compress, count
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

USUAL_ADDRESSES = re.compile(rf"^(?:{USUAL_ADDRESS}\n)+", re.MULTILINE)
USUAL_TICKETS = re.compile(rf"^(?:{USUAL_TICKET}\n)+", re.MULTILINE)


class PassedOver(IntEnum):
    """Why a sound row is not news. Numbers, because a StrEnum is too slow for a million rows."""

    BLANK = 0
    NOT_CLOSED = 1
    EARLIER = 2
    REPORTED = 3


class Seen(NamedTuple):
    """What one look at some rows tells.

    `passed` counts the rows passed over. `lines` (see `app.digest.closings`), `tickets` (keys of theirs) and `days` are
    of the closings in the window, whether reported before or not. `unclear` are the places of the other rows.
    """

    passed: Counter[PassedOver]
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
        """What can be told of the rows; a list at a time, as a row at a time takes longer."""
        known = [*map(self._known.__getitem__, zip(rows.statuses, rows.dates, strict=True))]
        passed = Counter([what for what in known if isinstance(what, PassedOver)])
        unclear = [place for place, what in enumerate(known) if what is None]
        told = [isinstance(what, tuple) for what in known]
        closed = [what for what in known if isinstance(what, tuple)]
        emails, tickets = _texts(rows.emails, told), _texts(rows.tickets, told)
        keys, days = [ticket.lower() for ticket in tickets], [day for day, _ in closed]
        first_names, last_names = (
            map(self._names.__getitem__, compress(names, told)) for names in (rows.first_names, rows.last_names)
        )
        numbers = compress(rows.numbers, told)
        cells = zip(emails, closed, keys, numbers, tickets, first_names, last_names, strict=True)
        lines = [
            f"{email}\t{ordinal}\t{key}\t{ROW_ZERO + number}\t{ticket}\t{first}\t{last}\t"
            for email, (_, ordinal), key, number, ticket, first, last in cells
        ]
        places = [*compress(count(), told)]
        for at in reversed(_unusual(emails, tickets)):
            del lines[at], keys[at], days[at]
            unclear.append(places[at])
        return Seen(passed, lines, keys, days, unclear)


def _texts(cells: Iterable[Cell], told: list[bool]) -> list[str]:
    """The cells of the rows that are told; a date becomes a text that is neither a usual address nor a usual ticket."""
    return [f"{cell}" for cell in compress(cells, told)]


def _unusual(emails: list[str], tickets: list[str]) -> list[int]:
    """The places of addresses or tickets that may need cleaning."""
    odd_emails, odd_tickets = _left_by(USUAL_ADDRESSES, emails), _left_by(USUAL_TICKETS, tickets)
    if not (odd_emails or odd_tickets):
        return []
    cells = enumerate(zip(emails, tickets, strict=True))
    return [at for at, (email, ticket) in cells if email in odd_emails or ticket in odd_tickets]


def _left_by(usual: re.Pattern[str], cells: list[str]) -> set[str]:
    """The cells that the pattern doesn't match."""
    text = "\n".join([*cells, ""])
    if text.count("\n") > len(cells):  # a cell of several lines
        return {*cells}
    return {*usual.sub("", text).split("\n")[:-1]}


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

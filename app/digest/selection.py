"""Decides what is reported to whom, and what is set aside and why. Pure: rows in, decisions with reasons out."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from itertools import compress

from app.digest.closings import Closing, ClosingKey, Closings, collector_paused
from app.digest.first_look import FirstLook, PassedOver, Seen
from app.digest.report.cells import (
    Cell,
    CellFault,
    Status,
    Unusable,
    address_key,
    plain_text,
    read_address,
    read_name,
    read_status,
    read_ticket,
    ticket_key,
)
from app.digest.report.columns import ReportRow, ReportRows
from app.digest.report.dates import DaysSeen
from app.digest.report.errors import SourceUnreadable

SHOWN = 300
"""How much of a cell is kept with a row that is set aside, in characters. A mail address (254 at most) is kept whole:
erasing a customer's data would not find a part of theirs."""

CONTESTED = "this ticket and date are listed for different mail addresses, so none of them is told"
EXCHANGED = (
    "An Excel that writes the month first has read this report and exchanged day and month: its real dates are all of "
    "the 1st to the 12th, and those above are text. Have it saved again from its source, with the dates as text "
    "(DD/MM/YYYY) or by an Excel that writes the day first."
)
SPOILED_STATUS = Unusable(CellFault.STATUS, "the status can't be read")
NO_STATUS = Unusable(CellFault.STATUS, "the status is missing, though the row has a date")
SHIFTED = Unusable(CellFault.STATUS, "the status stands in another column: the row has a cell too many or too few")
CELL_IN_QUESTION = {
    CellFault.STATUS: "status",
    CellFault.DATE: "date",
    CellFault.FUTURE: "date",
    CellFault.TICKET: "ticket",
    CellFault.ADDRESS: "email",
    CellFault.CONTESTED: "email",
}
"""Which cell of a row that is set aside somebody has to look at."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that can't be used: its number in the sheet, the reason, and its cells as they are written.

    `written` is what stands in the cell that the reason speaks of.
    """

    row: int
    cause: CellFault
    reason: str
    written: str = field(repr=False)
    ticket: str
    date: str
    name: str = field(repr=False)
    email: str = field(repr=False)


Verdict = Closing | SetAside | PassedOver
"""The result of judging one row by itself."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The outcome of reading a report.

    `set_aside` is in the order of its rows. The counts are rows: `already_reported` in an earlier
    run, `repeated` in this report, `too_old` closed before the window. Blank rows don't count.
    """

    closings: Closings
    set_aside: tuple[SetAside, ...]
    already_reported: int
    repeated: int
    not_closed: int
    too_old: int

    @property
    def rows_read(self) -> int:
        """How many rows have content: the sum of all counts."""
        passed = self.already_reported + self.repeated + self.not_closed + self.too_old
        return len(self.closings) + len(self.set_aside) + passed


def select_closings(
    rows: Iterable[ReportRows],
    *,
    since: date,
    today: date,
    already_reported: Collection[ClosingKey] = frozenset(),
    zone: tzinfo = UTC,
) -> Selection:
    """The closings to report: closed from `since` to `today` (both included), not reported before, each once.

    A closing listed for two addresses is reported to neither: one of them would read another customer's ticket.
    Rows are read some at a time, and only selected ones are kept. A moment with a zone of its own counts for the day in
    `zone`. Raises `SourceUnreadable` when days and months are exchanged in the whole report.
    """
    listed, seen = _Listing(), DaysSeen(zone)
    first_look = FirstLook(seen, since, today)
    with collector_paused():
        for some in rows:
            told = first_look.at(some)
            listed.take_all(told, already_reported)
            for row in map(some.row, told.unclear):
                listed.take(judge(row, seen.day(row.date), since, today, already_reported))
        if seen.exchanged:
            raise SourceUnreadable(EXCHANGED)
        return listed.selection()


def judge(
    row: ReportRow, day: date | Unusable, since: date, today: date, already_reported: Collection[ClosingKey]
) -> Verdict:
    """Judge one row of a `day` by itself.

    A row that isn't closed, or was closed before `since`, is passed over even when other cells are faulty. A closing
    after `today` is set aside: it is news once that day has come.
    """
    status = read_status(row.status)
    if status is Status.OTHER:
        return PassedOver.NOT_CLOSED
    if status is not Status.CLOSED:
        return _judge_unclosed(row, status, day, since)
    if isinstance(day, Unusable):
        return _set_aside(row, day)
    if day < since:
        return PassedOver.EARLIER
    if day > today:
        return _set_aside(row, Unusable(CellFault.FUTURE, f"the date {day:%d/%m/%Y} is in the future"))
    return _judge_closing(row, day, already_reported)


def _judge_unclosed(row: ReportRow, status: Status, day: date | Unusable, since: date) -> SetAside | PassedOver:
    """Judge a row that isn't closed. An unreadable status may mean Closed; a missing one matters only beside a date."""
    old = isinstance(day, date) and day < since
    if status is Status.UNREADABLE:
        return PassedOver.EARLIER if old else _set_aside(row, SPOILED_STATUS)
    if status is Status.MISSING and isinstance(day, date):
        return PassedOver.NOT_CLOSED if old else _set_aside(row, NO_STATUS)
    if _says_closed_elsewhere(row):
        return _set_aside(row, SHIFTED)
    blank = status is Status.MISSING and not any(plain_text(cell) for cell in row[1:])
    return PassedOver.BLANK if blank else PassedOver.NOT_CLOSED


def _says_closed_elsewhere(row: ReportRow) -> bool:
    """Whether another cell holds just the word Closed: then the columns are mixed up."""
    return any(read_status(cell) is Status.CLOSED for cell in row[1:])


def _judge_closing(row: ReportRow, day: date, already_reported: Collection[ClosingKey]) -> Verdict:
    """Judge a closing. The ledger is asked first, so that a later edit of the address can't report it twice."""
    ticket = read_ticket(row.ticket)
    if isinstance(ticket, Unusable):
        return _set_aside(row, ticket)
    if already_reported and (ticket_key(ticket), day) in already_reported:
        return PassedOver.REPORTED
    address = read_address(row.email)
    if isinstance(address, Unusable):
        return _set_aside(row, address)
    return _closing(row, ticket, day, address)


def _closing(row: ReportRow, ticket: str, day: date, address: str) -> Closing:
    number, first_name, last_name = row[:3]
    key = address if address.islower() else address_key(address)  # the address is one word of ASCII
    return Closing(ticket, day, address, key, read_name(first_name), read_name(last_name), number)


def _set_aside(row: ReportRow, why: Unusable) -> SetAside:
    return SetAside(
        row=row.number,
        cause=why.cause,
        reason=why.reason,
        written=_shown(getattr(row, CELL_IN_QUESTION[why.cause])),
        ticket=_shown(row.ticket),
        date=_shown(row.date),
        name=_shown(" ".join(filter(None, (read_name(row.first_name), read_name(row.last_name))))),
        email=_shown(row.email),
    )


def _shown(cell: Cell) -> str:
    text = cell.strftime("%d/%m/%Y") if isinstance(cell, date) else plain_text(cell)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


class _Listing:
    """The closings of one report, each once, as long as its rows agree on the customer."""

    def __init__(self) -> None:
        self.closings = Closings()
        self.set_aside: list[SetAside] = []
        self.passed = Counter[PassedOver]()

    def take(self, verdict: Verdict) -> None:
        """Keep or count a row, by its verdict."""
        if isinstance(verdict, Closing):
            self.closings.add(verdict)
        elif isinstance(verdict, SetAside):
            self.set_aside.append(verdict)
        else:
            self.passed[verdict] += 1

    def take_all(self, told: Seen, already_reported: Collection[ClosingKey]) -> None:
        """Keep and count rows that were judged at one look."""
        self.passed.update(told.passed)
        if not already_reported:
            self.closings.add_lines(told.lines, told.closing_keys())
            return
        is_new = [key not in already_reported for key in told.closing_keys()]
        self.passed[PassedOver.REPORTED] += is_new.count(False)
        self.closings.add_lines(compress(told.lines, is_new), compress(told.closing_keys(), is_new))

    def selection(self) -> Selection:
        """The result, once repeated and contested closings are sorted out."""
        repeated = 0
        for closings in self.closings.listed_again():
            same, contested = _told_apart(closings)
            repeated += same
            self.set_aside += map(_contested, contested)
            self.closings.drop(closing.row for closing in (closings if contested else closings[1:]))
        return Selection(
            closings=self.closings,
            set_aside=tuple(sorted(self.set_aside, key=lambda aside: aside.row)),
            already_reported=self.passed[PassedOver.REPORTED],
            repeated=repeated,
            not_closed=self.passed[PassedOver.NOT_CLOSED],
            too_old=self.passed[PassedOver.EARLIER],
        )


def _told_apart(closings: list[Closing]) -> tuple[int, list[Closing]]:
    """For rows of the same closing: how many just repeat the first, and the rows that name different customers."""
    others = [place for place, closing in enumerate(closings) if closing.email_key != closings[0].email_key]
    if not others:
        return len(closings) - 1, []
    return others[0] - 1, [closings[0], *closings[others[0] :]]


def _contested(closing: Closing) -> SetAside:
    return SetAside(
        row=closing.row,
        cause=CellFault.CONTESTED,
        reason=CONTESTED,
        written=closing.email,
        ticket=closing.ticket,
        date=f"{closing.closed_on:%d/%m/%Y}",
        name=" ".join(filter(None, (closing.first_name, closing.last_name))),
        email=closing.email,
    )

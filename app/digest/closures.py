"""What is reported, to whom, and what is set aside and why. Pure: rows in, decisions with their reasons out."""

import gc
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from enum import StrEnum
from sys import intern

from app.digest.cells import (
    Cause,
    Cell,
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
from app.digest.columns import ReportRow
from app.digest.days import DaysSeen
from app.digest.unreadable import SourceUnreadable

ClosingKey = tuple[str, date]
"""What makes a closing one: the ticket's key (`ticket_key`) and the day it was closed."""

SHOWN = 120
"""How much of a cell is kept with a row that is set aside, in characters."""

CONTESTED = "this ticket and date are listed for different mail addresses, so none of them is told"
EXCHANGED = (
    "An Excel that writes the month first has read this report and exchanged day and month: its real dates are all of "
    "the 1st to the 12th, and those above are text. Have it saved again from its source, with the dates as text "
    "(DD/MM/YYYY) or by an Excel that writes the day first."
)
SPOILED_STATUS = Unusable(Cause.STATUS, "the status can't be read")
NO_STATUS = Unusable(Cause.STATUS, "the status is missing, though the row has a date")
SHIFTED = Unusable(Cause.STATUS, "the status stands in another column: the row has a cell too many or too few")
CELL_IN_QUESTION = {
    Cause.STATUS: "status",
    Cause.DATE: "date",
    Cause.FUTURE: "date",
    Cause.TICKET: "ticket",
    Cause.ADDRESS: "email",
    Cause.CONTESTED: "email",
}
"""Which cell of a row that is set aside somebody has to look at."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A ticket that was closed on a day, and the customer who hears of it."""

    ticket: str
    closed_on: date
    email: str = field(repr=False)
    email_key: str = field(repr=False)
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    row: int

    @property
    def key(self) -> ClosingKey:
        """Under which the closing is remembered as reported."""
        return ticket_key(self.ticket), self.closed_on


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that can't be used: its number in the sheet, the reason, and its cells as they are written.

    `written` is what stands in the cell that the reason speaks of.
    """

    row: int
    cause: Cause
    reason: str
    written: str = field(repr=False)
    ticket: str
    date: str
    name: str = field(repr=False)
    email: str = field(repr=False)


class PassedOver(StrEnum):
    """Why a sound row is not news."""

    BLANK = "blank"
    NOT_CLOSED = "not closed"
    EARLIER = "closed before the window"
    REPORTED = "already reported"


@dataclass(frozen=True, slots=True)
class Selection:
    """The outcome of reading a report.

    `closures` and `set_aside` are in the order of their rows. The counts are rows: `already_reported` in an earlier
    run, `repeated` in this report, `too_old` closed before the window. Blank rows are none.
    """

    closures: tuple[Closure, ...]
    set_aside: tuple[SetAside, ...]
    already_reported: int
    repeated: int
    not_closed: int
    too_old: int

    @property
    def rows_read(self) -> int:
        """The rows with content: each is one of these."""
        passed = self.already_reported + self.repeated + self.not_closed + self.too_old
        return len(self.closures) + len(self.set_aside) + passed


@dataclass(frozen=True, slots=True)
class CustomerDigest:
    """One customer's message: `email` as to be written to, `tickets` by day and number, each closing once."""

    email: str = field(repr=False)
    email_key: str = field(repr=False)
    full_name: str = field(repr=False)
    tickets: tuple[Closure, ...]


def select_closures(
    rows: Iterable[ReportRow],
    *,
    since: date,
    today: date,
    already_reported: Container[ClosingKey] = frozenset(),
    zone: tzinfo = UTC,
) -> Selection:
    """The closings to report: closed from `since` to `today` (both included), not reported before, each once.

    A closing listed for two addresses is reported to neither: one of them would read another customer's ticket.
    Rows are taken one at a time, and only what is selected is kept. A moment with a zone of its own is of the day that
    it was in `zone`. Raises `SourceUnreadable` when days and months are exchanged in the whole report.
    """
    listed, seen = _Listing(), DaysSeen(zone)
    passed: Counter[PassedOver] = Counter()
    with _collector_paused():
        for row in rows:
            verdict = judge(row, seen.day(row.date), since=since, today=today, already_reported=already_reported)
            if isinstance(verdict, PassedOver):
                passed[verdict] += 1
            elif isinstance(verdict, SetAside):
                listed.set_aside.append(verdict)
            else:
                listed.add(verdict)
    if seen.exchanged:
        raise SourceUnreadable(EXCHANGED)
    return listed.selection(passed)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Nothing here makes cycles, and walking a growing heap again and again doubled the time of 1,000,000 rows.

    The pause holds for the whole process. Two threads at once can't leave it on: whoever began it ends it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def judge(
    row: ReportRow, day: date | Unusable, *, since: date, today: date, already_reported: Container[ClosingKey]
) -> Closure | SetAside | PassedOver:
    """What one row of a `day` by itself amounts to.

    A row that isn't closed, or was closed before `since`, is passed over whatever else is wrong with it. A closing
    after `today` is set aside: it is news once its day has come.
    """
    status = read_status(row.status)
    if status is not Status.CLOSED:
        return _judge_unclosed(row, status, day, since)
    if isinstance(day, Unusable):
        return _set_aside(row, day)
    if day < since:
        return PassedOver.EARLIER
    if day > today:
        return _set_aside(row, Unusable(Cause.FUTURE, f"the date {day:%d/%m/%Y} is in the future"))
    return _judge_closing(row, day, already_reported)


def _judge_unclosed(row: ReportRow, status: Status, day: date | Unusable, since: date) -> SetAside | PassedOver:
    """A status that nobody can tell may have been Closed; one that isn't there doesn't matter without a day."""
    if status is Status.OTHER:
        return _set_aside(row, SHIFTED) if _says_closed_elsewhere(row) else PassedOver.NOT_CLOSED
    if isinstance(day, date) and day < since:
        return PassedOver.EARLIER if status is Status.UNREADABLE else PassedOver.NOT_CLOSED
    if status is Status.UNREADABLE:
        return _set_aside(row, SPOILED_STATUS)
    if isinstance(day, date):
        return _set_aside(row, NO_STATUS)
    if _says_closed_elsewhere(row):
        return _set_aside(row, SHIFTED)
    return PassedOver.NOT_CLOSED if any(plain_text(cell) for cell in row[1:]) else PassedOver.BLANK


def _says_closed_elsewhere(row: ReportRow) -> bool:
    """A cell that holds just that word is the status, wherever it stands."""
    return any(read_status(cell) is Status.CLOSED for cell in row[1:])


def _judge_closing(
    row: ReportRow, day: date, already_reported: Container[ClosingKey]
) -> Closure | SetAside | PassedOver:
    """What was reported is passed over before its address is read: a later edit of that can't bring it back."""
    ticket = read_ticket(row.ticket)
    if isinstance(ticket, Unusable):
        return _set_aside(row, ticket)
    if (ticket_key(ticket), day) in already_reported:
        return PassedOver.REPORTED
    address = read_address(row.email)
    if isinstance(address, Unusable):
        return _set_aside(row, address)
    return _closure(row, ticket, day, address)


def _closure(row: ReportRow, ticket: str, day: date, address: str) -> Closure:
    """Names and addresses repeat from row to row; interned, a customer's thousand tickets share one copy."""
    return Closure(
        ticket=ticket,
        closed_on=day,
        email=intern(address),
        email_key=intern(address_key(address)),
        first_name=intern(read_name(row.first_name)),
        last_name=intern(read_name(row.last_name)),
        row=row.number,
    )


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
        self.set_aside: list[SetAside] = []
        self._picked: dict[ClosingKey, Closure] = {}
        self._contested: set[ClosingKey] = set()
        self._repeated = 0

    def add(self, closure: Closure) -> None:
        key = closure.key
        if key in self._contested:
            self._contest(closure)
        elif (first := self._picked.setdefault(key, closure)) is closure:
            return
        elif first.email_key == closure.email_key:
            self._repeated += 1
        else:
            self._contested.add(key)
            self._contest(self._picked.pop(key))
            self._contest(closure)

    def _contest(self, closure: Closure) -> None:
        self.set_aside.append(
            SetAside(
                row=closure.row,
                cause=Cause.CONTESTED,
                reason=CONTESTED,
                written=closure.email,
                ticket=closure.ticket,
                date=f"{closure.closed_on:%d/%m/%Y}",
                name=" ".join(filter(None, (closure.first_name, closure.last_name))),
                email=closure.email,
            )
        )

    def selection(self, passed: Counter[PassedOver]) -> Selection:
        return Selection(
            closures=tuple(self._picked.values()),
            set_aside=tuple(sorted(self.set_aside, key=lambda aside: aside.row)),
            already_reported=passed[PassedOver.REPORTED],
            repeated=self._repeated,
            not_closed=passed[PassedOver.NOT_CLOSED],
            too_old=passed[PassedOver.EARLIER],
        )


def group_by_customer(closures: Iterable[Closure]) -> tuple[CustomerDigest, ...]:
    """One digest a customer, ordered by address; a customer is an address, never a name.

    The same closures give the same digests, in whatever order they come.
    """
    tickets: dict[str, list[Closure]] = {}
    with _collector_paused():
        for closure in closures:
            tickets.setdefault(closure.email_key, []).append(closure)
        return tuple(_digest(key, tickets[key]) for key in sorted(tickets))


def _digest(email_key: str, closures: list[Closure]) -> CustomerDigest:
    closures.sort(key=lambda closure: (closure.closed_on, closure.ticket.casefold(), closure.row))
    email = _usual([closure.email for closure in closures])
    names = [full_name(closure.first_name, closure.last_name) for closure in closures]
    return CustomerDigest(email, email_key, _usual([name for name in names if name] or [email]), tuple(closures))


def _usual(spellings: list[str]) -> str:
    """The most frequent spelling; of two as frequent, the one used last."""
    if len(set(spellings)) == 1:
        return spellings[0]
    counts = Counter(spellings)
    last_use = {spelling: place for place, spelling in enumerate(spellings)}
    return max(counts, key=lambda spelling: (counts[spelling], last_use[spelling]))


def full_name(first_name: str, last_name: str) -> str:
    """`Ada LIND`, as the mail webhook is used to; whichever part there is, when one is missing.

    reference: the weekly ticket report, the mail webhook.
    """
    return " ".join(part for part in (first_name, last_name.upper()) if part)

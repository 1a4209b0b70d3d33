"""The tickets that were closed and the customers who hear of them. Pure, and small: a report may list a million."""

import gc
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple, overload

ClosingKey = tuple[str, date]
"""What makes a closing one: the ticket's key (`ticket_key`) and the day it was closed."""


class Closure(NamedTuple):
    """A ticket that was closed on a day, and the customer who hears of it."""

    ticket: str
    closed_on: date
    email: str
    email_key: str
    first_name: str
    last_name: str
    row: int

    def __repr__(self) -> str:
        """Without the customer."""
        return f"Closure({self.ticket!r}, {self.closed_on}, row {self.row})"

    @property
    def key(self) -> ClosingKey:
        """Under which the closing is remembered as reported."""
        return self.ticket.casefold(), self.closed_on  # `ticket_key` of a text that is plain already


class CustomerDigest(NamedTuple):
    """One customer's message: `email` as to be written to, `tickets` by day and number, each closing once."""

    email: str
    email_key: str
    full_name: str
    tickets: tuple[Closure, ...]

    def __repr__(self) -> str:
        """Without the customer."""
        return f"CustomerDigest({self.tickets!r})"


EMAIL_KEY = Closure._fields.index("email_key")
ROW_ZERO = 1_000_000_000
"""Added to the numbers of rows, so that as texts they sort as they do as numbers."""


class Closures(Sequence[Closure]):
    """Closures in the order of their rows, each kept as one line of text: half a million take 70 MB, and not 240.

    The lines sort by customer, day, ticket and row. Texts of cells hold no tab and no sign that sorts before it.
    """

    def __init__(self, closures: Iterable[Closure] = ()) -> None:
        self._lines: list[str] = []
        self._hashes = array("q")
        for closure in closures:
            self.add(closure)

    def add(self, closure: Closure) -> None:
        """Keep one more."""
        ticket, day, email, email_key, first_name, last_name, row = closure
        key = ticket.casefold()
        closing = f"{day.toordinal()}\t{key}"
        spelled = "" if (ticket.isascii() and ticket.isupper()) or key.upper() == ticket else ticket
        address = "" if email == email_key else email
        self._hashes.append(hash(closing))
        self._lines.append(f"{email_key}\t{closing}\t{ROW_ZERO + row}\t{spelled}\t{first_name}\t{last_name}\t{address}")

    def __len__(self) -> int:
        """How many there are."""
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> Closure: ...
    @overload
    def __getitem__(self, place: slice) -> list[Closure]: ...
    def __getitem__(self, place: int | slice) -> Closure | list[Closure]:
        """One of them, or some."""
        return [*map(_closure, self._lines[place])] if isinstance(place, slice) else _closure(self._lines[place])

    def by_customer(self) -> Iterator[Closure]:
        """All of them, each customer's together, by day, ticket and row."""
        return map(_closure, sorted(self._lines))

    def listed_again(self) -> list[list[int]]:
        """The places of closures with one key, where there are several, in the order of their rows."""
        hashes = sorted(self._hashes)
        several = {one for one, following in pairwise(hashes) if one == following}
        places: dict[ClosingKey, list[int]] = {}
        for place, one in enumerate(self._hashes) if several else ():
            if one in several:
                places.setdefault(self[place].key, []).append(place)
        return [those for those in places.values() if len(those) > 1]

    def without(self, places: set[int]) -> "Closures":
        """The others."""
        if not places:
            return self
        return Closures(closure for place, closure in enumerate(self) if place not in places)


def _closure(line: str) -> Closure:
    email_key, ordinal, key, row, spelled, first_name, last_name, address = line.split("\t")
    ticket, number = spelled or key.upper(), int(row) - ROW_ZERO
    return Closure._make((ticket, _day(ordinal), address or email_key, email_key, first_name, last_name, number))


@lru_cache(maxsize=8192)
def _day(ordinal: str) -> date:
    return date.fromordinal(int(ordinal))


@contextmanager
def collector_paused() -> Iterator[None]:
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


def group_by_customer(closures: Iterable[Closure]) -> Iterator[CustomerDigest]:
    """One digest a customer, ordered by address; a customer is an address, never a name. Made one at a time.

    The same closures give the same digests, in whatever order they come.
    """
    kept = closures if isinstance(closures, Closures) else Closures(closures)
    for _, mine in groupby(kept.by_customer(), itemgetter(EMAIL_KEY)):
        yield _digest(list(mine))


def _digest(closures: list[Closure]) -> CustomerDigest:
    if len(closures) == 1:
        _, _, email, email_key, first_name, last_name, _ = closures[0]
        return CustomerDigest(email, email_key, full_name(first_name, last_name) or email, tuple(closures))
    email = _usual([closure.email for closure in closures])
    names = [full_name(closure.first_name, closure.last_name) for closure in closures]
    name = _usual([name for name in names if name] or [email])
    return CustomerDigest(email, closures[0].email_key, name, tuple(closures))


def _usual(spellings: list[str]) -> str:
    """The most frequent spelling; of two as frequent, the one used last."""
    if len(spellings) == 1 or len(set(spellings)) == 1:
        return spellings[0]
    counts = Counter(spellings)
    last_use = {spelling: place for place, spelling in enumerate(spellings)}
    return max(counts, key=lambda spelling: (counts[spelling], last_use[spelling]))


def full_name(first_name: str, last_name: str) -> str:
    """`Ada LIND`, as the mail webhook is used to; whichever part there is, when one is missing.

    reference: the weekly ticket report, the mail webhook.
    """
    return f"{first_name} {last_name.upper()}" if first_name and last_name else first_name or last_name.upper()

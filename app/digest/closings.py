"""Closed tickets and the customers who are told. Pure, and sparing with memory: a report may list a million."""

import gc
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache, partial
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple

from app.digest.sorted_lines import SortedLines

ClosingKey = tuple[str, date]
"""What identifies a closing: the ticket's key (`ticket_key`) and the day it was closed."""


class Closing(NamedTuple):
    """A ticket that was closed on a day, and the customer who is told."""

    ticket: str
    closed_on: date
    email: str
    email_key: str
    first_name: str
    last_name: str
    row: int

    def __repr__(self) -> str:
        """Without the customer."""
        return f"Closing({self.ticket!r}, {self.closed_on}, row {self.row})"

    @property
    def key(self) -> ClosingKey:
        """The key under which the ledger keeps the closing as reported."""
        return self.ticket.casefold(), self.closed_on  # the same as `ticket_key`, as the text is plain already


class CustomerDigest(NamedTuple):
    """One customer's message: `email` is the address to send to, `tickets` are by day and number, each once."""

    email: str
    email_key: str
    full_name: str
    tickets: tuple[Closing, ...]

    def __repr__(self) -> str:
        """Without the customer."""
        return f"CustomerDigest({self.tickets!r})"


email_key_of, person_of = itemgetter(3), itemgetter(2, 4, 5)
"""The customer's key in a closing; and how it writes the customer (address and names)."""
CELLS = 8
"""How many texts are in the line of a closing."""
ROW_ZERO = 1_000_000_000
"""Added to row numbers, so that they have the same order as texts and as numbers."""
HEAPS = 32
new = tuple.__new__  # calling it without field names saves a tenth of the time for half a million closings


class Closings:
    """Closings, each kept as one line of text (`SortedLines`) that sorts by customer, day, ticket and row.

    This works because the texts of cells hold no tab and no character that sorts before it.
    """

    def __init__(self, closings: Iterable[Closing] = ()) -> None:
        self._lines = SortedLines()
        self._hashes = [array("q") for _ in range(HEAPS)]
        self._dropped: set[int] = set()
        for closing in closings:
            self.add(closing)

    def add(self, closing: Closing) -> None:
        """Keep one more."""
        ticket, day, email, email_key, first_name, last_name, row = closing
        key, ordinal = ticket.casefold(), day.toordinal()
        address = "" if email == email_key else email
        line = f"{email_key}\t{ordinal}\t{key}\t{ROW_ZERO + row}\t{ticket}\t{first_name}\t{last_name}\t{address}"
        self.add_lines([line], [(key, day)])

    def add_lines(self, lines: Iterable[str], keys: Iterable[ClosingKey]) -> None:
        """Keep closings that are such lines already; `keys` are theirs."""
        for one in map(hash, keys):
            self._hashes[one % HEAPS].append(one)
        self._lines.extend(lines)

    def drop(self, rows: Iterable[int]) -> None:
        """Drop the closings of these rows."""
        self._dropped.update(rows)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._lines) - len(self._dropped)

    def __iter__(self) -> Iterator[Closing]:
        """All of them, each customer's together."""
        closings = chain.from_iterable(map(_closings, self._lines.parts()))
        dropped = self._dropped
        return (closing for closing in closings if closing.row not in dropped) if dropped else closings

    def listed_again(self) -> list[list[Closing]]:
        """For each key that several closings have, those closings in the order of their rows."""
        heaps = [heap for heap in self._hashes if len({*heap}) < len(heap)]
        several = {one for heap in heaps for one, times in Counter(heap).items() if times > 1}
        found: dict[ClosingKey, list[Closing]] = {}
        for closing in self if several else ():
            if hash(closing.key) in several:
                found.setdefault(closing.key, []).append(closing)
        return [sorted(those, key=attrgetter("row")) for those in found.values() if len(those) > 1]


def _closings(lines: list[str]) -> Iterator[Closing]:
    cells = "\t".join(lines).split("\t")
    keys, ordinals, _, numbers, tickets, first_names, last_names, addresses = (cells[at::CELLS] for at in range(CELLS))
    emails = [address or key for address, key in zip(addresses, keys, strict=True)]
    rows = [int(number) - ROW_ZERO for number in numbers]
    columns = tickets, map(_day, ordinals), emails, keys, first_names, last_names, rows
    return map(partial(new, Closing), zip(*columns, strict=True))


@lru_cache(maxsize=8192)
def _day(ordinal: str) -> date:
    return date.fromordinal(int(ordinal))


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector, which doubled the time of 1,000,000 rows; nothing here makes reference cycles.

    The pause holds for the whole process. When two threads overlap, the thread that began the pause ends it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def group_by_customer(closings: Iterable[Closing]) -> Iterator[CustomerDigest]:
    """One digest for each customer, made one at a time, ordered by address. A customer is an address, never a name.

    The same closings give the same digests, in whatever order they come.
    """
    kept = closings if isinstance(closings, Closings) else Closings(closings)
    for _, mine in groupby(kept, email_key_of):
        yield _digest(tuple(mine))


def _digest(closings: tuple[Closing, ...]) -> CustomerDigest:
    _, _, email, email_key, first_name, last_name, _ = closings[0]
    name = full_name(first_name, last_name) or email
    if len(closings) > 1 and len({*map(person_of, closings)}) > 1:
        email = _usual([closing.email for closing in closings])
        names = [full_name(closing.first_name, closing.last_name) for closing in closings]
        name = _usual([name for name in names if name] or [email])
    return new(CustomerDigest, (email, email_key, name, closings))


def _usual(spellings: list[str]) -> str:
    """The most frequent spelling; among equally frequent ones, the one used last."""
    counts = Counter(spellings)
    last_use = {spelling: place for place, spelling in enumerate(spellings)}
    return max(counts, key=lambda spelling: (counts[spelling], last_use[spelling]))


def full_name(first_name: str, last_name: str) -> str:
    """`Ada LIND`, as the mail webhook expects it; when one part is missing, the other alone.

    reference: the weekly ticket report, the mail webhook.
    """
    return f"{first_name} {last_name.upper()}" if first_name and last_name else first_name or last_name.upper()

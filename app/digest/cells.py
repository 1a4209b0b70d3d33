"""What one cell of the report says: a text, a day, a mail address, a ticket number, or why it can't be used.

Nothing is guessed: a day is read as DD/MM/YYYY (reference: the weekly ticket report) or not at all, and an address
that isn't plainly one address is refused.
"""

import re
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

Cell = str | date
"""A cell as read: text, or the day of a real date (a workbook's date cell)."""

MAX_TICKET = 100
MAX_NAME = 200
MAX_ADDRESS = 254
MAX_DAY = 100
FIRST_YEAR = 2000

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Zero-width characters, marks that turn the writing direction, and halves of characters: all unseen by the reader.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_DAY_FIRST = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
_CELL_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|ERROR!|#+)", re.IGNORECASE)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?!=)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])"
)


class Cause(StrEnum):
    """What about a row keeps it from being reported."""

    DATE = "date"
    FUTURE = "future"
    TICKET = "ticket"
    ADDRESS = "address"
    CONTESTED = "contested"


class Unusable(NamedTuple):
    """Why a cell can't be used. `reason` is a clause for staff, without personal data."""

    cause: Cause
    reason: str


_UNREADABLE_DAY = Unusable(Cause.DATE, "the date can't be read (it is written DD/MM/YYYY)")


def plain_text(cell: Cell) -> str:
    """The cell as one line: unseen characters dropped, line breaks and runs of blanks one blank, ends stripped."""
    text = cell if isinstance(cell, str) else cell.isoformat()
    if not text.isprintable():
        text = _UNSEEN.sub("", _BREAKS.sub(" ", text))
    return " ".join(text.split())


def read_name(cell: Cell) -> str:
    """A first or last name, at most `MAX_NAME` characters; empty when there is none."""
    return plain_text(cell)[:MAX_NAME].rstrip()


def read_day(cell: Cell) -> date | Unusable:
    """The day of a date cell: a real date, `DD/MM/YYYY` (a leading zero may be missing) or `YYYY-MM-DD`.

    Never read month-first: `02/10/2026` is 2 October, `02/28/2026` is no date.
    """
    if isinstance(cell, date):
        return _plausible(cell)
    return _day_of_text(cell) if len(cell) <= MAX_DAY else _UNREADABLE_DAY


@lru_cache(maxsize=8192)
def _day_of_text(cell: str) -> date | Unusable:
    text = plain_text(cell)
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
    else:
        return _unlike_a_day(text)
    try:
        return _plausible(date(year, month, day))
    except ValueError:
        return _not_in_the_calendar(text, month)


def _plausible(day: date) -> date | Unusable:
    if day.year < FIRST_YEAR:
        return Unusable(Cause.DATE, f"the year of the date, {day.year:04d}, is before {FIRST_YEAR}")
    return day


def _not_in_the_calendar(text: str, month: int) -> Unusable:
    if month > 12:
        return Unusable(Cause.DATE, f"the date {text} has no month {month} (dates are read day first, DD/MM/YYYY)")
    return Unusable(Cause.DATE, f"the date {text} is not in the calendar")


def _unlike_a_day(text: str) -> Unusable:
    if not text:
        return Unusable(Cause.DATE, "the date is missing")
    if _SHORT_YEAR.fullmatch(text):
        return Unusable(Cause.DATE, f"the date {text} has a year of two digits (it is written DD/MM/YYYY)")
    if _NUMBER.fullmatch(text):
        return Unusable(Cause.DATE, "the date is a plain number (format the cell as a date, or write DD/MM/YYYY)")
    return _UNREADABLE_DAY


def read_ticket(cell: Cell) -> str | Unusable:
    """The ticket number as one line of text, at most `MAX_TICKET` characters."""
    if isinstance(cell, date):
        return Unusable(Cause.TICKET, "the ticket number was turned into a date by the spreadsheet")
    text = plain_text(cell)
    if not text:
        return Unusable(Cause.TICKET, "the ticket number is missing")
    if len(text) > MAX_TICKET:
        return Unusable(Cause.TICKET, f"the ticket number is longer than {MAX_TICKET} characters")
    if _ROUNDED.fullmatch(text):
        return Unusable(Cause.TICKET, "the ticket number was rounded by the spreadsheet (format the column as text)")
    if _CELL_ERROR.fullmatch(text) or "\ufffd" in text:
        return Unusable(Cause.TICKET, "the ticket number can't be read")
    return text


def ticket_key(ticket: str) -> str:
    """What two spellings of one ticket number have in common: case and runs of blanks don't matter."""
    return plain_text(ticket).casefold()


def read_address(cell: Cell) -> str | Unusable:
    """The one mail address of the cell, as to be written to; blanks around it and around its @ are dropped."""
    text = plain_text(cell)
    if not text:
        return Unusable(Cause.ADDRESS, "the mail address is missing")
    if text.count("@") > 1 and not text.startswith("="):
        return Unusable(Cause.ADDRESS, "the cell holds several mail addresses")
    address = text.replace(" @", "@").replace("@ ", "@")
    if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
        return Unusable(Cause.ADDRESS, "the mail address is malformed")
    return address


def address_key(address: str) -> str:
    """What identifies a customer: the address without regard to case and blanks."""
    return "".join(address.split()).casefold()

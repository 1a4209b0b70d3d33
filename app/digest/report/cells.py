"""What one cell of the report says: a text, a mail address, a ticket number, a status, or why it can't be used.

Nothing is guessed: an address that isn't plainly one address is refused. Days are read in `dates`.
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
MAX_STATUS = 100

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Invisible: zero-width characters, marks that change the writing direction, and halves of characters.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_WHOLE = re.compile(r"([0-9]+)[.,]0{1,2}")
_ROUNDED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+")
_CELL_ERROR = re.compile(
    r"#(?:N/A|(?:REF|VALUE|DIV/0|NUM|NULL|ERROR|SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN|BUSY)!|NAME\?|GETTING_DATA|#+)",
    re.IGNORECASE,
)
# How spreadsheets and exports keep a text from being read as a number or a formula: ="00123" and '00123.
# The apostrophe of a name ('t Hooft, 's Gravenmade) is not such a mark.
_AS_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_APOSTROPHE = re.compile(r"'(?!\w\s)")
_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}
_NOTHING = frozenset(["nan", "none", "null", "nil", "nat", "n/a", "na", "<na>", "-", "--", "–", "—", "?", "."])
"""What exports and people write for an empty cell, in lower case."""
_NO_NAME = frozenset(["nan", "NaN", "None", "NaT", "N/A", "<NA>", "-", "–", "—"])
"""The same for names; Nan and Null are real names, so they are not in it."""
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(
    rf"(?!=)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])"
)

# How nearly all cells look. They need no cleaning, and such an address is its own key.
USUAL_TICKET = r"(?:[A-Za-z]{1,20}+-?+)?+[0-9]{1,20}+"
USUAL_ADDRESS = r"[a-z0-9_-]{1,31}+(?:\.[a-z0-9_-]{1,31}+)?+@(?:[a-z0-9]{1,50}+\.){1,3}+[a-z]{2,20}+"


class CellFault(StrEnum):
    """What keeps a row from being reported."""

    STATUS = "status"
    DATE = "date"
    FUTURE = "future"
    TICKET = "ticket"
    ADDRESS = "address"
    CONTESTED = "contested"


class Unusable(NamedTuple):
    """Why a cell can't be used. `reason` is a clause for staff, without personal data."""

    cause: CellFault
    reason: str


def plain_text(cell: Cell) -> str:
    """The cell as one line: invisible characters dropped, line breaks and runs of blanks made one blank, stripped."""
    text = cell if isinstance(cell, str) else cell.isoformat()
    if not text.isprintable():
        text = _UNSEEN.sub("", _BREAKS.sub(" ", text))
    return " ".join(text.split())


def cell_text(cell: Cell) -> str:
    """The cell's plain text, without marks that say "this is text", and with usual for full-width characters."""
    text = plain_text(cell)
    if not text.isascii():
        text = " ".join(text.translate(_FULL_WIDTH).split())
    if not text.startswith(("=", "'")):
        return text
    if marked := _AS_TEXT.fullmatch(text):
        return marked[1].replace('""', '"').strip()
    return text[1:].lstrip() if _APOSTROPHE.match(text) else text


def read_name(cell: Cell) -> str:
    """A first or last name, at most `MAX_NAME` characters; empty when there is none."""
    if isinstance(cell, str) and len(cell) <= MAX_NAME:
        return _name_of_text(cell)
    return _name_of_text(plain_text(cell)[:MAX_NAME])


@lru_cache(maxsize=8192)
def _name_of_text(cell: Cell) -> str:
    text = cell_text(cell)
    return "" if text in _NO_NAME or _CELL_ERROR.fullmatch(text) else text


class Status(StrEnum):
    """What a status cell says, as far as the digest needs it."""

    CLOSED = "closed"
    OTHER = "other"
    NO_WORD = "no word"
    """A number, a date or an address: perhaps the status is in another column."""
    MISSING = "missing"
    UNREADABLE = "unreadable"


def read_status(cell: Cell) -> Status:
    """Whether the ticket is closed; in any case, with stray blanks."""
    return _status_of_text(cell) if isinstance(cell, str) and len(cell) <= MAX_STATUS else Status.NO_WORD


@lru_cache(maxsize=1024)
def _status_of_text(cell: str) -> Status:
    text = cell_text(cell).casefold()
    if text == "closed":
        return Status.CLOSED
    if not text or text in _NOTHING:
        return Status.MISSING
    if _is_spoiled(text):
        return Status.UNREADABLE
    return Status.NO_WORD if "@" in text or any(sign.isdigit() for sign in text) else Status.OTHER


def _is_spoiled(text: str) -> bool:
    """Whether the text is a formula's error, or has a character that could not be decoded."""
    return _CELL_ERROR.fullmatch(text) is not None or "\ufffd" in text


def read_ticket(cell: Cell) -> str | Unusable:
    """The ticket number as one line of text, at most `MAX_TICKET` characters; `20391.0` is `20391`."""
    if isinstance(cell, date):
        return Unusable(CellFault.TICKET, "the ticket number was turned into a date by the spreadsheet")
    text = cell_text(cell)
    if text.casefold() in _NOTHING or not text:
        return Unusable(CellFault.TICKET, "the ticket number is missing")
    if len(text) > MAX_TICKET:
        return Unusable(CellFault.TICKET, f"the ticket number is longer than {MAX_TICKET} characters")
    if _ROUNDED.fullmatch(text):
        return Unusable(
            CellFault.TICKET, "the ticket number was rounded by the spreadsheet (format the column as text)"
        )
    if _is_spoiled(text):
        return Unusable(CellFault.TICKET, "the ticket number can't be read")
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def ticket_key(ticket: str) -> str:
    """The same key for all spellings of a ticket number: case and runs of blanks don't matter."""
    return plain_text(ticket).casefold()


def read_address(cell: Cell) -> str | Unusable:
    """The cell's one mail address, ready to send to; blanks around it and around its @ are dropped."""
    text = cell_text(cell)
    if not text or text.casefold() in _NOTHING:
        return Unusable(CellFault.ADDRESS, "the mail address is missing")
    if text.count("@") > 1 and not text.startswith("="):
        return Unusable(CellFault.ADDRESS, "the cell holds several mail addresses")
    address = text.replace(" @", "@").replace("@ ", "@")
    if len(address) > MAX_ADDRESS or not _ADDRESS.fullmatch(address):
        return Unusable(CellFault.ADDRESS, "the mail address is malformed")
    return address


def address_key(address: str) -> str:
    """What identifies a customer: the address without regard to case and blanks."""
    return "".join(address.split()).casefold()

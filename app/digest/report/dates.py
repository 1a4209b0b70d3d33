"""The day in a date cell, or why it can't be read. Dates are read day first; a time of day may follow.

reference: the weekly ticket report (`Date` is DD/MM/YYYY as text, in Excel a real date).
"""

import re
from datetime import UTC, date, datetime, time, tzinfo

from app.digest.report.cells import Cell, CellFault, Unusable, cell_text

MAX_DAY = 100
FIRST_YEAR = 2000
LAST_MONTH = 12
MOST_KNOWN = 8192
"""How many spellings of days are remembered while a report is read."""

_TIME = r"(?:,? |T)(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
_ZONE = r" ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)"
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})/([0-9]{{1,2}})/([0-9]{{4}})(?:{_TIME}(?: ?[ap]\.?m\.?)?)?", re.IGNORECASE)
_ISO = re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})(?:({_TIME})({_ZONE})?)?", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_UNREADABLE = Unusable(CellFault.DATE, "the date can't be read (it is written DD/MM/YYYY)")


def read_day(cell: Cell, zone: tzinfo = UTC) -> date | Unusable:
    """The day of a date cell: a real date, `DD/MM/YYYY` (a leading zero may be missing) or `YYYY-MM-DD`.

    Never read month-first: `02/10/2026` is 2 October, `02/28/2026` is no date. A time of day is ignored, unless it has
    a time zone of its own: then the day is the one in `zone`. Midnight is always ignored, as exports add it to days.
    """
    if isinstance(cell, date):
        return _plausible(cell)
    return _day_of_text(cell, zone) if len(cell) <= MAX_DAY else _UNREADABLE


def _day_of_text(cell: str, zone: tzinfo) -> date | Unusable:
    text = cell_text(cell)
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups()[:3])
    else:
        return _unlike_a_day(text)
    try:
        return _plausible(_day_in_zone(text, zone) if found.re is _ISO and found[5] else date(year, month, day))
    except (ValueError, OverflowError):
        return _not_in_the_calendar(f"{text[: found.end(3)]}", month)


def _day_in_zone(text: str, zone: tzinfo) -> date:
    written = text.upper().replace("GMT", "Z").replace("UTC", "Z").replace(",", ".").replace(" Z", "Z")
    moment = datetime.fromisoformat(written)
    return moment.date() if moment.time() == time.min else moment.astimezone(zone).date()


def _plausible(day: date) -> date | Unusable:
    if day.year < FIRST_YEAR:
        return Unusable(CellFault.DATE, f"the year of the date, {day.year:04d}, is before {FIRST_YEAR}")
    return day


def _not_in_the_calendar(text: str, month: int) -> Unusable:
    if month > LAST_MONTH:
        return Unusable(CellFault.DATE, f"the date {text} has no month {month} (dates are read day first, DD/MM/YYYY)")
    return Unusable(CellFault.DATE, f"the date {text} is not in the calendar")


def _unlike_a_day(text: str) -> Unusable:
    if not text:
        return Unusable(CellFault.DATE, "the date is missing")
    if _SHORT_YEAR.fullmatch(text):
        return Unusable(CellFault.DATE, f"the date {text} has a year of two digits (it is written DD/MM/YYYY)")
    if _NUMBER.fullmatch(text):
        return Unusable(CellFault.DATE, "the date is a plain number (format the cell as a date, or write DD/MM/YYYY)")
    return _UNREADABLE


class DaysSeen:
    """Detects a report that was opened in an Excel that reads the month first, and so exchanged days and months.

    Such an Excel turns 05/11/2026 into a real 11 May, and leaves 27/11/2026 as text. So in a spoiled report all real
    dates are up to the 12th, and all text dates after it. A sound report that looks the same can't be told from it.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._seen: set[tuple[bool, bool]] = set()
        self._known: dict[Cell, date | Unusable] = {}

    def day(self, cell: Cell) -> date | Unusable:
        """`read_day` in the zone; remembers what kinds of dates it has read."""
        return self._known.get(cell) or self._read(cell)

    def _read(self, cell: Cell) -> date | Unusable:
        day = read_day(cell, self._zone)
        if isinstance(day, date):
            self._seen.add((isinstance(cell, str), day.day > LAST_MONTH))
            if len(self._known) < MOST_KNOWN:
                self._known[cell] = day
        return day

    @property
    def exchanged(self) -> bool:
        """Whether all real dates are up to the 12th and all text dates after it."""
        return self._seen == {(False, False), (True, True)}

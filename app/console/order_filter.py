"""The filter of a list of orders. It is in the address, so a filtered list can be bookmarked and sent to others."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.console.url_ids import id_in
from app.models import OrderState
from app.provisioning.order_search import Sort, Wanted
from app.provisioning.order_search_words import LONGEST_TEXT
from app.provisioning.problems import PROBLEMS

NEWEST_FIRST = "-received"
MOST_PAGES = 1_000_000
UNREADABLE_DAY = "Write the day as year-month-day, such as 2026-11-28."


@dataclass(frozen=True)
class Filter:
    """The filter as people entered it. `faults` has a sentence for each day that can't be read."""

    q: str = ""
    state: str = ""
    problem: str = ""
    plan: str = ""
    since: str = ""
    until: str = ""
    sort: str = NEWEST_FIRST
    page: int = 1

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Filter":
        """The filter in an address; a value that is none of the choices is ignored."""
        given = {name: asked.get(name, "").strip()[:LONGEST_TEXT] for name in ("q", "plan", "since", "until")}
        state, problem, sort = (asked.get(name, "") for name in ("state", "problem", "sort"))
        return cls(
            **given,
            state=state if state in set(OrderState) else "",
            problem=problem if problem in PROBLEMS else "",
            sort=sort if sort.removeprefix("-") in set(Sort) else NEWEST_FIRST,
            page=min(id_in(asked.get("page", "")) or 1, MOST_PAGES),
        )

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong with each field, by the field's name."""
        given = {"since": self.since, "until": self.until}
        return {name: UNREADABLE_DAY for name, text in given.items() if text and not _day(text)}

    @property
    def narrows(self) -> bool:
        """Whether the list is filtered by more than a text and a state."""
        return any((self.problem, self.plan, self.since, self.until))

    @property
    def is_text_alone(self) -> bool:
        """Whether the list is filtered by a text alone."""
        return bool(self.q) and self == Filter(q=self.q)

    def wanted(self, zone: ZoneInfo) -> Wanted:
        """The filter in the form that the search takes. Days are in `zone`, first and last included."""
        since, until = _day(self.since), _day(self.until)
        return Wanted(
            text=self.q,
            state=self.state or None,
            problem=self.problem or None,
            plan=self.plan or None,
            since=_begin(since, zone) if since else None,
            until=_begin(until + timedelta(days=1), zone) if until else None,
            sort=Sort(self.sort.removeprefix("-")),
            descending=self.sort.startswith("-"),
        )

    def address(self, **changed: Any) -> dict[str, Any]:
        """The address's parameters with some changed; the page is the first one unless `page` is among them."""
        other = replace(self, **{"page": 1, **changed})
        return {name: value for name, value in asdict(other).items() if value != getattr(Filter(), name)}

    def sorted_by(self, sort: str) -> dict[str, Any]:
        """The parameters of the list sorted by this column; if it is sorted by it already, in the reverse direction."""
        first = f"-{sort}" if sort == Sort.RECEIVED else sort
        turned = sort if self.sort.startswith("-") else f"-{sort}"
        return self.address(sort=turned if self.sort.removeprefix("-") == sort else first)

    def direction_of(self, sort: str) -> str:
        """The value of `aria-sort`; "" for a column that the list is not sorted by."""
        if self.sort.removeprefix("-") != sort:
            return ""
        return "descending" if self.sort.startswith("-") else "ascending"


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)

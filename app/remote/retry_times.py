"""When something that failed is tried again: after the pauses of RETRY_MINUTES, the last of which repeats."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, or_
from sqlalchemy.orm import InstrumentedAttribute

from app.models import now

LONGEST_MINUTES = 60.0


def retry_at(tries: int, minutes: Sequence[float]) -> datetime:
    """When to try again after `tries` failures (1, 2, ...); the last of `minutes` repeats."""
    return now() + timedelta(minutes=minutes[min(max(tries, 1), len(minutes)) - 1])


def longest_pause(minutes: Sequence[float]) -> timedelta:
    """The longest wait until a next try."""
    return timedelta(minutes=max(*minutes, LONGEST_MINUTES))


def due(moment: InstrumentedAttribute[datetime | None], minutes: Sequence[float]) -> ColumnElement[bool]:
    """Whether a next try is due: its time has come, or is so far off that a clock was wrong when it was set."""
    return or_(moment <= now(), moment > now() + longest_pause(minutes))


def due_as_of(moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    """The same for a statement that is built once and asked often; `moments` has its parameters."""
    return or_(moment <= bindparam("now"), moment > bindparam("latest"))


def moments(minutes: Sequence[float]) -> dict[str, datetime]:
    """The parameters of `due_as_of`."""
    moment = now()
    return {"now": moment, "latest": moment + longest_pause(minutes)}


def is_later(moment: datetime | None, minutes: Sequence[float]) -> bool:
    """Whether a next try is not due yet: the opposite of `due`, for a row that was read."""
    return moment is not None and now() < moment <= now() + longest_pause(minutes)

"""Since when each schedule is kept, so that a new schedule makes up nothing that was due before it was set."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.models import ScheduleMark, now
from app.storage.database import insert_if_new

LONGEST = 40


def kept_since(session: Session, what: str, schedule: str) -> datetime:
    """The moment from which missed work of a schedule may be made up: that of the first call with this schedule.

    `what` is the kind of work, and part of the mark's name: `digest`, `morning`, `reconcile`.
    """
    name = mark_of(what, schedule)
    mark = session.get(ScheduleMark, name)
    if mark is None:
        insert_if_new(session, ScheduleMark, "name", name=name, kept_since=now())
        mark = session.get_one(ScheduleMark, name)
    return mark.kept_since


def mark_of(what: str, schedule: str) -> str:
    """The name of a schedule's mark."""
    return f"{what} {schedule}"[:LONGEST]

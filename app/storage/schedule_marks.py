"""Since when each schedule is kept, so that a new one makes up nothing that was due before it was set."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.models import ScheduleMark, now
from app.storage.database import insert_if_new

LONGEST = 40


def kept_since(session: Session, what: str, schedule: str) -> datetime:
    """From when on what was due by a schedule may be made up: the first time that it was asked for.

    `what` is due by it, as the mark's name says: `digest`, `morning`, `reconcile`.
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

"""What people tell each other about orders. None of it changes what the system does, and none of it locks anything.

Each function works in the caller's transaction, and keeps who did it in the order's story.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.models import OnIt, Order, PutOff, now
from app.provisioning import order_search_rows, review
from app.provisioning.actions import BRING_BACK, LET_GO, NOTE, ON_IT, PUT_OFF, TAKE_OVER
from app.provisioning.causes.open_causes import is_put_off, stands
from app.provisioning.people_on_orders import IS_ON_IT

LONGEST_NOTE = 1000
"""Characters. It is shown whole, and found by the search."""
LONGEST_REASON = 200
MOST_DAYS = 30
"""How long an order can be put off at most: a customer pays for it, or would like to."""
BATCH = 500


def note(session: Session, orderref: str, by: str, text: str) -> None:
    """Keep a note on the order; raises `review.NotPossible` when there is no such order."""
    order = review.find(session, orderref)
    review.audit(session, order.id, by, NOTE, text[:LONGEST_NOTE])
    order_search_rows.keep_note(session, order.id, text[:LONGEST_NOTE])


def take(session: Session, by: str, *those: ColumnElement[bool], over: bool = False) -> None:
    """Say that `by` is on these orders; `over`: take over those that somebody else is on.

    Raises `review.NotPossible` when none of the orders needs somebody and is free to be taken.
    """
    rows = [
        row
        for row in _standing(session, ~is_put_off(), *those)
        if row.taken_by is None or (over and row.taken_by != by)
    ]
    if not rows:
        raise review.NotPossible("somebody is on it already, or it needs nobody any more")
    _remove(session, OnIt, [row.id for row in rows])
    session.add_all(OnIt(order_id=row.id, run=row.run, taken_by=by) for row in rows)
    for row in rows:
        review.audit(session, row.id, by, TAKE_OVER if row.taken_by else ON_IT)


def let_go(session: Session, by: str, *those: ColumnElement[bool]) -> None:
    """Say that `by` is no longer on these orders; raises `review.NotPossible` when they were on none."""
    rows = [row for row in _standing(session, *those) if row.taken_by == by]
    if not rows:
        raise review.NotPossible("you were not on it any more")
    _remove(session, OnIt, [row.id for row in rows])
    for row in rows:
        review.audit(session, row.id, by, LET_GO)


def near_days(today: date) -> Sequence[tuple[str, date]]:
    """The days until which people put off, in words: tomorrow, the next Monday, and a week from today."""
    monday, in_a_week, tomorrow = (today + timedelta(days=days) for days in (7 - today.weekday(), 7, 1))
    days = {monday: "Monday", in_a_week: f"{today:%A} in a week", tomorrow: "tomorrow"}
    return [(days[day], day) for day in sorted(days)]


def put_off(
    session: Session, by: str, day: date, zone: ZoneInfo, *those: ColumnElement[bool], reason: str | None = None
) -> None:
    """Leave these orders out of what needs somebody until that day begins where `zone` is; nobody is on them then.

    Raises `review.NotPossible` for a day that is none of the next `MOST_DAYS`, and when none of them needs somebody.
    """
    if not is_a_day_ahead(day, now().astimezone(zone).date()):
        raise review.NotPossible(f"the day is none of the next {MOST_DAYS}")
    rows = _standing(session, ~is_put_off(), *those)
    if not rows:
        raise review.NotPossible("it is put off already, or it needs nobody any more")
    until = datetime.combine(day, time(), zone)
    _remove(session, OnIt, [row.id for row in rows])
    _remove(session, PutOff, [row.id for row in rows])
    session.add_all(PutOff(order_id=row.id, run=row.run, until=until, put_off_by=by, reason=reason) for row in rows)
    said = f"Until {day:%A} {day.day} {day:%B}" + (f": {reason}" if reason else "")
    for row in rows:
        review.audit(session, row.id, by, PUT_OFF, said)


def bring_back(session: Session, by: str, *those: ColumnElement[bool]) -> None:
    """Let these orders need somebody at once; raises `review.NotPossible` when none of them is put off."""
    rows = _standing(session, is_put_off(), *those)
    if not rows:
        raise review.NotPossible("it is not put off any more")
    _remove(session, PutOff, [row.id for row in rows])
    for row in rows:
        review.audit(session, row.id, by, BRING_BACK)


def is_a_day_ahead(day: date, today: date) -> bool:
    """Whether an order can be put off until then."""
    return timedelta() < day - today <= timedelta(days=MOST_DAYS)


def _standing(session: Session, *those: ColumnElement[bool]) -> Sequence[Any]:
    """Those of these orders that need somebody, and who is on each. Their rows are locked: people come one by one."""
    rows = select(Order.id, Order.run, OnIt.taken_by).outerjoin(OnIt, IS_ON_IT).where(*stands(), *those)
    return session.execute(rows.order_by(Order.id).with_for_update(of=Order)).all()


def _remove(session: Session, model: type[OnIt | PutOff], order_ids: Sequence[int]) -> None:
    for first in range(0, len(order_ids), BATCH):
        those = model.order_id.in_(order_ids[first : first + BATCH])
        session.execute(delete(model).where(those).execution_options(synchronize_session=False))

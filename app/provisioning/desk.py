"""What people tell each other about orders. None of it changes what the system does, and none of it locks anything.

Each function works in the caller's transaction, and keeps who did it in the order's story.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.models import OnIt, Order, OrderDecision
from app.provisioning import review, search
from app.provisioning.actions import LET_GO, NOTE, ON_IT, TAKE_OVER, Action
from app.provisioning.attention import IS_ON_IT
from app.provisioning.causes.standing import stands

LONGEST_NOTE = 1000
"""Characters. It is shown whole, and found by the search."""
BATCH = 500


def note(session: Session, orderref: str, by: str, text: str) -> None:
    """Keep a note on the order; raises `review.NotPossible` when there is no such order."""
    order = review.find(session, orderref)
    review.audit(session, order, by, NOTE, text[:LONGEST_NOTE])
    search.keep_note(session, order.id, text[:LONGEST_NOTE])


def take(session: Session, by: str, *those: ColumnElement[bool], over: bool = False) -> None:
    """Say that somebody is on these orders; `over`: also where somebody else is.

    Raises `review.NotPossible` when there is none that needs somebody and that nobody is on.
    """
    rows = [row for row in _standing(session, *those) if row.taken_by is None or (over and row.taken_by != by)]
    if not rows:
        raise review.NotPossible("somebody is on it already, or it needs nobody any more")
    _replace(session, OnIt, [OnIt(order_id=row.id, run=row.run, taken_by=by) for row in rows])
    for row in rows:
        _keep(session, row.id, by, TAKE_OVER if row.taken_by else ON_IT)


def let_go(session: Session, by: str, *those: ColumnElement[bool]) -> None:
    """Say that somebody is no longer on these orders; raises `review.NotPossible` when they were on none."""
    rows = [row for row in _standing(session, *those) if row.taken_by == by]
    if not rows:
        raise review.NotPossible("you were not on it any more")
    _remove(session, OnIt, [row.id for row in rows])
    for row in rows:
        _keep(session, row.id, by, LET_GO)


def _standing(session: Session, *those: ColumnElement[bool]) -> Sequence[Any]:
    """The orders among these that need somebody, with who is on each; locked, so that two people come one by one."""
    rows = select(Order.id, Order.run, OnIt.taken_by).outerjoin(OnIt, IS_ON_IT).where(*stands(), *those)
    return session.execute(rows.order_by(Order.id).with_for_update(of=Order)).all()


def _replace(session: Session, model: type[OnIt], rows: Sequence[OnIt]) -> None:
    _remove(session, model, [row.order_id for row in rows])
    session.add_all(rows)


def _remove(session: Session, model: type[OnIt], order_ids: Sequence[int]) -> None:
    for part in _parts(order_ids):
        session.execute(delete(model).where(model.order_id.in_(part)).execution_options(synchronize_session=False))


def _parts(order_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(order_ids), BATCH):
        yield order_ids[first : first + BATCH]


def _keep(session: Session, order_id: int, by: str, action: Action, note: str | None = None) -> None:
    session.add(OrderDecision(order_id=order_id, made_by=by, action=action.kept_as, note=note))

"""Who is on the orders that need somebody, as it stands now. Data out; what people say is in `teamwork`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from app.models import STANDING, OnIt, Order
from app.provisioning.actions import LET_GO, ON_IT, TAKE_OVER, Action
from app.provisioning.causes.open_causes import stands

IS_ON_IT = and_(OnIt.order_id == Order.id, OnIt.run == Order.run, Order.state.in_(STANDING))
"""An `OnIt` row counts for the order's current run only. An order that went on has another run, or another state."""


@dataclass(frozen=True)
class Hand:
    """Somebody who is on orders: how many of them, and since when."""

    by: str
    count: int
    since: datetime


def hands_on(session: Session, *those: ColumnElement[bool]) -> Mapping[str, Sequence[Hand]]:
    """Who is on the orders of each cause, by cause; the one who came first is listed first."""
    columns = (Order.cause, OnIt.taken_by, func.count(), func.min(OnIt.taken_at).label("since"))
    rows = select(*columns).join(OnIt, IS_ON_IT).where(*stands(), *those).group_by(Order.cause, OnIt.taken_by)
    found: dict[str, list[Hand]] = {}
    for cause, by, count, since in session.execute(rows.order_by("since")):
        found.setdefault(str(cause), []).append(Hand(by, count, since))
    return found


def offered(hands: Sequence[Hand], count: int, by: str) -> Sequence[Action]:
    """What somebody can say of `count` orders with these hands on them."""
    mine = sum(hand.count for hand in hands if hand.by == by)
    free = count - sum(hand.count for hand in hands)
    to_take = [ON_IT] if free > 0 else [TAKE_OVER] if mine < count else []
    return [*to_take, *([LET_GO] if mine else [])]

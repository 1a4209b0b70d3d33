"""What people put off until a day: orders that need somebody, and not before. They come back by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from app.models import STANDING, Order, PutOff, now
from app.provisioning.causes.cause import Cause
from app.provisioning.causes.open_causes import Who, cause_with, orders_that_stand, stands

LISTED = 20
MOST = 50
IS_ITS_ROW = and_(PutOff.order_id == Order.id, PutOff.run == Order.run, Order.state.in_(STANDING))
GROUPED = (Order.cause, PutOff.until, PutOff.put_off_by, PutOff.reason)


@dataclass(frozen=True)
class PutAway:
    """Orders of a cause that somebody put off until the same day, for the same reason; `newest` is the last id."""

    cause: Cause
    until: datetime
    by: str
    reason: str | None
    count: int
    newest: int
    orders: Sequence[Who]

    @property
    def title(self) -> str:
        """In words: `46 orders wait for the plan 2.5 Gbps`."""
        return self.cause.title(self.count)


@dataclass(frozen=True)
class HowMany:
    """How many orders are put off, and until when the first and the last of them."""

    count: int
    first: datetime | None
    last: datetime | None


def how_many(session: Session) -> HowMany:
    """How many orders are put off, and need nobody yet."""
    columns = (func.count(), func.min(PutOff.until), func.max(PutOff.until))
    return HowMany(*session.execute(_those(*columns)).one())


def put_off(session: Session, *those: ColumnElement[bool], listed: int = LISTED) -> list[PutAway]:
    """What is put off; what comes back first is at the top."""
    first, newest = func.min(Order.id).label("first"), func.max(Order.id).label("newest")
    rows = _those(*GROUPED, func.count().label("count"), first, newest).where(*those).group_by(*GROUPED)
    found = session.execute(rows.order_by(PutOff.until, "first").limit(MOST)).all()
    return [_put_away(session, row._asdict(), listed) for row in found]


def _those(*columns: Any) -> Any:
    return select(*columns).select_from(Order).join(PutOff, IS_ITS_ROW).where(*stands(), PutOff.until > now())


def _put_away(session: Session, row: dict[str, Any], listed: int) -> PutAway:
    cause = cause_with(row["cause"], session.get_one(Order, row["first"]))
    same = [column.is_not_distinct_from(row[column.key]) for column in GROUPED]
    ids = select(Order.id).join(PutOff, IS_ITS_ROW).where(*same)
    orders = list(orders_that_stand(session, Order.id.in_(ids), listed=listed))
    return PutAway(cause, row["until"], row["put_off_by"], row["reason"], row["count"], row["newest"], orders)

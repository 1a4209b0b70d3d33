"""The causes that stand: one for all orders that need a person for the same reason, and who they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from app.models import STANDING, Order, OrderSearch, PutOff, now
from app.provisioning.causes.cause import EXISTS, Cause, cause_of, fingerprint
from app.provisioning.problems import PROGRAM_FAULT
from app.storage.database import Database

LISTED = 50
BATCH = 500


@dataclass(frozen=True)
class Who:
    """An order that stands, with whom it is for; `run` is the one that a decision is about."""

    orderref: str
    run: int
    person: str
    address: str
    reason: str
    since: datetime | None


@dataclass(frozen=True)
class OpenCause:
    """A cause with how many orders it stops, since when, and the longest waiting of them. `newest` is the last id."""

    cause: Cause
    count: int
    since: datetime | None
    newest: int
    reason: str
    orders: Sequence[Who]

    @property
    def title(self) -> str:
        """In words: `46 orders wait for the plan 2.5 Gbps`."""
        return self.cause.title(self.count)

    @property
    def slug(self) -> str:
        """For an id in a page."""
        return fingerprint(self.cause.key)

    @property
    def left_out(self) -> int:
        """How many orders are not in `orders`."""
        return self.count - len(self.orders)


def open_causes(
    session: Session, *those: ColumnElement[bool], listed: int = LISTED, also_put_off: bool = False
) -> list[OpenCause]:
    """The causes that need a person, the one that stops most orders first; of each, `listed` orders by name.

    Orders that are put off need nobody yet, and are left out unless `also_put_off`.
    """
    those = those if also_put_off else (*those, ~is_put_off())
    first, newest = func.min(Order.id).label("first"), func.max(Order.id).label("newest")
    since = func.min(Order.stopped_at).label("since")
    columns = (Order.cause, func.count().label("count"), since, first, newest)
    groups = select(*columns).where(*stands(), *those).group_by(Order.cause)
    found = [_standing(session, group._asdict(), listed, those) for group in session.execute(groups)]
    return sorted(found, key=lambda one: (-one.count, one.since or now()))


def open_cause_of(session: Session, key: str, *, listed: int = LISTED, also_put_off: bool = False) -> OpenCause | None:
    """The cause with this key; None when no order stands for it any more."""
    found = open_causes(session, Order.cause == key, listed=listed, also_put_off=also_put_off)
    return next(iter(found), None)


def next_of(session: Session, key: str, after: str = "") -> str | None:
    """The order of a cause that comes next after the order `after`, the longest waiting first; None after the last."""
    came = select(Order.id).filter_by(orderref=after).scalar_subquery()
    those = select(Order.orderref).where(
        Order.cause == key, *stands(), ~is_put_off(), Order.id > func.coalesce(came, 0)
    )
    return session.scalar(those.order_by(Order.id).limit(1))


def needed(session: Session) -> int:
    """How many causes need a person."""
    return session.scalar(select(func.count(Order.cause.distinct())).where(*stands(), ~is_put_off())) or 0


def stands() -> Sequence[ColumnElement[bool]]:
    """The condition for an order that needs a person, and has a cause."""
    return (Order.cause.is_not(None), Order.state.in_(STANDING))


def is_put_off() -> ColumnElement[bool]:
    """The condition for an order that is put off until a day to come. An order that went on is put off no more."""
    return exists().where(PutOff.order_id == Order.id, PutOff.run == Order.run, PutOff.until > now())


def _standing(session: Session, group: dict[str, Any], listed: int, those: Sequence[ColumnElement[bool]]) -> OpenCause:
    key, order = group["cause"], session.get_one(Order, group["first"])
    cause = cause_with(key, order)
    who = list(orders_that_stand(session, Order.cause == key, *those, listed=listed))
    return OpenCause(cause, group["count"], group["since"], group["newest"], order.reason or "", who)


def cause_with(key: str, order: Order) -> Cause:
    """The cause with this key, as one of its orders has it."""
    return replace(cause_of(order) or Cause("", EXISTS), key=key)


def orders_that_stand(session: Session, *those: ColumnElement[bool], listed: int) -> Iterator[Who]:
    """Some of these orders, the first one first."""
    columns = (Order.orderref, Order.run, OrderSearch.person, OrderSearch.address, Order.reason, Order.stopped_at)
    rows = (
        select(*columns)
        .outerjoin(OrderSearch, OrderSearch.order_id == Order.id)
        .where(*stands(), *those)
        .order_by(Order.id)
        .limit(listed)
    )
    for orderref, run, person, address, reason, since in session.execute(rows):
        yield Who(orderref, run, person or "", address or "", reason or "", since)


def backfill(database: Database) -> None:
    """Write the cause of orders that stopped before causes were kept."""
    while True:
        with database.write() as session:
            without = select(Order).where(Order.state.in_(STANDING), Order.cause.is_(None)).limit(BATCH)
            orders = session.scalars(without).all()
            for order in orders:
                cause = cause_of(order)
                order.cause, order.stopped_at = cause.key if cause else PROGRAM_FAULT.code, order.updated_at
        if not orders:
            return

"""Plans whose number is on trial: one order shows whether PowerCode takes it, and the others follow or wait.

A number that was typed wrong makes one customer then, and not one for each order. Everything here is rows, in the
caller's transaction; `causes.trial_orders` goes on with the orders.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from app.models import FIRST_ORDER, Order, OrderState, PlanTrial, now
from app.provisioning.plans.mapping import plan_key
from app.storage.database import Database, connection_of

ANY = select(PlanTrial.__table__.c.key).limit(1)
"""Built once, and on the table: each order asks it."""
FOLLOWS: Sequence[ColumnElement[bool]] = (Order.cause.is_not(None), Order.state == OrderState.WAITING)
"""The condition for orders that wait for another order's plan: no other waiting order has a cause."""


def begin(session: Session, description: str, service_id: int, by: str) -> None:
    """The plan's number is new: the next order that has it shows whether PowerCode takes it."""
    end(session, description)
    name = " ".join(description.split())
    session.add(PlanTrial(key=plan_key(description), description=name, service_id=service_id, begun_by=by))
    session.flush()


def end(session: Session, description: str) -> None:
    """The plan's number is proven, or it has none any more."""
    session.execute(delete(PlanTrial).where(PlanTrial.key == plan_key(description)))


def of(session: Session, keys: Collection[str]) -> list[PlanTrial]:
    """The trials of these plans."""
    return list(session.scalars(select(PlanTrial).where(PlanTrial.key.in_(keys)).order_by(PlanTrial.key)))


def are_any(session: Session) -> bool:
    """Whether any plan is on trial."""
    return connection_of(session).scalar(ANY) is not None


def blocking(database: Database, order: Order, descriptions: Iterable[str]) -> Mapping[str, str]:
    """The plans that another order shows first: names by key. A plan that no order shows yet is taken by `order`."""
    keys = {plan_key(name) for name in descriptions}
    with database.write() as session:
        free = update(PlanTrial).where(PlanTrial.key.in_(keys), PlanTrial.first_order_id.is_(None))
        session.execute(free.values(first_order_id=order.id))
        return {trial.key: trial.description for trial in of(session, keys) if trial.first_order_id != order.id}


def hold(session: Session, cause: str, reason: str) -> None:
    """Let all orders that stand for the cause wait for the one that goes first."""
    follows = {"state": OrderState.WAITING, "waiting_for": FIRST_ORDER, "next_try_at": None, "waiting_since": None}
    held = update(Order).where(Order.cause == cause, Order.state == OrderState.NEEDS_REVIEW)
    session.execute(held.values(**follows, reason=reason, actions=[], updated_at=now()))

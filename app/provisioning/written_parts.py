"""What of an order is in PowerCode, or may be: told by its steps."""

from collections.abc import Iterable
from typing import Any, Protocol

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.orm import Session, load_only, selectinload

from app.models import CustomerWrite, Order, OrderState, OrderStep, StepState
from app.provisioning.actions import CUSTOMER
from app.provisioning.plans.mapping import plans_in
from app.storage.database import connection_of, one_at_a_time

INTENT_LOCK = 5050_447
"""Held by a transaction that decides whether a person's write after the account is sent, and keeps its intent."""
GIVEN_PLAN = "plan"
"""The kind of such a write that adds a plan."""


def has_written(session: Session, order: Order) -> bool:
    """Whether something of this order is, or may be, in PowerCode."""
    sent = select(OrderStep.id).where(
        OrderStep.order_id == order.id,
        OrderStep.sent_at.is_not(None),
        OrderStep.state.in_((StepState.RUNNING, StepState.UNKNOWN, StepState.DONE)),
    )
    return session.scalar(sent.limit(1)) is not None


def refused_step(session: Session, order: Order) -> OrderStep | None:
    """The plan's or the ticket's step that PowerCode refused last, and that the order stopped at."""
    is_either = OrderStep.name.like("plan:%") | (OrderStep.name == "ticket")
    refused = select(OrderStep).where(OrderStep.order_id == order.id, OrderStep.state == StepState.REFUSED, is_either)
    return session.scalar(refused.order_by(OrderStep.id.desc()).limit(1))


class StepTold(Protocol):
    """What tells how far an order came: its `OrderStep`, or a row with so much of it."""

    name: str
    state: str
    result: Any


def was_settled_as(step: StepTold | None) -> str | None:
    """`by_hand` or `without_it`, where a person said so of what PowerCode refused; the step counts as done then."""
    return step.result.get(SETTLED) if step is not None and isinstance(step.result, dict) else None


SETTLED = "settled"


WRITES = CustomerWrite.__table__
PLANS_GIVEN = select(WRITES.c.id, WRITES.c.content).where(
    WRITES.c.customer_id == bindparam("customer_id"),
    WRITES.c.kind == GIVEN_PLAN,
    or_(*(WRITES.c.state == state for state in (StepState.RUNNING, StepState.UNKNOWN, StepState.DONE))),
    WRITES.c.id > bindparam("asked"),
)
"""Built once, and on the table: asked before each plan of each order."""

ONCE_MORE = "once_more"
"""In an order's decision: for a plan that a person said is not there, the newest write that the customer had then."""


def newest_write(session: Session, customer_id: str | None) -> int:
    """The number of the newest write that people sent for a customer, 0 for none."""
    return session.scalar(select(func.max(CustomerWrite.id)).filter_by(customer_id=customer_id)) or 0


def given_by_hand(session: Session, order: Order, service_id: int) -> CustomerWrite | None:
    """A plan that a person gave the order's customer apart from the order, or may have, and was not asked about."""
    asked = (order.decision or {}).get(ONCE_MORE, {}).get(f"plan:{service_id}", 0)
    one_at_a_time(session, INTENT_LOCK)
    given = connection_of(session).execute(PLANS_GIVEN, {"customer_id": order.customer_id, "asked": asked})
    ours = [row.id for row in given if row.content.get("service_id") == str(service_id)]
    return session.get(CustomerWrite, ours[0]) if ours else None


def doubtful_step(session: Session, order: Order) -> OrderStep | None:
    """The step whose outcome nobody could look up: the last one that was sent and not confirmed."""
    return session.scalar(
        select(OrderStep)
        .where(
            OrderStep.order_id == order.id,
            OrderStep.state.in_((StepState.UNKNOWN, StepState.RUNNING)),
            OrderStep.sent_at.is_not(None),
        )
        .order_by(OrderStep.sent_at.desc())
        .limit(1)
    )


def was_forgotten_half_done(session: Session, order: Order) -> bool:
    """Whether its contract was erased after something of it was written: nothing tells any more what is missing."""
    return order.state in (OrderState.EXISTS, OrderState.DISMISSED) and (
        order.contract is None and has_written(session, order)
    )


def joined_customer(order: Order, steps: Iterable[StepTold] | None = None) -> str | None:
    """The customer, named by a person, whom a completed order was added to; None when an account was made for it."""
    if order.state != OrderState.COMPLETED:
        return None
    results = {step.name: step.result for step in (order.steps if steps is None else steps)}
    found = results.get("find_customer")
    named = found.get("customer_id") if isinstance(found, dict) else None
    is_new = "create_customer" in results or order.decision.get("new_account")
    return None if is_new else named or order.decision.get(CUSTOMER.kept_as)


def added_to_customers(session: Session, *those: ColumnElement[bool]) -> list[Order]:
    """Of the orders that `those` are true of, the completed ones for which no account was made."""
    made = select(OrderStep.id).where(OrderStep.order_id == Order.id, OrderStep.name == "create_customer").exists()
    of_steps = selectinload(Order.steps).load_only(OrderStep.order_id, OrderStep.name, OrderStep.result)
    orders = select(Order).where(Order.state == OrderState.COMPLETED, ~made, *those)
    read = orders.options(load_only(Order.state, Order.decision, Order.finished_at), of_steps)
    return [order for order in session.scalars(read) if joined_customer(order)]


def was_to_be_created(session: Session, order: Order) -> bool:
    """Whether a customer whom a person names was made for this order, and gets what every new account gets."""
    creating = select(OrderStep.id).filter_by(order_id=order.id, name="create_customer")
    return bool(order.decision.get("new_account")) or session.scalar(creating) is not None


def plan_named(order: Order, step: str) -> str:
    """The plan of a step, in words: `1 Gbps (164)`; `of service 164` when its name is not known any more."""
    number = int(step.partition(":")[2])
    names = {plan.service_id: str(plan) for plan in plans_in(order.account, "renumbered", "plans", "additional")}
    return names.get(number, f"of service {number}")

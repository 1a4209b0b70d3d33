"""How an order changes its state: each function works in the caller's transaction.

An order's new state, the start of its workflow, and the notice about it are always one commit.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.orm import Session

from app import notices
from app.durable.work_queue import BEHIND, FIRST, WorkQueue
from app.models import (
    AT_WORK,
    FIRST_ORDER,
    STANDING,
    EventKind,
    NoticeKind,
    Order,
    OrderState,
    OrderStep,
    StepState,
    now,
)
from app.provisioning import order_search_rows, order_waits
from app.provisioning.causes import cause_mails
from app.provisioning.causes.cause import Cause, cause_of
from app.provisioning.order_events import tell
from app.provisioning.plans import remapping
from app.provisioning.problems import PROGRAM_FAULT
from app.provisioning.run_endings import CustomerExists, Follows, NeedsReview, Stop, Waits
from app.provisioning.written_parts import has_written
from app.services import Services

QUEUE_OF_STAGE = {"order": "utopia", "account": "powercode"}
"""Each stage works through one remote system, so that a slow one does not hold up the other's orders."""

NEW = timedelta(minutes=1)
"""An order that came in within this time goes first: after an outage, thousands may have waited."""


def workflow_id(order: Order) -> str:
    """The engine's idempotency key: `order-<orderref>` for the first run, with the run's number from then on."""
    return workflow_id_of(order.stage, order.orderref, order.run)


def workflow_id_of(stage: str, orderref: str, run: int) -> str:
    """The same, before there is an order."""
    return f"{stage}-{orderref}" + (f"#{run}" if run > 1 else "")


def enqueue(work_queue: WorkQueue, session: Session, order: Order | Row[Any]) -> None:
    """Start the order's current stage when the transaction commits; one that just came in goes before the others.

    A row has the order's `stage`, `orderref`, `run` and `received_at`.
    """
    queue, is_new = QUEUE_OF_STAGE[order.stage], now() - order.received_at < NEW
    workflow_id = workflow_id_of(order.stage, order.orderref, order.run)
    arguments = (order.stage, workflow_id, queue, order.orderref, order.run)
    work_queue.enqueue(session, *arguments, priority=FIRST if is_new else BEHIND)


def current(session: Session, orderref: str, run: int) -> Order | None:
    """The order, if this run is still the one that may work on it."""
    order = session.scalar(select(Order).filter_by(orderref=orderref))
    if order is None or order.run != run or order.state not in AT_WORK:
        return None
    return order


def next_run(services: Services, session: Session, order: Order, *, state: OrderState = OrderState.RUNNING) -> None:
    """Start the order's stage again; steps that are done stay done.

    As long as nothing is written, we look for the customer again: somebody may have made one meanwhile.
    """
    if not has_written(session, order):
        found = delete(OrderStep).filter_by(order_id=order.id, name="find_customer", state=StepState.DONE)
        session.execute(found)
    order.run += 1
    order.state, order.next_try_at, order.finished_at = state, None, None
    order.problem, order.reason, order.actions = None, None, []
    order.cause = order.stopped_at = None
    order.tried_at = now()
    session.flush()
    enqueue(services.work_queue, session, order)


def stop(services: Services, session: Session, order: Order, why: Stop) -> None:
    """End the order's run: it waits, needs a person, or is finished without an account."""
    if isinstance(why, Waits):
        why = order_waits.begin(services, session, order, why) or why
    if not isinstance(why, Waits):
        order_waits.end(order)
    order.state, order.reason = why.state, why.reason
    order.problem, order.actions = None, []
    order.cause = order.stopped_at = None
    for column, value in why.changes.items():
        setattr(order, column, value)
    match why:
        case Follows():
            order.waiting_for, order.stopped_at = FIRST_ORDER, now()
        case NeedsReview():
            order.problem, order.actions = why.problem.code, why.actions
            cause_mails.tell(services, session, order, _stands(order))
        case CustomerExists():
            order.customer_id = why.customer_id
            _stands(order)
            exists = f"{NoticeKind.CUSTOMER_EXISTS}:{order.orderref}"
            notices.record(services.work_queue, session, NoticeKind.CUSTOMER_EXISTS, exists, order)
    if order.state not in (OrderState.WAITING, OrderState.NEEDS_REVIEW):
        order.finished_at = now()
    if order.state in STANDING:
        tell(services, session, EventKind.ORDER_NEEDS_REVIEW, order)
    order_search_rows.keep(session, order)


def _stands(order: Order) -> Cause:
    """Mark that the order needs a person from now on, for a cause that it may share with other orders."""
    cause = cause_of(order) or Cause(PROGRAM_FAULT.code, PROGRAM_FAULT)
    order.cause, order.stopped_at = cause.key, now()
    return cause


def completion() -> dict[str, Any]:
    """The new values of an order whose account, plans, ticket and tags are done."""
    over = dict.fromkeys(("reason", "problem", "cause", "stopped_at"))
    return {"state": OrderState.COMPLETED, "finished_at": now(), **over, **order_waits.NOTHING}


def tell_completion(services: Services, session: Session, order: Order) -> None:
    """Tell staff, and other programs, that the order is completed."""
    key = f"{NoticeKind.ACCOUNT_CREATED}:{order.orderref}"
    notices.record(services.work_queue, session, NoticeKind.ACCOUNT_CREATED, key, order)
    tell(services, session, EventKind.ORDER_COMPLETED, order)


def start_over(services: Services, session: Session, order: Order) -> None:
    """Start again with fetching the contract; for an order that has written nothing to PowerCode."""
    session.execute(delete(OrderStep).filter_by(order_id=order.id))
    order.stage, order.reason, order.remarks = "order", None, []
    next_run(services, session, order, state=OrderState.RECEIVED)


def go_on(services: Services, session: Session, order: Order) -> None:
    """Go on where the order stopped, with the numbers that hold now; start over if nothing of it is in PowerCode."""
    order_waits.end(order)
    if not has_written(session, order):
        start_over(services, session, order)
        return
    if order.problem in remapping.REFUSED:
        remapping.renew(services, session, order)
    next_run(services, session, order)

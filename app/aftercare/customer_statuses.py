"""Reads the status of each completed order's customer until the customer is active.

One call at a time, a few customers in a batch, and none while an order is at work in PowerCode: this is never urgent.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

import powercode
import utopia
from app.aftercare.routers import router_in
from app.aftercare.switches import ACTIVATION
from app.durable import engine
from app.models import Billing, CustomerStatus, Order, OrderSearch, OrderState, RouterSeen, System, now
from app.people import audit
from app.provisioning.run_endings import stop_for
from app.remote import breaker, retry_times
from app.services import Services
from app.storage.database import connection_of, insert_if_new, rows_changed

log = logging.getLogger(__name__)

BILLED = ("active", "delinquent")
"""PowerCode bills customers with one of these (reference: updateCustomerStatus)."""
FIRST_AFTER = timedelta(hours=1)
EVERY = timedelta(hours=24)
AGAIN_AFTER = timedelta(hours=1)
"""The pause after a reading that failed."""
BATCH = 20
TAKEN_UP_AT_A_TIME = 500
ENOUGH_FAILURES = 3
"""After this many failures in a row, the rest waits for the next batch."""

IS_OPEN = and_(CustomerStatus.billing != Billing.ACTIVE, CustomerStatus.put_aside_at.is_(None))
"""The customer is not active, as far as is known, and nobody put them aside."""
IS_DUE = and_(IS_OPEN, retry_times.due_as_of(CustomerStatus.next_read_at))
"""The next reading is due, or its time is so far ahead that the clock must have been wrong when it was set."""
ANY_DUE = select(CustomerStatus.__table__.c.customer_id).where(IS_DUE).limit(1)
"""Built once: it is asked every few seconds."""


@dataclass(frozen=True)
class Inactive:
    """A customer whose account was made and who is not active yet, with their order."""

    status: CustomerStatus
    order: Order
    found: OrderSearch | None


# Listing


def inactive(session: Session, limit: int = 500) -> Sequence[Inactive]:
    """The customers who are not active yet, the oldest accounts first."""
    listed = _WITH_ORDERS.where(_IS_LISTED).order_by(Order.finished_at, Order.id).limit(limit)
    return [Inactive(*row) for row in session.execute(listed)]


def count(session: Session) -> int:
    """How many these are."""
    return session.scalar(select(func.count()).select_from(CustomerStatus).where(_IS_LISTED)) or 0


_WITH_ORDERS = (
    select(CustomerStatus, Order, OrderSearch)
    .join(Order, Order.id == CustomerStatus.order_id)
    .outerjoin(OrderSearch, OrderSearch.order_id == Order.id)
)
_IS_LISTED = and_(IS_OPEN, or_(CustomerStatus.billing != Billing.UNREAD, CustomerStatus.error.is_not(None)))
"""One who could not be read is listed too, as "can't tell"."""


def of_order(session: Session, orderref: str) -> Inactive | None:
    """The customer of an order, if they are not active."""
    row = session.execute(_WITH_ORDERS.where(Order.orderref == orderref, IS_OPEN)).first()
    return Inactive(*row) if row else None


def unread(session: Session) -> int:
    """How many customers are due to be read."""
    due = select(func.count()).select_from(CustomerStatus).where(IS_DUE)
    return session.scalar(due, _moments()) or 0


def put_aside(session: Session, customer_id: str, by: str) -> bool:
    """Put aside a customer who is not to be active; False when they are not in the list any more."""
    mine = update(CustomerStatus).where(CustomerStatus.customer_id == customer_id, IS_OPEN)
    if not rows_changed(session, mine.values(put_aside_at=now(), put_aside_by=by[:80])):
        return False
    audit.record(session, by, "customer left inactive", f"customer {customer_id}")
    return True


def ask(session: Session) -> None:
    """Make everybody in the list due for reading; they are read batch by batch."""
    session.execute(update(CustomerStatus).where(IS_OPEN).values(next_read_at=now()))


# Reading


def take_up(services: Services) -> int:
    """Add the customers of orders completed since the last time; returns how many."""
    if not ACTIVATION.is_on(services.settings):
        return 0
    here = exists().where(CustomerStatus.customer_id == Order.customer_id)
    completed = (Order.state == OrderState.COMPLETED, Order.finished_at < now() - FIRST_AFTER)
    theirs = select(Order.customer_id, func.max(Order.id)).where(*completed, Order.customer_id.is_not(None), ~here)
    newest = theirs.group_by(Order.customer_id)
    with services.database.read() as session:
        found = session.execute(newest.limit(TAKEN_UP_AT_A_TIME)).all()
    if found:
        with services.database.write(repeatable=True) as session:
            for customer_id, order_id in found:
                insert_if_new(session, CustomerStatus, "customer_id", customer_id=customer_id, order_id=order_id)
    return len(found)


def read_due(services: Services) -> int:
    """Read a batch of due customers; returns how many were read. Each status is committed as soon as it is read."""
    if not ACTIVATION.is_on(services.settings):
        return 0
    with services.database.read() as session:
        if connection_of(session).scalar(ANY_DUE, _moments()) is None:
            return 0
        if breaker.is_down(session, System.POWERCODE) or _is_busy(session):
            return 0
        due = select(CustomerStatus.customer_id, Order.site_id).join(Order, Order.id == CustomerStatus.order_id)
        # Those who were read longest ago first: somebody may ask for all of them again and again.
        in_turn = (CustomerStatus.next_read_at, CustomerStatus.read_at.is_not(None), CustomerStatus.read_at)
        batch = session.execute(due.where(IS_DUE).order_by(*in_turn).limit(BATCH), _moments()).all()
    failures = 0
    for done, (customer_id, site_id) in enumerate(batch):
        if engine.is_stopping() or failures >= ENOUGH_FAILURES:
            return done
        told = _read(services, customer_id, site_id)
        _keep(services, customer_id, told)
        failures = failures + 1 if told["error"] else 0
    return len(batch)


def read_now(services: Services, customer_id: str) -> None:
    """Read one customer at once, after somebody changed something about them."""
    with services.database.read() as session:
        status = session.get(CustomerStatus, customer_id)
        site_id = session.scalar(select(Order.site_id).filter_by(id=status.order_id)) if status else None
    if status is not None:
        _keep(services, customer_id, _read(services, customer_id, site_id))


def _moments() -> dict[str, datetime]:
    """The parameters of `IS_DUE`."""
    moment = now()
    return {"now": moment, "latest": moment + 2 * EVERY}


def _is_busy(session: Session) -> bool:
    """Whether an order is at work in PowerCode; orders go first."""
    at_work = select(Order.id).where(Order.state == OrderState.RUNNING, Order.stage == "account")
    return session.scalar(at_work.limit(1)) is not None


def _keep(services: Services, customer_id: str, told: dict[str, Any]) -> None:
    with services.database.write(repeatable=True) as session:
        session.execute(update(CustomerStatus).filter_by(customer_id=customer_id).values(told))


def _read(services: Services, customer_id: str, site_id: str | None) -> dict[str, Any]:
    """The columns that a reading changes."""
    moment = now()
    try:
        customer = services.powercode.read_customer(customer_id=customer_id)
    except powercode.PowerCodeError as error:
        return {"error": stop_for(error).reason, "next_read_at": moment + AGAIN_AFTER}
    billing = billing_of(customer, customer_id)
    status = customer.status[:40] if customer else ""
    read = {"billing": billing, "status": status, "read_at": moment, "next_read_at": moment + EVERY, "error": None}
    if billing is Billing.ACTIVE:
        return {**read, "next_read_at": None}
    return {**read, **_router(services, site_id)}


def billing_of(customer: powercode.Customer | None, customer_id: str) -> Billing:
    """Whether the customer is billed, by their record."""
    known = customer is not None and customer.customer_id == customer_id
    return billing_in(customer.status) if customer and known else Billing.CANT_TELL


def billing_in(status: str) -> Billing:
    """Whether a customer with this status of PowerCode's is billed."""
    if not status:
        return Billing.CANT_TELL
    return Billing.ACTIVE if status.casefold() in BILLED else Billing.NOT_ACTIVE


def _router(services: Services, site_id: str | None) -> dict[str, Any]:
    """The router, by UTOPIA. An error here doesn't affect PowerCode's answer; while UTOPIA is down, it is not asked."""
    with services.database.read() as session:
        is_down = breaker.is_down(session, System.UTOPIA)
    seen, mac = RouterSeen.CANT_TELL, None
    if site_id and not is_down:
        with suppress(utopia.UtopiaError):
            seen, mac = router_in(services.utopia.ap_view(site_id))
    return {"router": seen, "router_mac": mac}

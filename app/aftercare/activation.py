"""Making a customer active: a person decides, as it starts billing."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.aftercare import customer_statuses, writes
from app.aftercare.writes import IN_DOUBT, Intent, WriteKind
from app.models import Billing, CustomerStatus, CustomerWrite, System, now
from app.services import Services

ACTIVE = "Active"
WHAT_IT_DOES = (
    "PowerCode makes this customer Active. From then on they are billed: only active customers are, and the first "
    "activation can write an invoice and starts prorated charges. No call takes that back."
)


def _send(services: Services, write: CustomerWrite) -> str:
    return services.powercode.update_customer_status(str(write.customer_id), ACTIVE)


def _is_active(services: Services, write: CustomerWrite) -> bool | None:
    """Whether the customer is active, by the status that PowerCode shows now."""
    customer_id = str(write.customer_id)
    billing = customer_statuses.billing_of(services.powercode.read_customer(customer_id=customer_id), customer_id)
    return None if billing is Billing.CANT_TELL else billing is Billing.ACTIVE


def _read_again(session: Session, write: CustomerWrite) -> None:
    """Have the status read again, so that the list shows it at once, also when the outcome is learnt later."""
    session.execute(update(CustomerStatus).filter_by(customer_id=write.customer_id).values(next_read_at=now()))


ACTIVATE = WriteKind(
    "activate", System.POWERCODE, lambda _write: "Make the customer active", _send, _is_active, done=_read_again
)


def last_try(session: Session, customer_id: str) -> int:
    """The number of the last attempt to activate this customer, 0 for none; it is part of the next attempt's key."""
    mine = select(func.max(CustomerWrite.id)).filter_by(customer_id=customer_id, kind=ACTIVATE.code)
    return session.scalar(mine) or 0


def under_way(session: Session, customer_id: str) -> CustomerWrite | None:
    """An activation whose outcome is not known yet."""
    mine = select(CustomerWrite).filter_by(customer_id=customer_id, kind=ACTIVATE.code)
    return session.scalars(mine.where(CustomerWrite.state.in_(IN_DOUBT))).first()


def activate(services: Services, one: customer_statuses.Inactive, by: str, seen: int) -> CustomerWrite | None:
    """Make the customer active, once, and read the status back. `seen` is the last attempt that the person saw.

    None when somebody else tried meanwhile. When it raises `lookups.remote_requests.NotAnswered`, nothing was written.
    """
    customer_id = one.status.customer_id
    intent = Intent(f"activate:{customer_id}:{seen}", by, customer_id, one.order.id)
    write = writes.carry_out(services, ACTIVATE, intent, lambda session: under_way(session, customer_id) is None)
    if write is not None:
        customer_statuses.read_now(services, customer_id)
    return write

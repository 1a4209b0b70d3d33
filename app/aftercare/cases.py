"""Cases: something that has to be done at UTOPIA and in PowerCode by a day, or that somebody has to read."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.aftercare.case_kinds import CASE_KINDS, CaseKind
from app.aftercare.switches import CASES
from app.models import Case, EventKind, Order, OrderSearch, now
from app.outgoing import events
from app.people import audit
from app.services import Services
from app.storage.database import insert_if_new
from config import Settings


class ListedCase(NamedTuple):
    """A case with its customer's name, if an order has it."""

    case: Case
    kind: CaseKind
    found: OrderSearch | None


def customer_of(session: Session, case: Case) -> str | None:
    """The customer of a case; the order's, where that has one only since the case was opened."""
    if case.customer_id or not case.orderref:
        return case.customer_id
    return session.scalar(select(Order.customer_id).filter_by(orderref=case.orderref))


def today(services: Services) -> date:
    """Today's date in TIMEZONE."""
    return now().astimezone(services.settings.zone).date()


def open_case(
    session: Session,
    kind: CaseKind,
    *,
    by: str,
    due_on: date,
    slot: str,
    orderref: str | None = None,
    customer_id: str | None = None,
    note: str = "",
    entries: dict[str, str] | None = None,
) -> Case | None:
    """Open a case; None when one of its kind is open in this slot already. Customer and site come from the order."""
    order = session.scalar(select(Order).filter_by(orderref=orderref)) if orderref else None
    site = {"siteid": order.site_id} if order is not None and order.site_id else {}
    values = {
        "kind": kind.code,
        "slot": f"{kind.code}:{slot}"[:120],
        "order_id": order.id if order else None,
        "orderref": orderref,
        "customer_id": customer_id or (order.customer_id if order else None),
        "entries": {**site, **(entries or {})},
        "note": note[:2000],
        "due_on": due_on,
        "opened_by": by[:80],
    }
    number = insert_if_new(session, Case, "slot", **values)
    return session.get_one(Case, number) if number is not None else None


def listed(session: Session, *, closed: bool = False, limit: int = 200) -> Sequence[ListedCase]:
    """The open cases, those due first at the top; or the closed ones, the newest first."""
    query = select(Case, OrderSearch).outerjoin(OrderSearch, OrderSearch.order_id == Case.order_id)
    if closed:
        query = query.where(Case.closed_at.is_not(None)).order_by(Case.closed_at.desc(), Case.id.desc())
    else:
        query = query.where(Case.closed_at.is_(None)).order_by(Case.due_on, Case.id)
    return [ListedCase(case, CASE_KINDS[case.kind], found) for case, found in session.execute(query.limit(limit))]


def due(session: Session, day: date) -> int:
    """How many open cases are due on this day or earlier."""
    open_ones = select(func.count()).select_from(Case).where(Case.closed_at.is_(None), Case.due_on <= day)
    return session.scalar(open_ones) or 0


def put_away(session: Session, settings: Settings) -> int:
    """How many open cases nobody sees while cases are switched off."""
    return 0 if CASES.is_on(settings) else open_count(session)


def open_count(session: Session) -> int:
    """How many cases are open."""
    return session.scalar(select(func.count()).select_from(Case).where(Case.closed_at.is_(None))) or 0


def tell_of_due(services: Services) -> int:
    """Tell other systems of each open case whose day has come, once; how many are due."""
    due_now = select(Case).where(Case.closed_at.is_(None), Case.due_on <= today(services)).order_by(Case.id)
    if not (services.settings.events_url and CASES.is_on(services.settings)):
        return 0
    with services.database.read() as session:
        found = session.scalars(due_now).all()
    if found:
        with services.database.write() as session:
            for case in found:
                links = {"case": f"{services.settings.public_address}/console/aftercare/cases/{case.id}"}
                about = {"kind": case.kind, "orderref": case.orderref, "due_on": case.due_on.isoformat()}
                events.record(
                    services, session, EventKind.CASE_DUE, f"{case.id}", case={"id": case.id, **about}, links=links
                )
    return len(found)


def close(session: Session, case_id: int, by: str, note: str) -> bool:
    """Close a case; False when somebody closed it already."""
    case = session.get(Case, case_id, with_for_update=True)
    if case is None or case.closed_at is not None:
        return False
    case.closed_at, case.closed_by, case.closing_note, case.slot = now(), by[:80], note[:2000], None
    audit.record(session, by, "case closed", f"case {case.id}")  # the note is kept with the case
    return True

"""Missing orders: kept, looked up at UTOPIA, told to the office once, and taken in by a person."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app import notices
from app.durable import engine
from app.models import MissingOrder, NoticeKind, Order, now
from app.people import audit
from app.provisioning import intake, review
from app.provisioning.actions import SUBMIT
from app.provisioning.applicants import read_applicant
from app.provisioning.forecast import NoContract, look_up
from app.provisioning.plans.mapping import monthly_descriptions
from app.services import Services
from app.storage.database import rows_changed
from app.wording.invisible_characters import one_line

AT_ONCE = 500
"""References that one statement searches for."""
ASKED_AT_A_TIME = 50
"""Contracts that one comparison asks UTOPIA for, one after the other."""
ENOUGH_FAILURES = 3
LONGEST = 300

OURS, NOT_OURS, NO_ANSWER = "ours", "not_ours", "no_answer"
"""The result of looking up the contract at UTOPIA."""

IS_KNOWN = exists().where(Order.orderref == MissingOrder.orderref)
OPEN = and_(
    ~IS_KNOWN,
    MissingOrder.is_older.is_(False),
    MissingOrder.put_aside_at.is_(None),
    or_(MissingOrder.answer.is_(None), MissingOrder.answer != NOT_OURS),
)
"""The order never called back, and nobody put it aside."""


class MissingOrderList(NamedTuple):
    """What the page and the command show; `older` orders were there at the first comparison, `older_count` in all."""

    missing: Sequence[MissingOrder]
    older: Sequence[MissingOrder]
    others: Sequence[MissingOrder]
    older_count: int = 0


def count(session: Session) -> int:
    """How many orders never called back."""
    return session.scalar(select(func.count()).select_from(MissingOrder).where(OPEN)) or 0


def listed(session: Session, *, most_older: int | None = None) -> MissingOrderList:
    """The missing orders, the newest first; the older ones, of which there can be thousands; and those put aside."""
    newest = select(MissingOrder).where(~IS_KNOWN).order_by(MissingOrder.found_at.desc(), MissingOrder.orderref.desc())
    rows = session.scalars(newest.where(MissingOrder.is_older.is_(False))).all()
    open_ones = set(session.scalars(select(MissingOrder.orderref).where(OPEN)))
    here = [row for row in rows if row.orderref in open_ones]
    others = [row for row in rows if row.orderref not in open_ones]
    older = session.scalars(newest.where(MissingOrder.is_older).limit(most_older)).all()
    counted = select(func.count()).select_from(MissingOrder).where(~IS_KNOWN, MissingOrder.is_older)
    return MissingOrderList(here, older, others, session.scalar(counted) or 0)


def keep(services: Services, found: Sequence[str], *, are_older: bool) -> None:
    """Keep the references that are unknown here; drop kept ones that are known by now.

    In many transactions, as callbacks wait for a long one. What a crash leaves undone, the comparison does again.
    """
    with services.database.write(repeatable=True) as session:
        session.execute(delete(MissingOrder).where(IS_KNOWN).execution_options(synchronize_session=False))
    for some in (found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE)):
        with services.database.write(repeatable=True) as session:
            _keep(session, some, are_older=are_older)


def _keep(session: Session, some: Sequence[str], *, are_older: bool) -> None:
    ours = set(session.scalars(select(Order.orderref).where(Order.orderref.in_(some))))
    kept = set(session.scalars(select(MissingOrder.orderref).where(MissingOrder.orderref.in_(some))))
    seen = update(MissingOrder).where(MissingOrder.orderref.in_(kept))
    session.execute(seen.values(seen_at=now()).execution_options(synchronize_session=False))
    new = [{"orderref": each, "is_older": are_older} for each in some if each not in ours | kept]
    if new:
        session.execute(insert(MissingOrder), new)


def ask_about(services: Services) -> bool:
    """Ask UTOPIA for the contracts of missing orders, starting with those not asked for the longest time.

    False when the service is being stopped: it does not wait for further contracts.
    """
    not_told = and_(~IS_KNOWN, MissingOrder.is_older.is_(False), MissingOrder.put_aside_at.is_(None))
    order = (MissingOrder.asked_at.is_not(None), MissingOrder.asked_at, MissingOrder.orderref)
    with services.database.read() as session:
        refs = session.scalars(select(MissingOrder.orderref).where(not_told).order_by(*order).limit(ASKED_AT_A_TIME))
        named = refs.all()
    failures = 0
    for orderref in named:
        if engine.is_stopping():
            return False
        if failures >= ENOUGH_FAILURES:  # the next comparison asks for the rest
            return True
        said = _contract_in_words(services, orderref)
        failures = failures + 1 if said["answer"] == NO_ANSWER else 0
        with services.database.write(repeatable=True) as session:
            session.execute(update(MissingOrder).filter_by(orderref=orderref).values(asked_at=now(), **said))
    return True


def _contract_in_words(services: Services, orderref: str) -> dict[str, str]:
    try:
        contract = look_up(services, orderref)
    except NoContract as none:
        return {"answer": NOT_OURS if none.not_ours else NO_ANSWER, "said": str(none)}
    applicant = read_applicant(contract).applicant
    town = f"{applicant.city} {applicant.state} {applicant.zip}"
    return {
        "answer": OURS,
        "said": "",
        "person": one_line(applicant.name)[:LONGEST],
        "address": ", ".join(filter(None, (applicant.street, one_line(town))))[:LONGEST],
        "plan": ", ".join(monthly_descriptions(contract.items))[:LONGEST],
        "status": one_line(contract.status)[:80],
    }


def tell(services: Services, session: Session, comparison: int) -> int:
    """Tell the office of missing orders that it was not told of yet; returns how many."""
    untold = session.scalars(select(MissingOrder).where(OPEN, MissingOrder.told_at.is_(None))).all()
    if untold:
        refs = sorted(row.orderref for row in untold)
        content: dict[str, Any] = {"count": len(refs), "orderrefs": refs[:20], "in_all": count(session)}
        key = f"{NoticeKind.ORDERS_MISSING}:{comparison}"
        notices.record(services.work_queue, session, NoticeKind.ORDERS_MISSING, key, **content)
    for row in untold:
        row.told_at = now()
    return len(untold)


def take_in(services: Services, session: Session, orderrefs: Sequence[str], by: str) -> list[str]:
    """Take orders in as if they had called back; returns those that were not known here yet.

    Raises `review.NotPossible` for an order that is not in the list.
    """
    unknown = set(orderrefs) - set(session.scalars(select(MissingOrder.orderref).filter(~IS_KNOWN)))
    known = set(session.scalars(select(Order.orderref).where(Order.orderref.in_(unknown))))
    if unknown - known:
        raise review.NotPossible(f"{min(unknown - known)} is none of the orders that never called back")
    wanted = [each for each in dict.fromkeys(orderrefs) if each not in known]
    connection = session.connection()
    started = intake.take_in(services, connection, wanted, intake.room(connection))
    for order in session.scalars(select(Order).where(Order.orderref.in_(started))):
        review.audit(session, order.id, by, SUBMIT, "UTOPIA has it, and never called back")
    session.execute(delete(MissingOrder).where(MissingOrder.orderref.in_(orderrefs)))
    return [each for each in wanted if each in started]


def put_aside(session: Session, orderref: str, by: str) -> bool:
    """Nobody here needs this order; False when it is not in the list any more."""
    here = update(MissingOrder).where(MissingOrder.orderref == orderref, MissingOrder.put_aside_at.is_(None))
    nobody = {"person": "", "address": "", "plan": ""}
    if not rows_changed(session, here.values(put_aside_at=now(), put_aside_by=by[:80], **nobody)):
        return False
    audit.record(session, by, "missing order put aside", orderref)
    return True

"""The aftercare of one order, for its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.aftercare.case_kinds import CASE_KINDS, CaseKind
from app.aftercare.switches import CASES
from app.aftercare.write_kinds import KINDS
from app.models import Case, CustomerWrite, Order
from config import Settings

MOST = 20


@dataclass(frozen=True)
class AftercareSection:
    """The cases and the writes of an order, the newest first, each with its words."""

    cases: Sequence[tuple[Case, CaseKind]]
    writes: Sequence[tuple[CustomerWrite, str]]


def section_of(session: Session, settings: Settings, order: Order) -> AftercareSection:
    """The cases of the order, unless cases are off, and the later writes for its customer."""
    mine = or_(Case.order_id == order.id, Case.orderref == order.orderref)
    newest = select(Case).where(mine).order_by(Case.id.desc()).limit(MOST)
    cases = session.scalars(newest).all() if CASES.is_on(settings) else []
    theirs = CustomerWrite.order_id == order.id
    if order.customer_id:
        theirs = or_(theirs, CustomerWrite.customer_id == order.customer_id)
    written = session.scalars(select(CustomerWrite).where(theirs).order_by(CustomerWrite.id.desc()).limit(MOST)).all()
    return AftercareSection(
        [(case, CASE_KINDS[case.kind]) for case in cases],
        [(write, KINDS[write.kind].title(write)) for write in written],
    )

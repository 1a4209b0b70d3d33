"""Which mails the office gets about causes: one when a cause begins, and later one that counts who joined it.

Forty orders that stop for one reason are one mail. While the cause lasts, further orders join it without a mail. Orders
that are put off don't count: nobody looks at them now, so an order that joins them is news.
"""

from datetime import timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app import notices
from app.models import Notice, NoticeKind, Order, OrderDecision, OrderState, ToldCause, now
from app.provisioning.actions import TOLD_ONLY
from app.provisioning.causes.cause import Cause, cause_of, fingerprint
from app.provisioning.causes.open_causes import is_put_off
from app.services import Services
from app.storage.database import insert_if_new

LOOKED_AT = timedelta(minutes=10)
"""For so long after a decision, we take it that the person who made it still looks at the order's page."""
AGAIN, AGAIN_OF_EACH = timedelta(days=1), timedelta(hours=1)
"""How long after a mail the next one counts the orders that joined; sooner where each order is decided by itself."""


def tell(services: Services, session: Session, order: Order, cause: Cause) -> None:
    """Mail that an order stopped, unless it joins a known cause, or somebody is looking at it."""
    if insert_if_new(session, ToldCause, "key", key=cause.key, told_at=now()):
        _record(services, session, order, cause)
        return
    told = session.get_one(ToldCause, cause.key, with_for_update=True)
    if not _has_others(session, order) and not _is_being_looked_at(session, order):
        told.told_at = now()
        _record(services, session, order, cause)


def _record(services: Services, session: Session, order: Order, cause: Cause, joined: int = 0) -> None:
    key = f"{NoticeKind.NEEDS_YOU}:{order.orderref}:{order.run}" + (f":{fingerprint(str(now()))}" if joined else "")
    about = {"cause": cause.key, "why": str(cause), "joined": joined}
    notices.record(services.work_queue, session, NoticeKind.NEEDS_YOU, key, order, **about)


def _has_others(session: Session, order: Order) -> bool:
    standing = (Order.cause == order.cause, Order.state == OrderState.NEEDS_REVIEW, Order.id != order.id)
    return session.scalar(select(Order.id).where(*standing, ~is_put_off()).limit(1)) is not None


def _is_being_looked_at(session: Session, order: Order) -> bool:
    """A person who tried again a moment ago sees on the page that the order stopped again, and needs no mail."""
    told = select(Notice.content).filter_by(order_id=order.id, kind=NoticeKind.NEEDS_YOU).order_by(Notice.id.desc())
    last = session.scalar(told.limit(1))
    decided = (OrderDecision.order_id == order.id, OrderDecision.action.not_in(TOLD_ONLY))
    asked_at = session.scalar(select(func.max(OrderDecision.made_at)).where(*decided))
    return bool(last and last.get("reason") == order.reason and asked_at and now() - asked_at < LOOKED_AT)


def tell_of_those_who_joined(services: Services) -> None:
    """Send one mail for each cause that more orders joined since its last mail, when its time has come."""
    with services.database.read() as session:
        due = list(_joined(session))
    for key in due:
        with services.database.write() as session:
            told = session.get(ToldCause, key, with_for_update=True)
            joined = _joined(session, key).get(key, 0)
            standing = select(Order).where(Order.cause == key, Order.state == OrderState.NEEDS_REVIEW, ~is_put_off())
            first = session.scalar(standing.order_by(Order.id).limit(1))
            cause = cause_of(first) if first else None
            if told and joined and first and cause:
                told.told_at = now()
                _record(services, session, first, cause, joined)


def _joined(session: Session, key: str | None = None) -> dict[str, int]:
    """How many orders joined since the last mail, for each cause whose next mail is due."""
    newer = (Order.cause == ToldCause.key, Order.state == OrderState.NEEDS_REVIEW, Order.stopped_at > ToldCause.told_at)
    rows = select(ToldCause.key, ToldCause.told_at, func.count()).join(Order, and_(*newer, ~is_put_off()))
    rows = rows.where(ToldCause.told_at <= now() - AGAIN_OF_EACH).group_by(ToldCause.key, ToldCause.told_at)
    found = session.execute(rows.where(ToldCause.key == key) if key else rows)
    a_day_ago = now() - AGAIN
    return {cause: count for cause, told_at, count in found if told_at <= a_day_ago or ":" not in cause}

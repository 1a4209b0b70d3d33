"""Notices as they are recorded: in the transaction of the change that they tell of, once."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.durable.work_queue import WorkQueue
from app.models import Notice, NoticeKind, NoticeState, Order
from app.storage.database import insert_if_new

QUEUE = "mail"


def record(
    work_queue: WorkQueue,
    session: Session,
    kind: NoticeKind,
    key: str,
    order: Order | None = None,
    **content: Any,
) -> None:
    """Record a notice and start its delivery when the transaction commits; a `key` that is known changes nothing."""
    if order is not None:
        content = {"reason": order.reason, "actions": order.actions, **content}
    known = {"key": key, "kind": kind, "order_id": order.id if order else None, "content": content}
    number = insert_if_new(session, Notice, "key", **known)
    if number is not None:
        _enqueue(work_queue, session, number)


def _enqueue(work_queue: WorkQueue, session: Session, notice_id: int, run: int = 1) -> None:
    work_queue.enqueue(session, "notice", workflow_of(notice_id, run), QUEUE, notice_id, run)


def workflow_id(notice: Notice) -> str:
    """The engine's idempotency key for one run of a notice."""
    return workflow_of(notice.id, notice.run)


def workflow_of(notice_id: int, run: int) -> str:
    """The same, from the notice's id and run."""
    return f"notice-{notice_id}" + (f"#{run}" if run > 1 else "")


def next_run(work_queue: WorkQueue, session: Session, notice: Notice) -> None:
    """Try to deliver again."""
    notice.run += 1
    notice.waiting_for = notice.next_try_at = notice.claimed_by = None
    session.flush()
    _enqueue(work_queue, session, notice.id, notice.run)


def send_again(work_queue: WorkQueue, session: Session, notice_id: int) -> Notice | None:
    """Deliver a failed notice once more, to those who didn't get it; None when it is no failed notice any more."""
    notice = _failed(session, notice_id)
    if notice is not None:
        notice.state, notice.error, notice.tries = NoticeState.PENDING, None, 0
        next_run(work_queue, session, notice)
    return notice


def drop(session: Session, notice_id: int) -> Notice | None:
    """Give up a failed notice that nobody needs any more; None when it hasn't failed."""
    notice = _failed(session, notice_id)
    if notice is not None:
        notice.state = NoticeState.DROPPED
    return notice


def _failed(session: Session, notice_id: int) -> Notice | None:
    return session.scalar(select(Notice).filter_by(id=notice_id, state=NoticeState.FAILED).with_for_update())

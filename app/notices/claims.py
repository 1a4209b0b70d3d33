"""Which notice is delivered next. A workflow claims it, so that no other workflow delivers it, too.

A workflow that was started for one notice then delivers other due notices, the newest and the oldest in turn: after an
outage thousands wait, and a new notice must not wait behind them.
"""

from collections.abc import Iterator

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from app.durable import engine
from app.models import Notice, NoticeState, Order, System
from app.notices import records
from app.remote import breaker, retry_times
from app.services import Services
from app.storage.database import connection_of

MOST_AT_ONCE = 200
"""How many notices one workflow delivers; the next workflow goes on with the others."""

Claimed = tuple[Notice, Order | None]


IS_DUE = and_(
    Notice.state == NoticeState.PENDING,
    Notice.claimed_by.is_(None),
    or_(Notice.next_try_at.is_(None), retry_times.due_as_of(Notice.next_try_at), Notice.waiting_for == System.MAIL),
)
"""A notice is due when no workflow has claimed it and its time has come, by `retry_times.moments`. One that waits for
the mail server is due as soon as the server answers: on PostgreSQL, the notice may have begun to wait just when all
waiting notices were made due."""

NOTICES = Notice.__table__
LEFT_BEHIND = (
    select(NOTICES.c.id)
    .where(NOTICES.c.state == NoticeState.PENDING, NOTICES.c.claimed_by == bindparam("worker"))
    .order_by(NOTICES.c.id)
)
NEXT = [
    select(Notice).where(IS_DUE).order_by(end).limit(1).with_for_update(skip_locked=True)
    for end in (Notice.id.desc(), Notice.id)
]
"""Queries for the newest and the oldest due notice. They run for each notice, so they are built once."""


def claims(services: Services, notice_id: int, run: int) -> Iterator[Claimed]:
    """The notice that the workflow was started for, those that it left when its process died, and then the due ones."""
    worker = records.workflow_of(notice_id, run)
    with services.database.read() as session:
        left_behind = connection_of(session).scalars(LEFT_BEHIND, {"worker": worker}).all()
    for number in dict.fromkeys([notice_id, *left_behind]):
        claimed = _claim(services, worker, number, run if number == notice_id else None)
        if claimed is not None:
            yield claimed
    for turn in range(MOST_AT_ONCE):
        claimed = None if engine.is_stopping() else _claim_due(services, worker, turn % 2)
        if claimed is None:
            return
        yield claimed


def _claim(services: Services, worker: str, notice_id: int, run: int | None) -> Claimed | None:
    with services.database.write(repeatable=True) as session:
        notice = session.scalar(select(Notice).filter_by(id=notice_id).with_for_update())
        if notice is None or notice.state != NoticeState.PENDING or (run is not None and notice.run != run):
            return None
        waits = retry_times.is_later(notice.next_try_at, services.settings.retry_minutes)
        if waits or notice.claimed_by not in (None, worker):
            return None
        if breaker.is_down(session, System.MAIL):
            services.demand.want(System.MAIL)
            notice.waiting_for, notice.next_try_at = System.MAIL, breaker.next_probe_at(session, System.MAIL)
            notice.claimed_by = None
            return None
        return _claimed(session, notice, worker)


def _claim_due(services: Services, worker: str, end: int) -> Claimed | None:
    """Claim the due notice at one end, which then needs no workflow of its own any more."""
    moments = retry_times.moments(services.settings.retry_minutes)
    with services.database.write(repeatable=True) as session:
        notice = session.scalar(NEXT[end], moments)
        if notice is None or breaker.is_down(session, System.MAIL):
            return None
        services.work_queue.withdraw(connection_of(session), records.workflow_id(notice))
        return _claimed(session, notice, worker)


def _claimed(session: Session, notice: Notice, worker: str) -> Claimed:
    notice.claimed_by, notice.restarts = worker, notice.restarts + 1
    notice.waiting_for = notice.next_try_at = None
    order = session.get(Order, notice.order_id) if notice.order_id else None
    if order is not None:
        _ = order.steps
    return notice, order

"""What the scheduler does for notices: wakes those that wait, and picks up those that nothing works on."""

from datetime import timedelta

from sqlalchemy import select

from app import breaker
from app.models import Notice, NoticeState, System, now
from app.notices import records
from app.services import Services


def wake_due_notices(services: Services) -> int:
    """Start the notices whose time has come; while the mail server is down, only its probe."""
    due = select(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_try_at <= now()).order_by(Notice.id)
    with services.database.read() as session:
        if session.scalar(due.limit(1)) is None:
            return 0
    with services.database.write() as session:
        down = System.MAIL in breaker.systems_down(session)
        woken = 0
        for notice in session.scalars(due.limit(100).with_for_update(skip_locked=True)):
            if not down or breaker.claim_probe(session, System.MAIL, notice.key):
                records.next_run(services.work_queue, session, notice)
                woken += 1
        return woken


def pick_up_stranded_notices(services: Services) -> None:
    """Start notices again that should be on their way and aren't."""
    quiet = Notice.created_at < now() - timedelta(seconds=60)
    lost = select(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_try_at.is_(None), quiet)
    with services.database.read() as session:
        candidates = session.scalars(lost).all()
    for candidate in candidates:
        if services.work_queue.is_going(records.workflow_id(candidate)):
            continue
        with services.database.write() as session:
            notice = session.get_one(Notice, candidate.id)
            if notice.run == candidate.run and notice.state == NoticeState.PENDING:
                records.next_run(services.work_queue, session, notice)

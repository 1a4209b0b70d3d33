"""What the scheduler does for notices: wakes those that wait, and picks up those that nothing works on."""

from sqlalchemy import select

from app.models import Notice, NoticeState, System
from app.notices import records
from app.notices.claims import IS_DUE
from app.remote import breaker, retry_times
from app.services import Services


def wake_due_notices(services: Services) -> int:
    """Start the first notice that is due. Its workflow then delivers the other due ones, too.

    Nothing is started while deliveries are queued already: each of those also delivers the other due notices.
    """
    moments = retry_times.moments(services.settings.retry_minutes)
    due = select(Notice).where(IS_DUE, Notice.next_try_at.is_not(None)).order_by(Notice.id).limit(1)
    with services.database.read() as session:
        if session.scalar(due, moments) is None or breaker.is_down(session, System.MAIL):
            return 0
    if not services.work_queue.is_empty(records.QUEUE):
        return 0
    with services.database.write() as session:
        notice = session.scalar(due.with_for_update(skip_locked=True), moments)
        if notice is not None:
            records.next_run(services.work_queue, session, notice)
    return int(notice is not None)


def pick_up_stranded_notices(services: Services) -> None:
    """Start notices again that should be on their way and aren't.

    A notice and its workflow begin in one commit, so a notice without a workflow is stranded: no need to wait and see.
    """
    lost = select(Notice).where(Notice.state == NoticeState.PENDING, Notice.next_try_at.is_(None))
    with services.database.read() as session:
        workers = {each.id: (each.run, each.claimed_by or records.workflow_id(each)) for each in session.scalars(lost)}
    going = services.work_queue.going({worker for _, worker in workers.values()})
    for notice_id, (run, worker) in workers.items():
        if worker not in going:
            _pick_up(services, notice_id, run, worker)


def _pick_up(services: Services, notice_id: int, run: int, worker: str) -> None:
    with services.database.write() as session:
        notice = session.get_one(Notice, notice_id, with_for_update=True)
        is_as_seen = notice.run == run and (notice.claimed_by or records.workflow_id(notice)) == worker
        if is_as_seen and notice.state == NoticeState.PENDING and notice.next_try_at is None:
            records.next_run(services.work_queue, session, notice)

"""What metrics show of the database and of this host's disks, read at each scrape."""

import shutil
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.alerts import backups, conditions, records
from app.durable.locks import executing
from app.models import DigestRun, Notice, NoticeState, Order, OrderState, RunState, ScheduleMark, now
from app.observability import CONTRACT_NOT_READY, Snapshot
from app.remote import breaker
from app.services import Services
from app.storage import schedule_marks


def snapshot(services: Services) -> Snapshot:
    """The numbers of this moment; raises what the database raises."""
    with services.database.read() as session:
        return Snapshot(
            orders=dict(session.execute(select(Order.state, func.count()).group_by(Order.state)).all()),
            oldest_waiting_seconds=_age(_oldest_waiting(session)),
            notices=_notices(session),
            executing=executing(services.database),
            oldest_review_seconds=_age(_oldest_in_review(session)),
            oldest_notice_seconds=_age(_oldest_notice(session)),
            digest_succeeded_at=_digest_succeeded_at(session),
            digest_due_since=_digest_due_since(session, services),
            **_backup(session, services),
            alerts=records.counts(session),
            down=frozenset(breaker.systems_down(session)),
            disks=disks(services),
        )


def _age(since: datetime | None) -> float | None:
    return (now() - since).total_seconds() if since else None


def _oldest_waiting(session: Session) -> datetime | None:
    return session.scalar(select(func.min(Order.waiting_since)).where(Order.state == OrderState.WAITING))


def _oldest_in_review(session: Session) -> datetime | None:
    return session.scalar(select(func.min(Order.updated_at)).where(Order.state == OrderState.NEEDS_REVIEW))


def _notices(session: Session) -> dict[str, int]:
    """Notices by state. One that waits for a contract, which UTOPIA does not have yet, is counted apart."""
    is_early = (Notice.state == NoticeState.PENDING) & (Notice.waiting_for == "contract")
    state = case((is_early, CONTRACT_NOT_READY), else_=Notice.state).label("state")
    return dict(session.execute(select(state, func.count()).group_by(state)).all())


def _oldest_notice(session: Session) -> datetime | None:
    """Without those that wait for a contract, or for one recipient whom the mail server refuses."""
    for_mail = Notice.waiting_for.is_(None) | Notice.waiting_for.not_in(("contract", "recipient"))
    return session.scalar(select(func.min(Notice.created_at)).where(Notice.state == NoticeState.PENDING, for_mail))


def _digest_succeeded_at(session: Session) -> float | None:
    last = session.scalar(select(func.max(DigestRun.finished_at)).where(DigestRun.state == RunState.COMPLETED))
    return last.timestamp() if last else None


def _digest_due_since(session: Session, services: Services) -> float | None:
    """Since when the digest's schedule is kept: before a first run, nothing else shows that a run is missing."""
    settings = services.settings
    mark = (
        session.get(ScheduleMark, schedule_marks.mark_of("digest", settings.digest_schedule))
        if settings.report_source
        else None
    )
    return mark.kept_since.timestamp() if mark else None


def _backup(session: Session, services: Services) -> dict[str, Any]:
    found = backups.standing(session, services.settings, now())
    if found.word == "not watched":
        return {}
    return {"backup_ok": not found.is_trouble, "backup_made_at": found.made_at.timestamp() if found.made_at else None}


def disks(services: Services) -> dict[str, tuple[int, int]]:
    """Free and all bytes of the disks that hold the database and the log; a folder that can't be asked is left out."""
    found = {}
    for name, folder in conditions.watched_folders(services).items():
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue
        found[name] = (usage.free, usage.total)
    return found

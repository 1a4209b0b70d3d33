"""Starts runs of the digest: by command, by the schedule, and again after a pause or a crash."""

import logging
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.digest import ledger
from app.digest.schedule import iso_week, last_due, wall_clock
from app.models import DigestRun, RunState, now
from app.remote import retry_times
from app.services import Services

log = logging.getLogger(__name__)

QUEUE = "digest"


def start(
    services: Services, *, key: str, started_by: str, source: str | None = None, since: date | None = None
) -> int:
    """Open a run and start its work, in one transaction; returns its number. Raises `ledger.AlreadyUnderWay`."""
    settings = services.settings
    with services.database.write() as session:
        run = ledger.begin(
            session,
            key=key,
            iso_week=iso_week(now(), settings.zone),
            started_by=started_by,
            source=source or settings.report_source or "",
            since=since,
        )
        _enqueue(services, session, run)
        return run.id


def _enqueue(services: Services, session: Session, run: DigestRun) -> None:
    services.work_queue.enqueue(session, "digest", workflow_id(run), QUEUE, run.id, run.attempt)


def workflow_id(run: DigestRun) -> str:
    """The engine's idempotency key: the ISO week, and the run with its attempt."""
    return f"digest-{run.iso_week}#{run.id}.{run.attempt}"


def next_attempt(services: Services, session: Session, run: DigestRun) -> None:
    """Start the next attempt of a run that waited, or whose process died."""
    run.attempt += 1
    run.state, run.next_try_at = RunState.RUNNING, None
    session.flush()
    _enqueue(services, session, run)


def start_when_due(services: Services) -> int | None:
    """Start the schedule's run once, also when it was due while no process ran; returns its number."""
    settings = services.settings
    if not settings.report_source:
        return None
    with services.database.write() as session:
        kept_since = ledger.schedule_kept_since(session, settings.digest_schedule)
    due = last_due(settings.digest_schedule, settings.zone, kept_since, now())
    if due is None:
        return None
    key = f"{ledger.SCHEDULE_KEY}{wall_clock(due, settings.zone)}"
    with services.database.read() as session:
        if session.scalar(select(DigestRun.id).filter_by(key=key)) is not None:
            return None
    try:
        run_id = start(services, key=key, started_by="schedule")
    except ledger.AlreadyUnderWay as why:
        log.info("The digest is due, but: %s", why)
        return None
    log.info("Digest run %d started, due at %s", run_id, due.isoformat())
    return run_id


def go_on(services: Services) -> None:
    """Start waiting runs whose time has come, and runs that nothing works on."""
    with services.database.read() as session:
        active = ledger.under_way(session)
    for run in active:
        waits = retry_times.is_later(run.next_try_at, services.settings.retry_minutes)
        waited = run.state == RunState.WAITING and run.next_try_at is not None and not waits
        if waited or _is_stranded(services, run):
            with services.database.write() as session:
                row = session.get_one(DigestRun, run.id)
                if row.attempt == run.attempt and row.state == run.state:
                    next_attempt(services, session, row)


def _is_stranded(services: Services, run: DigestRun) -> bool:
    return run.state == RunState.RUNNING and not services.work_queue.is_going(workflow_id(run))

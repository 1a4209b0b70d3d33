"""An upload of the report starts this week's run, unless there was one: once, like the schedule."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.digest import ledger
from app.digest.report.s3 import S3Object
from app.digest.report.sources import SourceUnreadable, parse_source
from app.digest.run_starts import next_attempt, start
from app.digest.schedule import iso_week, next_due, wall_clock
from app.models import DigestRun, RunState, now
from app.services import Services

log = logging.getLogger(__name__)

STARTED_BY = "upload"


@dataclass(frozen=True)
class Upload:
    """An object that was uploaded to a bucket; `at` is None where the event names no time."""

    where: S3Object
    at: datetime | None = None


def report_in_s3(source: str | None) -> S3Object | None:
    """The S3 object that REPORT_SOURCE names; None when it names another source, or none."""
    try:
        where = parse_source(source or "")
    except SourceUnreadable:
        return None
    return where if isinstance(where, S3Object) else None


def start_for_upload(services: Services, uploads: Iterable[Upload]) -> str:
    """Start this week's run, if one of the uploads is the report and there was no run; the outcome in words."""
    settings = services.settings
    report, week = report_in_s3(settings.report_source), iso_week(now(), settings.zone)
    ours = [upload for upload in uploads if upload.where == report]
    if not ours:
        return "This is not the report; nothing is started"
    if not any(_is_of_week(upload.at, week, settings.zone) for upload in ours):
        return "The report was uploaded in another week; nothing is started"
    with services.database.write() as session:
        ledger.alone(session)
        under_way = ledger.under_way(session)
        if under_way:
            return _go_on(services, session, under_way[0])
        runs = _made_in(session, week)
        key = _key(services, week, session)
    made = [run for run in runs if run.state != RunState.FAILED]
    if made:
        return f"This week's digest went out with run {made[0].id}; nothing is started"
    return _start(services, key)


def _is_of_week(moment: datetime | None, week: str, zone: ZoneInfo) -> bool:
    """Whether an upload is of this week, as one without a time is; no week has a time at the end of all calendars."""
    with suppress(OverflowError):
        return moment is None or iso_week(moment, zone) == week
    return False


def _go_on(services: Services, session: Session, run: DigestRun) -> str:
    """Let a run that waits for its report go on at once; a run at work keeps reading the report it began."""
    if run.state == RunState.WAITING and not run.planned and run.source == services.settings.report_source:
        next_attempt(services, session, run)
        return f"Run {run.id} waited for the report, and goes on"
    return f"Run {run.id} is {run.state}; nothing is started"


def _made_in(session: Session, week: str) -> Sequence[DigestRun]:
    """The week's runs that the schedule or an upload started; runs started by hand don't count."""
    by_itself = or_(DigestRun.key.startswith(ledger.SCHEDULE_KEY), DigestRun.started_by == STARTED_BY)
    return session.scalars(select(DigestRun).where(DigestRun.iso_week == week, by_itself).order_by(DigestRun.id)).all()


def _key(services: Services, week: str, session: Session) -> str:
    """The run's key: the schedule's, if that is still due this week, so that the schedule starts no second run."""
    settings = services.settings
    due = next_due(settings.digest_schedule, settings.zone, now())
    if due is not None and iso_week(due, settings.zone) == week:
        key = f"{ledger.SCHEDULE_KEY}{wall_clock(due, settings.zone)}"
        if session.scalar(select(DigestRun.id).filter_by(key=key)) is None:
            return key
    number = session.scalar(select(func.count()).where(DigestRun.iso_week == week))
    return f"{STARTED_BY} {week} {number}"


def _start(services: Services, key: str) -> str:
    try:
        run_id = start(services, key=key, started_by=STARTED_BY)
    except ledger.AlreadyUnderWay as why:
        return f"{why}; nothing is started"
    log.info("Digest run %d started: the report was uploaded", run_id)
    return f"Run {run_id} is started"

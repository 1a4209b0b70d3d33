"""Looks at mail, digest and disks. Each look yields what it found, or nothing where it can't tell."""

import shutil
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.alerts import records
from app.alerts.patience import Condition, has_room_above, nearly_full_below
from app.models import AlertKind, DigestRun, Notice, NoticeState, RemoteSystem, RunState, System
from app.services import Services

HELD_UP = (System.MAIL, "program")
"""The reasons that hold up a notice: the mail server, or a fault of this program; not a missing contract, and not one
refused recipient."""

ON_ITS_WAY = timedelta(minutes=5)
"""Longer than the delivery of one mail takes."""


def mail(services: Services, moment: datetime) -> Iterator[Condition]:
    """Whether mails to staff are held up."""
    with services.database.read() as session:
        row = session.get(RemoteSystem, System.MAIL)
        stuck = _held_up(moment)
        count, error = session.execute(select(func.count(), func.max(Notice.error)).where(stuck)).one()
    down_since = row.down_since if row and count else None
    reason = (row.error if row else None) or error or "a mail is not sent, and the program does not know why"
    since = down_since if count else (row.up_since if row else None)
    content = {"reason": reason, "held_up": count} if count else {}
    yield Condition(AlertKind.MAIL_STUCK, System.MAIL, wrong=count > 0, since=since, content=content)


def _held_up(moment: datetime) -> ColumnElement[bool]:
    """Notices that should have gone out by now."""
    lost = and_(Notice.next_try_at.is_(None), Notice.created_at < moment - ON_ITS_WAY)
    return and_(Notice.state == NoticeState.PENDING, or_(Notice.waiting_for.in_(HELD_UP), lost))


def digest(services: Services) -> Iterator[Condition]:
    """Whether the last run over the office's report is held up or failed; a run that still tries says nothing yet."""
    source = services.settings.report_source
    with services.database.read() as session:
        last = select(DigestRun).filter_by(source=source).order_by(DigestRun.id.desc()).limit(1)
        run = session.scalar(last) if source else None
    if run is not None and run.state == RunState.RUNNING:
        return
    wrong = run is not None and run.state in (RunState.WAITING, RunState.FAILED)
    content = {"run": run.id, "state": run.state, "reason": run.error or ""} if run is not None and wrong else {}
    since = run.started_at if run is not None and wrong else None
    yield Condition(AlertKind.DIGEST_HELD_UP, "digest", wrong=wrong, since=since, content=content)


def disks(services: Services) -> Iterator[Condition]:
    """Whether the disks of this host that hold the database and the log are nearly full.

    A PostgreSQL server's own disk can't be seen from here.
    """
    host = socket.gethostname()  # not the worker's name: several workers on a host see the same disk
    for folder, holds in _folders(services).items():
        try:
            usage = shutil.disk_usage(folder)
        except OSError:
            continue
        subject = f"{host}:{folder}"[-160:]
        with services.database.read() as session:
            is_known = records.of_slot(session, AlertKind.DISK_NEARLY_FULL, subject) is not None
        enough = has_room_above(usage.total) if is_known else nearly_full_below(usage.total)
        content = {"host": host, "folder": str(folder), "holds": holds, "free": usage.free, "total": usage.total}
        yield Condition(AlertKind.DISK_NEARLY_FULL, subject, wrong=usage.free < enough, content=content)


def work(services: Services) -> Iterator[Condition]:
    """Whether work stood still in this process for long, also when it has been taken up since.

    The fault that kept an outcome out of the database keeps this alert out as well, so the alert often comes later.
    """
    standstill, host = services.work_queue.standstill, socket.gethostname()
    wrong = standstill is not None and standstill.is_long
    content = {"workflows": standstill.workflows, "host": host} if standstill is not None else {}
    since = standstill.since if standstill is not None else None
    yield Condition(AlertKind.WORK_STANDS_STILL, host, wrong=wrong, since=since if wrong else None, content=content)
    if standstill is not None and standstill.ended is not None and services.work_queue.standstill is standstill:
        services.work_queue.standstill = None


def watched_folders(services: Services) -> dict[str, Path]:
    """The folders that fill up, by what they hold: `database` (not PostgreSQL's) and `log`."""
    database = {"database": services.database.path.parent} if services.database.is_sqlite else {}
    return {**database, "log": services.settings.log_file.parent}


def _folders(services: Services) -> dict[Path, str]:
    """The folders to watch, one a disk, with what they hold."""
    folders: dict[int, tuple[Path, list[str]]] = {}
    for holds, folder in watched_folders(services).items():
        try:
            device = folder.stat().st_dev
        except OSError:
            continue
        folders.setdefault(device, (folder, []))[1].append(f"the {holds}")
    return {folder: " and ".join(holds) for folder, holds in folders.values()}

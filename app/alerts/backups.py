"""Whether backups are made: what the page, `/readyz` and the metrics say of them, and when the office is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.alerts.patience import Condition
from app.models import AlertKind, LastBackup
from app.services import Services
from app.storage.database import insert_if_new
from config import Settings


@dataclass(frozen=True)
class BackupStanding:
    """How the backups stand: `ok`, `failed` (the last try), `late`, `none yet`, or `not watched`.

    `since` is since when it stands so, where that is known. `error` says why the last try failed.
    """

    word: str
    made_at: datetime | None = None
    since: datetime | None = None
    error: str | None = None

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should look."""
        return self.word in ("failed", "late")


def standing(session: Session, settings: Settings, moment: datetime) -> BackupStanding:
    """How the backups stand at a moment."""
    if not settings.backup_alert_hours:
        return BackupStanding("not watched")
    return judge(session.get(LastBackup, 1), timedelta(hours=settings.backup_alert_hours), moment)


def judge(last: LastBackup | None, patience: timedelta, moment: datetime) -> BackupStanding:
    """How the backups stand, if the last good one, or else the first look, may be as long ago as `patience`."""
    if last is None:
        return BackupStanding("none yet")
    if last.failed_at and (last.made_at is None or last.failed_at > last.made_at):
        return BackupStanding("failed", last.made_at, last.failed_at, last.error)
    late_since = (last.made_at or last.watched_since) + patience
    if moment >= late_since:
        return BackupStanding("late", last.made_at, late_since)
    return BackupStanding("ok" if last.made_at else "none yet", last.made_at)


def conditions(services: Services, moment: datetime) -> Iterator[Condition]:
    """Whether the backups are in trouble; the time in which a first backup is expected begins with the first look."""
    with services.database.read() as session:
        found, is_new = standing(session, services.settings, moment), session.get(LastBackup, 1) is None
    if is_new and services.settings.backup_alert_hours:
        with services.database.write() as session:
            insert_if_new(session, LastBackup, "id", id=1, watched_since=moment)
    content = {
        "made_at": found.made_at.isoformat() if found.made_at else None,
        "error": found.error,
        "hours": services.settings.backup_alert_hours,
    }
    yield Condition(
        AlertKind.BACKUP, "backup", wrong=found.is_trouble, since=found.since or found.made_at, content=content
    )

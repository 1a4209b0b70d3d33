"""The nightly backup: a new file in a folder with the other files beside it, deletion of the oldest, and a note.

The note is in the database, where the service reads how its backups stand.
"""

import logging
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.models import LastBackup, now
from app.safekeeping import companion_files, postgresql_backup, sqlite_backup
from app.services import Services
from app.storage.database import Database, insert_if_new

KEPT = 7
OURS = re.compile(r"handler-(\d{8}-\d{6}|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\.(db|dump)")
"""The names of nightly backups, including those of the old cron job."""
LONGEST_ERROR = 500

log = logging.getLogger(__name__)


def make(database: Database, file: Path) -> sqlite_backup.Backup:
    """Back up to a file, replacing one of that name, whichever kind of database it is; raises `BackupFailed`."""
    if not file.parent.is_dir():
        raise sqlite_backup.BackupFailed(f"There is no folder {file.parent}")
    began_at = now()
    try:
        with sqlite_backup.new_file(file) as partial:
            if database.is_sqlite:
                orders = sqlite_backup.write(database.path, partial, file, began_at)
            else:
                orders = postgresql_backup.write(database.url, partial)
    except OSError as error:
        raise sqlite_backup.BackupFailed(f"{file} can't be written: {error.strerror}") from None
    return sqlite_backup.Backup(file, file.stat().st_size, orders, began_at)


def make_in(services: Services, folder: Path, kept: int = KEPT) -> sqlite_backup.Backup:
    """Back up into a folder, with the other files beside it, and note the outcome in the database.

    The oldest backups are deleted then. Raises `BackupFailed`.
    """
    file = folder / f"handler-{now():%Y%m%d-%H%M%S}.{'db' if services.database.is_sqlite else 'dump'}"
    try:
        beside = companion_files.keep(services.settings, companion_files.beside(file))
        made = replace(make(services.database, file), beside=beside)
        _remove_oldest(folder, kept)
    except (sqlite_backup.BackupFailed, OSError) as error:
        words = str(error) if isinstance(error, sqlite_backup.BackupFailed) else f"{error.filename}: {error.strerror}"
        _note(services.database, failed_at=now(), error=words[:LONGEST_ERROR])
        raise sqlite_backup.BackupFailed(words) from None
    _note(services.database, made_at=made.made_at, file=str(made.file), error=None)
    return made


def _remove_oldest(folder: Path, kept: int) -> None:
    ours = [path for path in folder.iterdir() if OURS.fullmatch(path.name)]
    for path in sorted(ours, key=lambda path: path.stat().st_mtime, reverse=True)[kept:]:
        path.unlink()
        companion_files.beside(path).unlink(missing_ok=True)


def _note(database: Database, **values: Any) -> None:
    """Note the outcome. An error here (full disk, old tables) does not fail the backup, whose age is watched anyway."""
    with suppress(SQLAlchemyError), database.write() as session:
        insert_if_new(session, LastBackup, "id", id=1, watched_since=now())
        session.execute(update(LastBackup).values(**values))

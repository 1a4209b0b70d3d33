"""Restores a backup of a SQLite database.

The backup is copied, checked, upgraded and settled under another name. Only then does one rename put it in the place
of the present database, which is kept under a name of its own.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from app.durable.work_queue import WorkQueue
from app.models import Callback, Order, now
from app.safekeeping import backup_checksum, sqlite_backup
from app.safekeeping.after_restore import Settled, settle
from app.safekeeping.exclusive_use import alone, close_up
from app.safekeeping.sqlite_backup import log_of
from app.services import Services
from app.setup import database_upgrade
from app.storage import migrate, moves, ownership
from app.storage.database import Database


class RestoreRefused(Exception):
    """Nothing was changed; the text is a sentence for people."""


@dataclass(frozen=True)
class Restored(Settled):
    """What was restored and settled: how many orders and callbacks it has, and where the former database is kept.

    `not_in_it` are the orders that only the former database has; None when it can't be read, or there was none.
    """

    orders: int
    callbacks: int
    kept_as: Path | None
    not_in_it: list[str] | None


def restore(services: Services, file: Path) -> Restored:
    """Restore a backup; raises `RestoreRefused`, `exclusive_use.InUse` or `moves.DatabaseMoved` before any change."""
    database = services.database
    check_file(file, database.path)
    ownership.make_folder(database.path.parent)
    with alone(database), sqlite_backup.partial_file(database.path) as partial, _kept_aside(database.path) as kept:
        readable = _is_readable(database)
        if readable:
            moves.refuse_moved(database)
            database.close_connections()
            close_up(database.path)
            log_of(kept).unlink(missing_ok=True)
        made_at = _copy(file, partial, migrate.version_of(database) if readable else None)
        settled, orders, callbacks = _prepare(services, partial, made_at, file)
        missing = _missing(database.path, partial) if readable else None
        _put_in_place(partial, database.path, kept)
        kept_as = kept if kept.exists() else None
        return Restored(**vars(settled), orders=orders, callbacks=callbacks, kept_as=kept_as, not_in_it=missing)


def check_file(file: Path, present: Path | None = None) -> None:
    """Check that the file is one of our backups, undamaged, and not the `present` database; raises `RestoreRefused`."""
    try:
        if not backup_checksum.is_sqlite(file):
            raise RestoreRefused(f"{file} is no backup of this service")
        if present and present.exists() and file.samefile(present):
            raise RestoreRefused(f"{file} is the database itself; name a backup")
        if backup_checksum.says_it_is_a_backup(file) and not backup_checksum.is_whole(file):
            raise RestoreRefused(f"{file} is damaged: it is not what was written when the backup was made")
    except OSError as error:
        raise RestoreRefused(unreadable(file, error)) from None


def unreadable(file: Path, error: OSError) -> str:
    """Why a backup can't be read, and what to do where root put it there."""
    whose = " by the service's user: chown utopia-handler FILE" if isinstance(error, PermissionError) else ""
    return f"{file} can't be read{whose or f': {error.strerror}'}"


def _is_readable(database: Database) -> bool:
    """Whether there is a readable database now. A damaged one may be the reason for the restore."""
    if not database.path.exists():
        return False
    try:
        with closing(sqlite3.connect(database.path, timeout=1)) as connection:
            return str(connection.execute("PRAGMA quick_check(1)").fetchone()[0]) == "ok"
    except sqlite3.DatabaseError:
        return False


def _copy(file: Path, partial: Path, present_version: str | None) -> datetime:
    """Copy and check; returns when the backup was made.

    After a deploy was undone, this program works with the tables of a newer version (`migrate.is_current`). A backup of
    such a database is accepted, as it has the version of the present database.
    """
    try:
        sqlite_backup.copy_database(file, partial)
        with closing(sqlite3.connect(partial)) as copy:
            sqlite_backup.check(copy)
            version = copy.execute("select version_num from alembic_version").fetchone()
            if not version or not (migrate.knows(version[0]) or version[0] == present_version):
                raise RestoreRefused(f"{file} was made by a newer version of this program; install that first")
            made_at = backup_checksum.made_at(copy)
        backup_checksum.remove_stamp(partial)
        return made_at
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in sqlite_backup.NO_SPACE:
            raise RestoreRefused(f"The disk of {partial.parent} has no room for the backup") from None
        raise RestoreRefused(f"{file} is no backup of this service ({error})") from None
    except (sqlite3.DatabaseError, ValueError):
        raise RestoreRefused(f"{file} is damaged") from None


def _prepare(services: Services, partial: Path, made_at: datetime, file: Path) -> tuple[Settled, int, int]:
    """Upgrade and settle the copy, then make it one file again."""
    copy = Database(f"sqlite:///{partial}")
    try:
        own = replace(services, database=copy, work_queue=WorkQueue(copy))
        database_upgrade.upgrade(copy, services.settings)
        settled = settle(own, made_at)
        with copy.read() as session:
            orders = session.scalar(select(func.count()).select_from(Order)) or 0
            callbacks = session.scalar(select(func.count()).select_from(Callback)) or 0
    except moves.DatabaseMoved:
        raise RestoreRefused(f"{file} is of a database that was moved to PostgreSQL") from None
    finally:
        copy.dispose()
    close_up(partial)
    sqlite_backup.sync(partial)
    return settled, orders, callbacks


def _missing(present: Path, partial: Path) -> list[str] | None:
    """The orders that are in the present database and not in the backup."""
    query = "select orderref from orders where orderref not in (select orderref from old.orders) order by id"
    try:
        with closing(sqlite3.connect(present)) as connection:
            connection.execute("attach ? as old", (str(partial),))
            return [orderref for (orderref,) in connection.execute(query)]
    except sqlite3.DatabaseError:
        return None


@contextmanager
def _kept_aside(present: Path) -> Iterator[Path]:
    """The name under which the former database will be kept. Its log has this name during the block already: SQLite may
    delete the log when it opens a damaged database.
    """
    name = f"{present}.before-restore-{now():%Y%m%d-%H%M%S}"
    names = (Path(f"{name}-{number}" if number else name) for number in range(1000))
    kept = next(each for each in names if not each.exists())
    if log_of(present).exists():
        _link(log_of(present), log_of(kept))
    try:
        yield kept
    finally:
        if not kept.exists():
            log_of(kept).unlink(missing_ok=True)


def _put_in_place(partial: Path, present: Path, kept: Path) -> None:
    """Replace the database by a rename, so that at every moment there is one: the former one or the restored one."""
    there_is_one = present.exists()
    if there_is_one:
        _link(present, kept)
    like = present.stat() if there_is_one else present.parent.stat()
    partial.chmod(like.st_mode & 0o660 if there_is_one else 0o640)
    with suppress(PermissionError):  # only root can, and only root has to: the service runs as another user
        shutil.chown(partial, like.st_uid, like.st_gid)
    for log in (log_of(present), Path(f"{present}-shm"), Path(f"{present}-journal")):
        log.unlink(missing_ok=True)  # they belong to the former database
    partial.replace(present)
    sqlite_backup.sync(present.parent)


def _link(file: Path, name: Path) -> None:
    """A hard link to a file; a copy where the disk has no hard links."""
    try:
        name.hardlink_to(file)
    except FileExistsError:
        raise
    except OSError:
        with file.open("rb") as source, name.open("xb") as copy:
            shutil.copyfileobj(source, copy)
            os.fsync(copy.fileno())

"""Inspects a backup without changing it: is it whole, when was it made, what is in it, can it be restored here?"""

import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from app.safekeeping import backup_checksum, companion_files, postgresql_backup, sqlite_backup
from app.safekeeping.sqlite_restore import RestoreRefused, check_file, unreadable
from app.storage import migrate


@dataclass(frozen=True)
class Inspected:
    """What is in a backup.

    `version` is the version of its tables; `needs_newer_program`: this program can't restore it. `beside` names the
    files kept beside it, None for none. `of_postgresql`: it can only be restored into PostgreSQL.
    """

    file: Path
    of_postgresql: bool
    made_at: datetime | None
    orders: int
    callbacks: int
    newest_order: str | None
    version: str | None
    beside: list[str] | None = None
    needs_newer_program: bool = False


def inspect(file: Path, present_version: str | None) -> Inspected:
    """Read all of a backup; raises `RestoreRefused` for one that can't be used."""
    try:
        found = _of_postgresql(file) if postgresql_backup.is_dump(file) else _of_sqlite(file)
        newer = not (migrate.knows(found.version) or found.version == present_version)
        return replace(found, beside=_beside(file), needs_newer_program=newer)
    except OSError as error:
        raise RestoreRefused(unreadable(file, error)) from None
    except sqlite_backup.BackupFailed as error:
        raise RestoreRefused(f"{file} can't be used: {error}") from None
    except (sqlite3.DatabaseError, tarfile.TarError):
        raise RestoreRefused(f"{file} is damaged") from None


def _of_sqlite(file: Path) -> Inspected:
    check_file(file)
    with closing(_opened(file)) as connection:
        sqlite_backup.check(connection)
        return Inspected(
            file,
            of_postgresql=False,
            made_at=backup_checksum.made_at(connection),
            orders=_one(connection, "select count(*) from orders"),
            callbacks=_one(connection, "select count(*) from callbacks"),
            newest_order=_one(connection, "select orderref from orders order by id desc limit 1"),
            version=_one(connection, "select version_num from alembic_version"),
        )


def _opened(file: Path) -> sqlite3.Connection:
    """Open read-only, so that SQLite makes no files beside it; if its log is there, it is read as well."""
    options = "mode=ro" if sqlite_backup.log_of(file).exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{file.absolute().as_uri()}?{options}", uri=True)


def _one(connection: sqlite3.Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _of_postgresql(file: Path) -> Inspected:
    postgresql_backup.check(file)
    return Inspected(
        file,
        of_postgresql=True,
        made_at=postgresql_backup.made_at(file),
        orders=postgresql_backup.count(file, "orders"),
        callbacks=postgresql_backup.count(file, "callbacks"),
        newest_order=None,
        version=postgresql_backup.version(file),
    )


def _beside(file: Path) -> list[str] | None:
    kept = companion_files.beside(file)
    return companion_files.names(kept) if kept.exists() else None

"""A backup of a SQLite database, whether the service runs or not.

The copy is made in one step: it reads one state of the database and blocks nobody. In several steps, SQLite would start
it again whenever somebody writes. The copy has a temporary name until it is complete, checked and on the disk.
"""

import fcntl
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.safekeeping import backup_checksum

LEAST_FREE_BYTES = 20 * 1024 * 1024
"""A backup must not fill the disk on which callbacks are stored."""
NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class BackupFailed(Exception):
    """No backup was made; the text is a sentence for people. An older backup of the same name is unchanged."""


@dataclass(frozen=True)
class Backup:
    """A backup that is on the disk: how many orders are in it, and the names of the files kept beside it."""

    file: Path
    bytes: int
    orders: int
    made_at: datetime
    beside: Sequence[str] = ()


def write(source: Path, partial: Path, file: Path, began_at: datetime) -> int:
    """Write a backup that will be `file` into a partial file; returns how many orders are in it.

    Raises `BackupFailed`, and `OSError` where the file can't be written.
    """
    if not source.is_file():
        raise BackupFailed(f"There is no database {source}")
    if file.is_dir():
        raise BackupFailed(f"{file} is a folder; name a file in it")
    if file.exists() and file.samefile(source):
        raise BackupFailed(f"{file} is the database itself; name another file")
    needed = _size(source)
    if shutil.disk_usage(file.parent).free < needed + LEAST_FREE_BYTES:
        raise BackupFailed(f"The disk of {file.parent} has no room for {needed / 1e6:.1f} MB")
    try:
        copy_database(source, partial)
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            check(copy)
            backup_checksum.stamp(copy, began_at)
            orders: int = copy.execute("select count(*) from orders").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise BackupFailed(_in_words(error, source, file)) from None
    backup_checksum.add_checksum(partial)
    return orders


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """A partial file that takes the place of `file` once the block has ended well and all of it is on the disk."""
    with partial_file(file) as partial:
        yield partial
        sync(partial)
        partial.replace(file)
        sync(file.parent)


@contextmanager
def partial_file(file: Path) -> Iterator[Path]:
    """An empty temporary file beside `file` that nobody else can read; it is removed after the block, unless renamed.

    Files that killed runs left behind are removed too: nobody holds their lock.
    """
    for left in file.parent.glob(f".{file.name}.*.partial"):
        _remove_if_left(left)
    partial = file.parent / f".{file.name}.{secrets.token_hex(4)}.partial"
    handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield partial
    finally:
        for name in (partial, *beside(partial)):
            name.unlink(missing_ok=True)
        os.close(handle)


def _remove_if_left(left: Path) -> None:
    with suppress(OSError), left.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in (left, *beside(left)):
            name.unlink(missing_ok=True)


def beside(path: Path) -> list[Path]:
    """The files that are kept beside a SQLite database while it is open."""
    return [Path(f"{path}{end}") for end in ("-wal", "-shm", "-journal", ".use.lock", ".upgrade.lock")]


def log_of(path: Path) -> Path:
    """Where a SQLite database keeps what it has not yet moved into its file."""
    return Path(f"{path}-wal")


def copy_database(source: Path, copy: Path) -> None:
    """Copy one state of a database into one file, without a log beside it; raises `sqlite3.DatabaseError`."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as reading,
        closing(sqlite3.connect(copy, isolation_level=None)) as writing,
    ):
        reading.backup(writing, pages=-1)
        writing.execute("PRAGMA journal_mode=DELETE")


def check(copy: sqlite3.Connection) -> None:
    """Raises `sqlite3.DatabaseError` when the database is damaged, or none of this service's."""
    found = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError("database disk image is malformed")
    copy.execute("select version_num from alembic_version").fetchone()


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk, so that they survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(source: Path) -> int:
    """The size of the database, including the log beside it."""
    log = log_of(source)
    return source.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _in_words(error: sqlite3.DatabaseError, source: Path, file: Path) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in NO_SPACE:
        return f"{file} could not be written: the disk is full or does not work"
    if code == sqlite3.SQLITE_BUSY:
        return f"{source} is busy; try again in a minute"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{source} is damaged. Stop the service, and restore the last good backup: utopia-handler db restore"
    return f"{source} can't be backed up: {error}"

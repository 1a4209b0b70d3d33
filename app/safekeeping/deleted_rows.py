"""Removes what SQLite keeps of deleted rows.

SQLite overwrites a deleted row with zeros (`secure_delete`). But the log has the row until the log is emptied, and a
page that was split long ago may hold a copy. So the file itself is searched, and rewritten when something is found.
"""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from app.safekeeping import sqlite_backup
from app.safekeeping.mentions import forms_of
from app.storage.database import Database

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.1
CHUNK = 1024 * 1024


def remove(database: Database, words: Iterable[str]) -> bool:
    """Make sure that the SQLite file and its log don't hold the words, which are in no row any more; False if they do.

    On PostgreSQL there is nothing to do: its vacuum frees the space of old rows by itself.
    """
    forms = sorted({form.encode() for word in words for form in forms_of(word)})
    if not database.is_sqlite:
        return True
    with closing(sqlite3.connect(database.path, timeout=1, isolation_level=None)) as connection:
        if not _empty_log(connection):
            return False
        if not _is_left(database.path, forms):
            return True
        return _write_anew(connection) and not _is_left(database.path, forms)


def kept_files(database: Database) -> list[Path]:
    """Databases that restores put aside: they still hold what was erased here."""
    if not database.is_sqlite:
        return []
    return sorted(database.path.parent.glob(f"{database.path.name}.before-restore-*"))


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Move the log's content into the database, and truncate the log; waits for readers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)


def _write_anew(connection: sqlite3.Connection) -> bool:
    """Rewrite the whole database (VACUUM); others wait meanwhile. False when the disk has no room for that."""
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError:
        return False
    return _empty_log(connection)


def _is_left(path: Path, forms: list[bytes]) -> bool:
    return any(_holds(file, forms) for file in (path, sqlite_backup.log_of(path)) if file.exists())


def _holds(file: Path, forms: list[bytes]) -> bool:
    overlap = max(map(len, forms), default=1)
    end = b""
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            searched = end + chunk.lower()
            if any(form in searched for form in forms):
                return True
            end = searched[-overlap:]
    return False

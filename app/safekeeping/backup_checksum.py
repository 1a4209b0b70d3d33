"""A backup is one SQLite file with a checksum, which shows a single changed byte.

SQLite itself has no checksums, so a flipped byte in a customer's name would go unnoticed. The mark of a
backup and its checksum are in two numbers of SQLite's header that are free for programs: application ID (offset 68) and
user version (60). Source: SQLite, "Database
File Format".
"""

import sqlite3
import zlib
from contextlib import closing
from datetime import datetime
from pathlib import Path

from app.models import now
from app.version import VERSION

APPLICATION_ID = 0x55544F50
"""`UTOP`: a backup of this service."""
CHECKSUM_AT, CHECKSUM_BYTES = 60, 4
HEADER_BYTES = 100
MAGIC = b"SQLite format 3\x00"
CHUNK = 1024 * 1024

NEWEST = (
    ("callbacks", "received_at"),
    ("orders", "updated_at"),
    ("digest_runs", "started_at"),
    ("digest_runs", "finished_at"),
    ("notices", "created_at"),
    ("notices", "sent_at"),
)
"""Tables and columns whose newest time shows until when a database was in use. The digest's are among them: otherwise
a run that is in the backup would count as one that may have been sent after it."""

STAMP = "create table backup (made_at text not null, version text not null)"


def stamp(connection: sqlite3.Connection, began_at: datetime) -> None:
    """Mark a copy as a backup, with the time it was begun; what happened after that may not be in it."""
    connection.execute("drop table if exists backup")
    connection.execute(STAMP)
    connection.execute("insert into backup values (?, ?)", (began_at.isoformat(), VERSION))
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")


def remove_stamp(path: Path) -> None:
    """Remove the mark, so that a backup becomes a database again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("drop table if exists backup")
        connection.execute("PRAGMA application_id=0")
        connection.execute("PRAGMA user_version=0")


def add_checksum(path: Path) -> None:
    """Put the checksum into a closed file: from now on `is_whole` tells whether it was changed."""
    checksum = _checksum(path).to_bytes(CHECKSUM_BYTES, "big")
    with path.open("r+b") as file:
        file.seek(CHECKSUM_AT)
        file.write(checksum)


def says_it_is_a_backup(path: Path) -> bool:
    """Whether the file says that it is a backup."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    return header.startswith(MAGIC) and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def is_whole(path: Path) -> bool:
    """Whether the file is unchanged since it got its checksum."""
    with path.open("rb") as file:
        file.seek(CHECKSUM_AT)
        return file.read(CHECKSUM_BYTES) == _checksum(path).to_bytes(CHECKSUM_BYTES, "big")


def is_sqlite(path: Path) -> bool:
    """Whether the file begins as SQLite's do."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def made_at(connection: sqlite3.Connection) -> datetime:
    """When a backup was begun; for a plain copy of a database, the time of the newest thing in it (`NEWEST`)."""
    tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    if "backup" in tables:
        return datetime.fromisoformat(connection.execute("select made_at from backup").fetchone()[0])
    known = [f"select max({column}) as moment from {table}" for table, column in NEWEST if table in tables]  # noqa: S608 - only names
    newest = connection.execute(f"select max(moment) from ({' union all '.join(known)})").fetchone()[0]  # noqa: S608
    return datetime.fromisoformat(f"{newest}+00:00") if newest else now()


def _checksum(path: Path) -> int:
    """The checksum of all bytes except its own."""
    with path.open("rb") as file:
        header = bytearray(file.read(HEADER_BYTES))
        header[CHECKSUM_AT : CHECKSUM_AT + CHECKSUM_BYTES] = bytes(CHECKSUM_BYTES)
        checksum = zlib.crc32(header)
        while chunk := file.read(CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum

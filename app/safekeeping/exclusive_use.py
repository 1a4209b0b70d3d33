"""Exclusive use of a SQLite database: no service runs on it, and no other program has it open."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.durable.locks import executing
from app.storage.database import Database
from app.storage.presence import InUse

STOP_FIRST = "The service runs on this database. Stop it first, on a server with: systemctl stop utopia-handler"


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Hold the database exclusively during the block: nobody else has it open or can open it; raises `InUse`."""
    if executing(database):
        raise InUse(STOP_FIRST)
    database.dispose()
    with database.presence.alone():
        yield
        database.dispose()


def close_up(path: Path) -> None:
    """Move the log into the database, so that it is one file; raises `InUse` while another program has it open."""
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            mode = "busy"
    if mode != "delete":
        raise InUse(f"Another program has {path} open. Close it first")

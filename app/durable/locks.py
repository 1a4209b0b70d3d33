"""Who may execute: a lock for each executor id, which its process holds for as long as it executes.

A process that dies loses its lock, and another process may go on with its work. A process that is only frozen keeps its
lock. A process that may have lost its lock (`LockMayBeLost`) has to end at once.
"""

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg

from app.durable.direct_connection import connect_directly
from app.storage import ownership
from app.storage.database import Database

log = logging.getLogger(__name__)

CONFIRM_EVERY_SECONDS = 2.0
ANSWERS_HERE: dict[str, Any] = {
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}
"""A process whose host is cut off ends at most 10 s after the cut: it asks every 2 s, and waits 8 s for an answer. The
server frees its lock 16 s after the last packet (`HOST_IS_GONE`), so 14 s after the cut at the earliest."""


class LockMayBeLost(Exception):
    """Another process may hold the lock, or will in a few seconds."""


class ExecutorLock(Protocol):
    """Held by the one process that executes under an executor id."""

    executor_id: str
    is_shared: bool
    """Whether other executor ids can work on the same database."""

    def acquire(self) -> bool:
        """Try once."""

    def confirm(self) -> None:
        """Return as long as the lock is ours for certain; raises `LockMayBeLost`."""

    def release(self) -> None:
        """Let another process have it."""

    def borrow(self, executor_id: str) -> AbstractContextManager[bool]:
        """Hold another id's lock during the block; False when its process lives. Raises `LockMayBeLost`."""


def lock_for(database: Database, name: str | None) -> ExecutorLock:
    """The lock that this process needs in order to execute, under `name` or else the host's name."""
    if database.is_sqlite:
        return FileLock(database.path)
    return AdvisoryLock(database.url, name or socket.gethostname())


def executing(database: Database) -> int:
    """How many processes execute now. Raises `psycopg.Error` or `SQLAlchemyError` when the database does not say."""
    if database.is_sqlite:
        return int(_is_taken(database.path))
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql(AdvisoryLock.HOLDERS).scalar_one())


_opened: dict[tuple[int, int, str], int] = {}
"""Database files, by device, inode and what they were opened for."""


def _database_file(path: Path, purpose: str) -> int:
    """The database's file, opened for a lock once and never closed.

    Closing any descriptor of a file frees the locks that SQLite holds on it for this process. An flock is not affected.
    """
    found = path.stat()
    key = (found.st_dev, found.st_ino, purpose)
    if key not in _opened:
        _opened[key] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return _opened[key]


def _is_taken(database: Path) -> bool:
    with suppress(OSError):
        file = _database_file(database, "to look")
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)
    return False


class FileLock:
    """For SQLite: a lock on the database's file itself; the kernel frees it when the process dies.

    The lock belongs to the file, whatever name or link leads to it. A second file beside the database is locked as
    well, because a process of a former version knows only that one.
    """

    executor_id = "local"
    is_shared = False

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = Path(f"{database}.executor.lock")
        self._file: Any = None
        self._inner: int | None = None
        self._warned = False

    def acquire(self) -> bool:
        """Try once."""
        try:
            if self._file is None:
                ownership.make_file(self._path)
                self._file = self._path.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            inner = _database_file(self._database, "to execute")
            fcntl.flock(inner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            self._warn(error)
            return False
        self._inner = inner
        return True

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            log.error("Nothing can be executed: the lock %s can't be taken (%s)", self._path, error.strerror)

    def confirm(self) -> None:
        """Return at once: the kernel never takes the lock from a process that lives."""

    def release(self) -> None:
        """Let another process have it."""
        if self._inner is not None:
            fcntl.flock(self._inner, fcntl.LOCK_UN)
            self._inner = None
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextmanager
    def borrow(self, executor_id: str) -> Iterator[bool]:
        """False: on SQLite there is no other executor id."""
        del executor_id
        yield False


class AdvisoryLock:
    """For PostgreSQL: a session lock for this process's executor id.

    Needs a direct connection: a transaction pooler would share the session.
    """

    is_shared = True
    TRY = "select pg_try_advisory_lock(hashtext('utopia-executor'), hashtext(%s))"
    FREE = "select pg_advisory_unlock(hashtext('utopia-executor'), hashtext(%s))"
    HOLDERS = (
        "select count(distinct pid) from pg_locks where locktype = 'advisory' and granted and objsubid = 2"
        " and database = (select oid from pg_database where datname = current_database())"
        " and classid = (hashtext('utopia-executor')::bigint & 4294967295)::oid"
    )

    def __init__(self, url: str, executor_id: str) -> None:
        self._url = url
        self.executor_id = executor_id
        self._connection: psycopg.Connection[Any] | None = None

    def acquire(self) -> bool:
        """Try once; a server that can't be reached counts as no."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            return self._ask(self.TRY, self.executor_id)
        except (psycopg.Error, LockMayBeLost):
            self.release()
            return False

    def confirm(self) -> None:
        """Ask the server over the connection that holds the lock; raises `LockMayBeLost`."""
        self._ask("select %s::text = ''", self.executor_id)

    def release(self) -> None:
        """Let another process have it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def borrow(self, executor_id: str) -> Iterator[bool]:
        """Hold another id's lock during the block, so that two hosts can't take over the same work."""
        is_free = self._ask(self.TRY, executor_id)
        try:
            yield is_free
        finally:
            if is_free:
                self._ask(self.FREE, executor_id)

    def _ask(self, question: str, executor_id: str) -> bool:
        """Ask over the connection that holds the lock, never over a new one."""
        try:
            if self._connection is None:
                raise LockMayBeLost
            row = self._connection.execute(question, (executor_id,)).fetchone()
        except psycopg.Error as error:
            raise LockMayBeLost from error
        return bool(row and row[0])

    def _connect(self) -> psycopg.Connection[Any]:
        return connect_directly(self._url, **ANSWERS_HERE)

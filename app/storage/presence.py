"""Who has the SQLite database open: a lock on a file beside it.

Every process shares the lock from its first connection until its last one is closed. A command that replaces the
database's file, or moves it elsewhere, holds the lock alone: otherwise a process that has the old file open would go on
writing where nobody looks any more.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.storage import ownership

LOOK_EVERY_SECONDS = 0.1


class InUse(Exception):
    """Another process has the database open; the text is a sentence for people."""


class Presence:
    """One holder of the lock: all connections of a `Database`."""

    def __init__(self, database: Path) -> None:
        self._path = Path(f"{database}.use.lock")
        self._file: int | None = None
        self._guard = threading.Lock()

    def enter(self, seconds: float) -> None:
        """Share the lock, before a connection is opened; waits while another process holds it alone.

        Raises `sqlite3.OperationalError` when that takes longer than `seconds`.
        """
        with self._guard:
            if self._file is not None:
                return
            with suppress(OSError):  # if the folder is missing or can't be written, connecting says so
                self._file = self._open()
            if self._file is not None and not self._lock(fcntl.LOCK_SH, seconds):
                self._close()
                raise sqlite3.OperationalError("the database is being restored or moved")

    def leave(self) -> None:
        """Release the lock, once the connections are closed."""
        with self._guard:
            self._close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock alone during the block; connections of this holder may be opened in it.

        Raises `InUse` when another process has the database open, `OSError` when its folder can't be written.
        """
        with self._guard:
            self._close()
            self._file = self._open()
            if not self._lock(fcntl.LOCK_EX, 0):
                self._close()
                raise InUse("A process has the database open. Stop the service first")
        try:
            yield
        finally:
            self.leave()

    def _open(self) -> int:
        """Open the lock's file for reading, which is enough to lock it: the first user makes the file, and others have
        to lock it, too."""
        ownership.make_file(self._path, 0o644)
        file = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with suppress(PermissionError):
            os.fchmod(file, 0o644)
        return file

    def _lock(self, kind: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._file is not None:
            try:
                fcntl.flock(self._file, kind | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    break
                time.sleep(LOOK_EVERY_SECONDS)
        return False

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

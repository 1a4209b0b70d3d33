"""One commit for what several threads write at the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.storage.database import Database, connection_of

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Writes what threads hand in at the same time: on SQLite, where a commit costs more than the work, in one commit.

    `write(connection, items)` returns a result for each item, in their order. It must do nothing but query and write:
    when one item makes a group's transaction fail, `write` is called again for each item alone.
    """

    def __init__(self, database: Database, write: Callable[[Connection, Sequence[Item]], Sequence[Result]]) -> None:
        self._database = database
        self._write = write
        self._waiting: list[tuple[Item, Future[Result]]] = []
        self._waiting_lock = threading.Lock()

    def put(self, item: Item) -> Result:
        """The item's result, once it is committed; raises the error that kept this item from being committed."""
        mine: tuple[Item, Future[Result]] = (item, Future())
        if not self._database.is_sqlite:
            self._commit([mine])
            return mine[1].result()
        with self._waiting_lock:
            self._waiting.append(mine)
            is_first = len(self._waiting) == 1
        if is_first:  # this thread writes for all that come until it has the lock
            self._write_waiting()
        return mine[1].result()

    def _write_waiting(self) -> None:
        group, error = [], OperationalError("COMMIT", None, InterruptedError("broken off"))
        try:
            with self._database.turn():
                group = self._take_waiting()
                self._commit(group)
        except OperationalError as busy:
            error = busy
        finally:
            for _, result in group or self._take_waiting():
                if not result.done():
                    result.set_exception(error)

    def _take_waiting(self) -> list[tuple[Item, Future[Result]]]:
        with self._waiting_lock:
            group, self._waiting = self._waiting, []
        return group

    def _commit(self, group: Sequence[tuple[Item, Future[Result]]]) -> None:
        try:
            with self._database.transaction() as session:
                results = self._write(connection_of(session), [item for item, _ in group])
        except Exception as error:
            self._database.note_whether_busy(isinstance(error, OperationalError))
            if len(group) == 1 or isinstance(error, OperationalError):  # a busy database or a full disk fails all
                for _, future in group:
                    future.set_exception(error)
                return
            for each in group:
                self._commit([each])
        else:
            self._database.note_whether_busy(False)
            for (_, future), result in zip(group, results, strict=True):
                future.set_result(result)

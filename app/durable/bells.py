"""Wakes the engine's queues: code that enqueues rings a bell, so no thread has to poll the database.

A process that doesn't execute has no bells. On PostgreSQL, it rings those of the processes that do (`listening`).
"""

import threading
import time
from collections.abc import Set as AbstractSet
from typing import Any, cast

import psycopg
from sqlalchemy import Connection

from app.durable.listening import notify
from app.storage.database import Database

REST_SECONDS = 0.03
"""The pause between two looks at a queue: in a burst, one look finds what several rang for."""


class Bell:
    """The event that a queue's thread waits for."""

    def __init__(self) -> None:
        self._rung = False
        self._stopped = False
        self._looked_at = 0.0
        self._condition = threading.Condition()

    def ring(self) -> None:
        """Let the queue be looked at."""
        with self._condition:
            self._rung = True
            self._condition.notify_all()

    def stop(self) -> None:
        """End the wait, and all later ones."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def wait(self, timeout: float) -> bool:
        """Wait until it is time for a look, for `timeout` seconds at most; False when the thread is to stop."""
        last = time.monotonic() + timeout
        with self._condition:
            while not self._stopped and (left := self._next_look(last) - time.monotonic()) > 0:
                self._condition.wait(left)
            self._rung, self._looked_at = False, time.monotonic()
            return not self._stopped

    def _next_look(self, last: float) -> float:
        return min(last, self._looked_at + REST_SECONDS) if self._rung else last


class Bells:
    """The bells of the queues that this process executes, by the queues' names; none in a process that doesn't."""

    def __init__(self) -> None:
        self._bells: dict[str, Bell] = {}

    def put_up(self, bells: dict[str, Bell]) -> None:
        """Use these bells from now on."""
        self._bells = bells

    def ring(self, queue: str) -> None:
        """Something was enqueued."""
        if bell := self._bells.get(queue):
            bell.ring()

    def ring_all(self) -> None:
        """Something may have been enqueued anywhere."""
        for bell in self._bells.values():
            bell.ring()

    def listen_to(self, database: Database) -> None:
        """Ring whenever a transaction is over in which something was enqueued (`note`)."""

        def _ring(connection: Connection) -> None:
            enqueued: AbstractSet[str] = connection.info.pop("enqueued", frozenset())
            for queue in enqueued:
                self.ring(queue)
            elsewhere = enqueued - self._bells.keys()
            if elsewhere and not database.is_sqlite:
                notify(cast(psycopg.Connection[Any], connection.connection.dbapi_connection), elsewhere)

        database.after_writing.append(_ring)


def note(info: dict[Any, Any], queue: str) -> None:
    """Remember with a connection (its `info`) what is enqueued in its transaction."""
    info.setdefault("enqueued", set()).add(queue)

"""On PostgreSQL, a process that enqueues and does not execute wakes those that do: it notifies, they listen.

A notification tells only which queue to look at. One that gets lost costs a second, because the schedule looks at all
queues as well (`app/running/glance.py`).
"""

import logging
import os
import select
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psycopg

from app.durable.direct_connection import connect_directly
from app.storage.database import Database
from app.storage.engines import SERVER_IS_GONE

CHANNEL = "utopia_handler_enqueued"
NOTIFY = f"select pg_notify('{CHANNEL}', queue) from unnest(%s::text[]) as queue"  # noqa: S608 - a constant
CONNECT_AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class Ringing(Protocol):
    """The bells of this process's queues."""

    def ring(self, queue: str) -> None:
        """Let a queue be looked at."""

    def ring_all(self) -> None:
        """Let all queues be looked at."""


def notify(connection: psycopg.Connection[Any], queues: Collection[str]) -> None:
    """Wake the processes that execute, after the transaction in which something was enqueued.

    Not within it: PostgreSQL lets only one transaction that notifies commit at a time, and a commit waits for the disk.
    """
    try:
        with _each_statement_by_itself(connection):
            connection.execute(NOTIFY, [list(queues)])
    except psycopg.Error as error:
        log.warning("Those who execute were not told of what is enqueued (%s); they look soon", type(error).__name__)


@contextmanager
def _each_statement_by_itself(connection: psycopg.Connection[Any]) -> Iterator[None]:
    connection.autocommit = True
    try:
        yield
    finally:
        if not connection.closed:
            connection.autocommit = False


@contextmanager
def listening(database: Database, bells: Ringing) -> Iterator[None]:
    """During the block, what other processes enqueue rings the bells. SQLite has nothing to listen to."""
    if database.is_sqlite:
        yield
        return
    ended = os.eventfd(0)
    thread = threading.Thread(target=_listen, args=(database.url, bells, ended), name="listener", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.eventfd_write(ended, 1)
        thread.join()
        os.close(ended)


def _listen(url: str, bells: Ringing, ended: int) -> None:
    pause = 0.0
    while not _readable(ended, seconds=pause):
        try:
            with connect_directly(url, application_name="listener", **SERVER_IS_GONE) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                bells.ring_all()  # for what was enqueued while nobody listened
                _hear(connection, bells, ended)
                return
        except psycopg.Error as error:
            log.warning("What other processes enqueue is not heard (%s), and seen a little later", type(error).__name__)
        pause = CONNECT_AGAIN_SECONDS


def _hear(connection: psycopg.Connection[Any], bells: Ringing, ended: int) -> None:
    """Ring until the end. psycopg's own wait for notifications would wake up ten times a second."""
    while ended not in _readable(ended, connection.fileno()):
        connection.pgconn.consume_input()
        while heard := connection.pgconn.notifies():
            bells.ring(heard.extra.decode())


def _readable(*files: int, seconds: float | None = None) -> set[int]:
    """Those of the files that have something to read, once there is one or the seconds are over."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(None if seconds is None else seconds * 1000)}

"""SQLAlchemy's engines for SQLite and PostgreSQL: how a connection is prepared, and how a transaction begins."""

import select
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import PoolProxiedConnection

from app.storage import ownership
from app.storage.patience import BUSY_SECONDS, Waiting, hurry, patience
from app.storage.presence import Presence

MODE = "mode"
READ_ONLY, REPEATABLE = "read only", "repeatable"
"""The kind of a connection's transactions, in its `info` until the connection is given back. Without it, they write,
and their commits last.

No execution options and no events of SQLAlchemy's, which cost more at each statement than SQLite needs for it.
"""
BUSY_PAUSE_SECONDS = 0.02
SERVER_IS_GONE = {"keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 15000}
"""A PostgreSQL server that is gone without a word is noticed after 15 s, and not after as many minutes."""
HOST_IS_GONE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 3, "tcp_user_timeout": 16000}
"""So that the server notices a host that is gone: its transactions' locks are free 16 s after its last packet."""
STANDS_STILL = {"idle_in_transaction_session_timeout": 60000}
"""A process that stands still within a transaction locks others out for a minute at most. No transaction of ours waits
for anything, so the limit harms none."""


def sqlite_engine(url: str, path: Path, presence: Presence) -> Engine:
    """For a SQLite file, of which each process that has a connection to it is a presence."""
    with suppress(OSError):  # if the folder can't be made, the first connection says so
        ownership.make_folder(path.parent)
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=20,
        pool_use_lifo=True,  # few connections do nearly all, with the pages and statements that they keep
        hide_parameters=True,  # an error's text goes to the log
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "do_connect")
    def _enter(*_parts: Any) -> None:
        ownership.make_file(path)
        presence.enter(patience())

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        connection.execute(f"PRAGMA busy_timeout={int(patience() * 1000)}")
        _use_write_ahead_log(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _keep_private(path)

    engine.dialect.do_begin = _begin_on_sqlite  # type: ignore[method-assign, assignment]
    return engine


def _begin_on_sqlite(connection: PoolProxiedConnection) -> None:
    """A reader's queries need no transaction, as on PostgreSQL: each lets other threads run while SQLite begins it."""
    info, driver = connection.info, cast(sqlite3.Connection, connection.dbapi_connection)
    mode = info.get(MODE)
    if mode == READ_ONLY:
        return
    _set(driver, info, "synchronous", "NORMAL" if mode == REPEATABLE else "FULL")
    with Waiting() as seconds:
        _set(driver, info, "busy_timeout", int(seconds * 1000))
        driver.execute("BEGIN IMMEDIATE")


def _set(driver: sqlite3.Connection, info: dict[Any, Any], pragma: str, value: object) -> None:
    if info.get(pragma) != value:
        driver.execute(f"PRAGMA {pragma}={value}")
        info[pragma] = value


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. Once per file that is a change: then SQLite doesn't wait for another writer,
    whatever `busy_timeout` says, so it is tried again."""
    deadline = time.monotonic() + patience()
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(BUSY_PAUSE_SECONDS)


class CheckpointConnection(sqlite3.Connection):
    """For the engine's checkpoints on SQLite: checkpoints that a power cut loses are made again from our own rows."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.execute("PRAGMA synchronous=NORMAL")
        self.execute("PRAGMA secure_delete=ON")


def _keep_private(path: Path) -> None:
    """Let only the service's user and group read the file: customers' data is in it."""
    if path.exists() and path.stat().st_mode & 0o007:
        path.chmod(path.stat().st_mode & 0o770)


def postgresql_engine(url: str) -> Engine:
    """For a PostgreSQL server."""
    engine = create_engine(
        url,
        pool_size=1,  # the sessions that are kept hold those that are used all the time
        max_overflow=29,
        pool_pre_ping=True,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={"connect_timeout": 5, **postgresql_options()},
    )

    spare_pings(engine)
    engine.dialect.do_begin = _begin_on_postgresql  # type: ignore[method-assign, assignment]
    return engine


def spare_pings(engine: Engine) -> None:
    """Let a connection from the pool be asked whether it lives only where its socket has something to read."""
    ping = engine.dialect.do_ping

    def ping_if_it_speaks(dbapi_connection: Any) -> bool:
        return is_silent(dbapi_connection) or ping(dbapi_connection)

    engine.dialect.do_ping = ping_if_it_speaks  # type: ignore[method-assign]


def is_silent(connection: Any) -> bool:
    """Whether an idle PostgreSQL connection is open as far as this host knows: what the server closed has that to read.

    Asking the server would be one more round trip for each transaction.
    """
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def _begin_on_postgresql(connection: PoolProxiedConnection) -> None:
    """Queries of a reader need no transaction, which would take two more round trips: each sees what is committed by
    then, as it would in a transaction."""
    if connection.info.get(MODE) == READ_ONLY:
        driver: Any = connection.dbapi_connection
        driver.autocommit = True
    elif hurry.left is not None:
        connection.cursor().execute(f"SET LOCAL lock_timeout = {max(1, int(hurry.left * 1000))}")


def postgresql_options() -> dict[str, Any]:
    """How each connection notices that the other side is gone."""
    return {**SERVER_IS_GONE, "options": server_options(**HOST_IS_GONE, **STANDS_STILL)}


def server_options(**settings: int) -> str:
    """What a PostgreSQL session is begun with."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())

"""The connection to SQLite or PostgreSQL, and what each needs to keep the promises.

Plain SQLAlchemy, since the executor's threads and the commands have no Flask context. No session stays
open across a call to a remote system: read, close, call, write.
"""

import logging
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, Executable, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from app.storage import ownership
from app.storage.presence import Presence
from app.storage.storable_text import take_any_text

MODE = "mode"
READ_ONLY, REPEATABLE = "read only", "repeatable"
"""The kind of a connection's transactions, in its `info` until the connection is given back. Without it, they write,
and their commits last.

No execution options and no events of SQLAlchemy's, which cost more at each statement than SQLite needs for it.
"""
BUSY_SECONDS = 30
BUSY_PAUSE_SECONDS = 0.02
INSIST_ATTEMPTS = 6
SERVER_IS_GONE = {"keepalives_idle": 5, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 15000}
"""A PostgreSQL server that is gone without a word is noticed after 15 s, and not after as many minutes."""
HOST_IS_GONE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 3, "tcp_user_timeout": 16000}
"""So that the server notices a host that is gone: its transactions' locks are free 16 s after its last packet."""
STANDS_STILL = {"idle_in_transaction_session_timeout": 60000}
"""A process that stands still within a transaction locks others out for a minute at most. No transaction of ours waits
for anything, so the limit harms none."""

BUSY_AGAIN_SECONDS = 0.2
"""How long a thread in a hurry waits for the database when the last wait for it was in vain."""

log = logging.getLogger(__name__)


class _Hurry(threading.local):
    """How many more seconds this thread may wait for the database; None: no limit, as nobody waits for its answer."""

    left: float | None = None


_hurry = _Hurry()


def insert_if_new(session: Session, model: type[Any], unique: str, /, **values: Any) -> Any:
    """Insert a row unless one has the same `unique` value; returns its primary key, or None when there was one.

    Two at once make one row.
    """
    connection = connection_of(session)
    statement = _insertion_if_new(model.__table__, unique, connection.dialect.name)
    return connection.scalar(statement, values)


def rows_changed(session: Session, statement: Executable) -> int:
    """Execute an update or a delete; returns how many rows it changed."""
    return int(getattr(session.execute(statement), "rowcount", 0))


def connection_of(session: Session) -> Connection:
    """The connection of a session of this module, for statements on tables; what the session holds is not flushed.

    A session that is used for nothing else costs nothing: its own ways to the connection take longer than a statement.
    """
    return cast(Connection, session.bind)


@cache
def _insertion_if_new(table: Table, unique: str, dialect_name: str) -> Executable:
    """On the table, and built once: through the mapped class, it takes longer than SQLite needs to execute it."""
    dialect = sqlite if dialect_name == "sqlite" else postgresql
    statement: Executable = (
        dialect.insert(table).on_conflict_do_nothing(index_elements=[unique]).returning(*table.primary_key)
    )
    return statement


@contextmanager
def in_a_hurry(seconds: float) -> Iterator[None]:
    """During the block, this thread waits for a busy database for so many seconds in all.

    For work that somebody waits for, such as a request; an order's work waits for BUSY_SECONDS each time.
    """
    _hurry.left = seconds
    try:
        yield
    finally:
        _hurry.left = None


def _patience() -> float:
    return BUSY_SECONDS if _hurry.left is None else min(_hurry.left, BUSY_SECONDS)


@contextmanager
def _waiting() -> Iterator[float]:
    """Yields how many seconds to wait, and takes the time that passed off the seconds that the thread has left."""
    began, patience = time.monotonic(), _patience()
    try:
        yield patience
    finally:
        if _hurry.left is not None:
            _hurry.left = max(0.0, _hurry.left - (time.monotonic() - began))


class Database:
    """Sessions on the service's database; safe to share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.presence = Presence(self.path)
        self.engine = _sqlite_engine(url, self.path, self.presence) if self.is_sqlite else _postgresql_engine(url)
        take_any_text(self.engine)
        event.listen(self.engine, "checkin", self._end_mode)
        self._writing = threading.Lock()
        self._was_busy = False

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(make_url(self.url).database or "")

    def why_closed(self) -> str | None:
        """A sentence about the file that this process may not write; None when that is not what is wrong."""
        return ownership.why_closed(self.path) if self.is_sqlite else None

    @property
    def checkpoint_options(self) -> dict[str, Any]:
        """What the durable engine's own connections are opened with."""
        if self.is_sqlite:
            return {"factory": CheckpointConnection}
        return {"application_name": "engine", **_postgresql_options()}

    @contextmanager
    def write(self, *, repeatable: bool = False) -> Iterator[Session]:
        """A transaction that commits at the end of the block, and writes alone from its start on SQLite.

        `repeatable`: if this transaction is lost, its work is simply done again. On SQLite it reaches the disk with the
        next commit that is not repeatable; a power cut before that loses it, and all that came after it.
        """
        with self.turn():
            try:
                with self.engine.connect() as connection:
                    connection.info[MODE] = REPEATABLE if repeatable else None
                    with connection.begin(), session_in(connection) as session:
                        yield session
            except OperationalError:
                self.note_whether_busy(True)
                raise
            self.note_whether_busy(False)

    def insist(self, work: Callable[[Session], object], *, repeatable: bool = False) -> None:
        """Run `work` in a transaction, with retries: an effect whose outcome isn't recorded would need a person."""
        for attempt in range(1, INSIST_ATTEMPTS + 1):
            try:
                with self.write(repeatable=repeatable) as session:
                    work(session)
                return
            except OperationalError:
                if attempt == INSIST_ATTEMPTS:
                    raise
                log.warning("The database does not take an outcome; trying again")
                time.sleep(attempt * 0.5)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """On SQLite, take a lock, so that the process's threads write one by one: SQLite itself makes a thread that
        waits sleep and try again, up to 100 ms each time."""
        if self._was_busy and _hurry.left is not None:
            _hurry.left = min(_hurry.left, BUSY_AGAIN_SECONDS)
        if not self.is_sqlite:
            yield
            return
        with _waiting() as patience:
            is_mine = self._writing.acquire(timeout=patience)
        if not is_mine:
            self.note_whether_busy(True)
            raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("the database is busy"))
        try:
            yield
        finally:
            self._writing.release()

    def note_whether_busy(self, busy: bool) -> None:
        """Note whether the last wait for a transaction was in vain: the next threads in a hurry then wait less."""
        self._was_busy = busy

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for queries, each by itself; on SQLite they never wait for a writer."""
        with self.engine.connect() as connection:
            connection.info[MODE] = READ_ONLY
            with Session(connection, autoflush=False, expire_on_commit=False) as session:
                yield session

    def _end_mode(self, driver: Any, record: Any) -> None:
        """Take back what the mode of a connection's transactions changed, when the pool gets it back."""
        was_read_from = record.info.pop(MODE, None) == READ_ONLY
        if was_read_from and not self.is_sqlite and driver is not None and not driver.closed:
            driver.autocommit = False

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self.presence.leave()


def one_at_a_time(session: Session, lock: int) -> None:
    """Wait until no other transaction holds this lock; on SQLite only one transaction writes anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": lock})


@contextmanager
def session_in(connection: Connection) -> Iterator[Session]:
    """A session in the connection's transaction, flushed at the end of the block if it was used."""
    with Session(connection, expire_on_commit=False) as session:
        yield session
        if session.in_transaction():
            session.commit()


def _sqlite_engine(url: str, path: Path, presence: Presence) -> Engine:
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
        presence.enter(_patience())

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        connection.execute(f"PRAGMA busy_timeout={int(_patience() * 1000)}")
        _use_write_ahead_log(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _keep_private(path)

    engine.dialect.do_begin = _begin_on_sqlite  # type: ignore[method-assign, assignment]
    return engine


def _begin_on_sqlite(connection: PoolProxiedConnection) -> None:
    """A reader's queries need no transaction, as on PostgreSQL: each lets other threads run while SQLite begins it."""
    mode = connection.info.get(MODE)
    if mode == READ_ONLY:
        return
    _set(connection, "synchronous", "NORMAL" if mode == REPEATABLE else "FULL")
    with _waiting() as patience:
        _set(connection, "busy_timeout", int(patience * 1000))
        connection.cursor().execute("BEGIN IMMEDIATE")


def _set(connection: PoolProxiedConnection, pragma: str, value: object) -> None:
    if connection.info.get(pragma) != value:
        connection.cursor().execute(f"PRAGMA {pragma}={value}")
        connection.info[pragma] = value


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. Once per file that is a change: then SQLite doesn't wait for another writer,
    whatever `busy_timeout` says, so it is tried again."""
    deadline = time.monotonic() + _patience()
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


def _postgresql_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        pool_use_lifo=True,  # few connections do nearly all, and their statements are prepared soon
        pool_pre_ping=True,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={"connect_timeout": 5, **_postgresql_options()},
    )

    spare_pings(engine)
    engine.dialect.do_begin = _begin_on_postgresql  # type: ignore[method-assign, assignment]
    return engine


def spare_pings(engine: Engine) -> None:
    """Let a connection from the pool be asked whether it lives only where its socket has something to read."""
    ping = engine.dialect.do_ping

    def ping_if_it_speaks(dbapi_connection: Any) -> bool:
        return _is_silent(dbapi_connection) or ping(dbapi_connection)

    engine.dialect.do_ping = ping_if_it_speaks  # type: ignore[method-assign]


def _is_silent(connection: Any) -> bool:
    """Whether an idle connection is open as far as this host knows: one that the server closed has that to read.

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
    elif _hurry.left is not None:
        connection.cursor().execute(f"SET LOCAL lock_timeout = {max(1, int(_hurry.left * 1000))}")


def _postgresql_options() -> dict[str, Any]:
    return {**SERVER_IS_GONE, "options": server_options(**HOST_IS_GONE, **STANDS_STILL)}


def server_options(**settings: int) -> str:
    """What a PostgreSQL session is begun with."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())

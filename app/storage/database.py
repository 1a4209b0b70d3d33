"""Sessions on SQLite or PostgreSQL, and what each needs to keep the promises.

Plain SQLAlchemy, since the executor's threads and the commands have no Flask context. No session stays
open across a call to a remote system: read, close, call, write.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable, Table, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InvalidRequestError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.storage import ownership
from app.storage.engines import (
    MODE,
    READ_ONLY,
    REPEATABLE,
    CheckpointConnection,
    is_silent,
    postgresql_engine,
    postgresql_options,
    sqlite_engine,
)
from app.storage.patience import BUSY_AGAIN_SECONDS, Waiting, hurry
from app.storage.presence import Presence
from app.storage.storable_text import take_any_text

INSIST_ATTEMPTS = 6
KEPT = 5
"""So many sessions that read, and as many that write, stay open on their connections between two uses. To take a
connection from the pool and give it back costs more than the statements of most transactions."""
log = logging.getLogger(__name__)


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
    return session.bind  # type: ignore[return-value]


@cache
def _insertion_if_new(table: Table, unique: str, dialect_name: str) -> Executable:
    """On the table, and built once: through the mapped class, it takes longer than SQLite needs to execute it."""
    dialect = sqlite if dialect_name == "sqlite" else postgresql
    statement: Executable = (
        dialect.insert(table).on_conflict_do_nothing(index_elements=[unique]).returning(*table.primary_key)
    )
    return statement


class Database:
    """Sessions on the service's database; safe to share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.presence = Presence(self.path)
        self.engine = sqlite_engine(url, self.path, self.presence) if self.is_sqlite else postgresql_engine(url)
        take_any_text(self.engine)
        event.listen(self.engine, "checkin", self._end_mode)
        self._readers: list[Session] = []
        self._writers: list[Session] = []
        self.after_writing: list[Callable[[Connection], None]] = []
        """Called after each transaction that was committed, with its connection."""
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
        return {"application_name": "engine", **postgresql_options()}

    @contextmanager
    def write(self, *, repeatable: bool = False) -> Iterator[Session]:
        """A transaction that commits at the end of the block, and writes alone from its start on SQLite.

        `repeatable`: if this transaction is lost, its work is simply done again. On SQLite it reaches the disk with the
        next commit that is not repeatable; a power cut before that loses it, and all that came after it.
        """
        self._wait_for_turn()
        try:
            yield from self._transaction(repeatable)
        except OperationalError:
            self.note_whether_busy(True)
            raise
        else:
            self.note_whether_busy(False)
        finally:
            self._end_turn()

    @contextmanager
    def transaction(self, *, repeatable: bool = False) -> Iterator[Session]:
        """As `write`, for a thread that has its `turn`."""
        yield from self._transaction(repeatable)

    def _transaction(self, repeatable: bool) -> Iterator[Session]:
        kept = self._writers
        session = self._lend(kept, REPEATABLE if repeatable else None)
        connection = connection_of(session)
        try:
            transaction = connection.begin()
            yield session
            if session.in_transaction():
                session.commit()
            if transaction.is_active:  # not rolled back by its user
                transaction.commit()
            if connection.in_transaction():
                raise InvalidRequestError("Something was written when the block's transaction was over")
            _forget_rows(session)
        except BaseException:
            _give_up(session)
            raise
        for after in self.after_writing:
            after(connection)
        self._take_back(session, kept)

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
        self._wait_for_turn()
        try:
            yield
        finally:
            self._end_turn()

    def _wait_for_turn(self) -> None:
        if self._was_busy and hurry.left is not None:
            hurry.left = min(hurry.left, BUSY_AGAIN_SECONDS)
        if not self.is_sqlite or self._writing.acquire(blocking=False):
            return
        with Waiting() as seconds:
            is_mine = self._writing.acquire(timeout=seconds)
        if not is_mine:
            self.note_whether_busy(True)
            raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("the database is busy"))

    def _end_turn(self) -> None:
        if self.is_sqlite:
            self._writing.release()

    def note_whether_busy(self, busy: bool) -> None:
        """Note whether the last wait for a transaction was in vain: the next threads in a hurry then wait less."""
        self._was_busy = busy

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for queries, each by itself; on SQLite they never wait for a writer."""
        kept = self._readers
        session = self._lend(kept, READ_ONLY)
        try:
            yield session
            _forget_rows(session)
        except BaseException:
            _give_up(session)
            raise
        self._take_back(session, kept)

    def _lend(self, kept: list[Session], mode: str | None) -> Session:
        """A session on a connection that nobody else uses: the one that was used last, whose pages and statements are
        still there, or else a new one."""
        with suppress(IndexError):  # all are in use
            while not self._is_fit(session := kept.pop(), mode):
                connection_of(session).invalidate()
                _give_up(session)
            connection_of(session).info[MODE] = mode
            return session
        session = Session(self.engine.connect(), autoflush=mode != READ_ONLY, expire_on_commit=False)
        connection_of(session).info[MODE] = mode
        return session

    def _is_fit(self, session: Session, mode: str | None) -> bool:
        """Whether its server is there, and nothing is left that somebody did after their block."""
        connection = connection_of(session)
        is_open = not connection.invalidated and (self.is_sqlite or is_silent(connection.connection.dbapi_connection))
        return is_open and not session.in_transaction() and (mode == READ_ONLY or not connection.in_transaction())

    def _take_back(self, session: Session, kept: list[Session]) -> None:
        """Keep a session for its next use, unless all were closed meanwhile."""
        if len(kept) < KEPT and (kept is self._readers or kept is self._writers):
            kept.append(session)
        else:
            connection_of(session).close()

    def _end_mode(self, driver: Any, record: Any) -> None:
        """Take back what the mode of a connection's transactions changed, when the pool gets it back."""
        was_read_from = record.info.pop(MODE, None) == READ_ONLY
        if was_read_from and not self.is_sqlite and driver is not None and not driver.closed:
            driver.autocommit = False

    def close_connections(self) -> None:
        """Close all connections; those in use are closed when they are given back."""
        idle, self._readers, self._writers = [self._readers, self._writers], [], []
        for kept in idle:
            while kept:
                connection_of(kept.pop()).close()
        self.engine.dispose()

    def dispose(self) -> None:
        """Close all connections, and let others have the file for themselves."""
        self.close_connections()
        self.presence.leave()


def _forget_rows(session: Session) -> None:
    """What a block read is read anew by the next; a session that only gave its connection has nothing to forget."""
    if session.in_transaction() or session.identity_map:
        session.close()


def _give_up(session: Session) -> None:
    """Close a session in whatever state its transaction is; the pool rolls back what was not committed."""
    connection = connection_of(session)
    with suppress(SQLAlchemyError):
        session.close()
        connection.rollback()  # after a commit that failed, `close` alone would take it for rolled back
    connection.close()


def one_at_a_time(session: Session, lock: int) -> None:
    """Wait until no other transaction holds this lock; on SQLite only one transaction writes anyway."""
    connection = connection_of(session)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(key)s)", {"key": lock})


@contextmanager
def session_in(connection: Connection) -> Iterator[Session]:
    """A session in the connection's transaction, flushed at the end of the block if it was used."""
    with Session(connection, expire_on_commit=False) as session:
        yield session
        if session.in_transaction():
            session.commit()

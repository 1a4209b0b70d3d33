"""The connection to SQLite or PostgreSQL, and what each needs to keep the promises.

Plain SQLAlchemy, since the executor's threads and the commands have no Flask context. No session stays
open across a call to a remote system: read, close, call, write.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Engine, Executable, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

READ_ONLY = {"read_only": True}
BUSY_SECONDS = 30
INSIST_ATTEMPTS = 6

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class _Waiting(Generic[Result]):
    """A thread's work that waits for its commit; `error` is None when it has one."""

    def __init__(self, work: Callable[[Session], Result]) -> None:
        self.work = work
        self.result: Result | None = None
        self.error: Exception | None = OperationalError("COMMIT", None, InterruptedError("broken off"))


def insert_if_new(session: Session, model: type[Any], unique: str, /, **values: Any) -> bool:
    """Insert a row unless one with the same `unique` column is there; whether it was new. Two at once make one row."""
    statement = _insertion_if_new(model.__table__, unique, session.get_bind().dialect.name)
    return session.connection().execute(statement, values).first() is not None


@cache
def _insertion_if_new(table: Table, unique: str, dialect_name: str) -> Executable:
    """On the table, and built once: through the mapped class, it takes longer than SQLite needs to execute it."""
    dialect = sqlite if dialect_name == "sqlite" else postgresql
    statement: Executable = (
        dialect.insert(table).on_conflict_do_nothing(index_elements=[unique]).returning(table.c[unique])
    )
    return statement


class Database:
    """Sessions on the service's database; safe to share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)
        self._writing = threading.Lock()
        self._waiting: list[_Waiting[Any]] = []
        self._waiting_lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(make_url(self.url).database or "")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end of the block, and writes alone from its start on SQLite."""
        with self._turn() if self.is_sqlite else nullcontext(), self._transaction() as session:
            yield session

    def write_together(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` in a transaction, and return its result when that is committed.

        On SQLite, where a commit takes longer than the work, threads that wait for their turn share the next
        transaction. `work` does nothing but query and write: when any of a transaction fails, each is done again alone.
        """
        if not self.is_sqlite:
            with self._transaction() as session:
                return work(session)
        mine = _Waiting(work)
        with self._waiting_lock:
            self._waiting.append(mine)
        with self._turn():
            with self._waiting_lock:
                those, self._waiting = (self._waiting, []) if mine in self._waiting else ([], self._waiting)
            self._commit(those)
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[return-value]

    def _commit(self, those: Sequence[_Waiting[Any]]) -> None:
        if not those:
            return
        try:
            with self._transaction() as session:
                results = [each.work(session) for each in those]
        except Exception as error:
            if len(those) == 1:
                those[0].error = error
                return
            for each in those:
                self._commit([each])
        else:
            for each, result in zip(those, results, strict=True):
                each.result, each.error = result, None

    def insist(self, work: Callable[[Session], None]) -> None:
        """Run `work` in a transaction, with patience: an effect whose outcome isn't recorded would need a person."""
        for attempt in range(1, INSIST_ATTEMPTS + 1):
            try:
                with self.write() as session:
                    work(session)
                return
            except OperationalError:
                if attempt == INSIST_ATTEMPTS:
                    raise
                log.warning("The database does not take an outcome; trying again")
                time.sleep(attempt * 0.5)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The process's threads write one after the other: SQLite itself makes them sleep and try, up to 100 ms."""
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("the database is busy"))
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for queries; on SQLite it never waits for a writer."""
        connection = self.engine.connect().execution_options(**READ_ONLY)
        with connection, Session(connection, expire_on_commit=False) as session:
            yield session

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    path = Path(make_url(url).database or "")
    with suppress(OSError):  # a folder that can't be made is told by the first connection
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=20,
        hide_parameters=True,  # an error's text goes to the log
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        _keep_private(path)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _keep_private(path: Path) -> None:
    """Customers' data is in there: nobody but the service's user and group reads it."""
    if path.exists() and path.stat().st_mode & 0o007:
        path.chmod(path.stat().st_mode & 0o770)


def _postgresql_engine(url: str) -> Engine:
    return create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        pool_pre_ping=True,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={"connect_timeout": 5},
    )

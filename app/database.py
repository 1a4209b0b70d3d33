"""The connection to SQLite or PostgreSQL, and what each needs to keep the promises.

Plain SQLAlchemy, since the executor's threads and the commands have no Flask context. No session stays
open across a call to a remote system: read, close, call, write.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

READ_ONLY = {"read_only": True}


class Database:
    """Sessions on the service's database; safe to share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return Path(make_url(self.url).database or "")

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end of the block, and writes alone from its start on SQLite."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

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
        connect_args={"timeout": 30, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
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

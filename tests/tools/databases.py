"""The database that the tests are about: SQLite, or PostgreSQL with `pytest --database postgresql`."""

import fcntl
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from app.setup import database_upgrade
from app.storage.database import Database
from tests.tools.postgres import PostgresServer

kind = "sqlite"
"""Set when the tests start."""

shared = Path(tempfile.gettempdir())
"""The folder that all test processes of a run have; set when the tests start."""

_running: list[PostgresServer] = []
_with_tables: list[str] = []
TABLES = "tables"
"""The PostgreSQL database that others are copies of."""


def url_in(folder: Path) -> str:
    """The address of the folder's own database."""
    return server().database_for(folder) if kind == "postgresql" else f"sqlite:///{folder}/handler.db"


def with_tables(url: str) -> None:
    """Give a SQLite database that nobody made yet its tables, by a copy: the migrations take longer than most tests."""
    path = make_url(url).database
    if kind == "sqlite" and url.startswith("sqlite:") and path and not Path(path).exists():
        shutil.copy(_template(), path)


def _template() -> Path:
    """A SQLite database with all tables and no rows, made by the test process of a run that asks for it first."""
    path = shared / "tables.db"
    with (shared / "tables.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            database = Database(f"sqlite:///{shared}/growing.db")
            database_upgrade.upgrade_tables(database)
            database.dispose()
            (shared / "growing.db").rename(path)
    return path


def on_postgresql_with_tables(folder: Path) -> str:
    """The address of the folder's own PostgreSQL database with all tables and no rows, copied as on SQLite."""
    if not _with_tables:
        template = Database(server().database(TABLES).replace("postgresql://", "postgresql+psycopg://"))
        database_upgrade.upgrade_tables(template)
        template.dispose()
        _with_tables.append(TABLES)
    return server().database_for(folder, template=TABLES)


def server() -> PostgresServer:
    """This test process's PostgreSQL server, started when it is asked for first."""
    if not _running:
        _running.append(PostgresServer().__enter__())
    return _running[0]


def stop() -> None:
    """End the server, if it runs."""
    while _running:
        _running.pop().__exit__()

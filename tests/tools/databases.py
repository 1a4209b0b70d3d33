"""The database that the tests are about: SQLite, or PostgreSQL with `pytest --database postgresql`."""

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from app.setup import database_upgrade
from app.storage.database import Database
from tests.tools.postgres import PostgresServer

kind = "sqlite"
"""Set when the tests start."""

_running: list[PostgresServer] = []
_templates: list[Path] = []
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
    """A SQLite database with all tables and no rows, made once by each process of the tests."""
    if not _templates:
        path = Path(tempfile.mkdtemp(prefix="tables-")) / "template.db"
        database = Database(f"sqlite:///{path}")
        database_upgrade.upgrade_tables(database)
        database.dispose()
        _templates.append(path)
    return _templates[0]


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
    """End the server, if it runs, and take the template away."""
    while _running:
        _running.pop().__exit__()
    _with_tables.clear()
    while _templates:
        shutil.rmtree(_templates.pop().parent)

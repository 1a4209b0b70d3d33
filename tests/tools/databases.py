"""The database that the tests are about: SQLite, or PostgreSQL with `pytest --database postgresql`."""

from pathlib import Path

from tests.tools.postgres import PostgresServer

kind = "sqlite"
"""Set when the tests start."""

_running: list[PostgresServer] = []


def url_in(folder: Path) -> str:
    """The address of the folder's own database."""
    return server().database_for(folder) if kind == "postgresql" else f"sqlite:///{folder}/handler.db"


def server() -> PostgresServer:
    """This test process's PostgreSQL server, started when it is asked for first."""
    if not _running:
        _running.append(PostgresServer().__enter__())
    return _running[0]


def stop() -> None:
    """End the server, if it runs."""
    while _running:
        _running.pop().__exit__()

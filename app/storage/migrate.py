"""The versions of our tables, and the way to the newest one, by Alembic."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from app.storage import ownership
from app.storage.database import Database
from config import PROJECT

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = PROJECT / "migrations" / "versions"
ADVISORY_LOCK = 5050_444
LOCK_EVERY_SECONDS = 0.2
LONGEST_STATEMENT = 300
EARLY = frozenset({"0001", "0002", "0003", "0004"})
"""Versions from before the first release; `0005` adds whatever they lack."""


class MigrationFailed(Exception):
    """A step to a newer version failed; the text names the version before it, and the database's words."""


def upgrade(database: Database) -> None:
    """Bring our tables to the newest version. Whoever calls it is `alone`; cheap when there is nothing to do."""
    if is_current(database):
        return
    from alembic import command  # noqa: PLC0415 - takes a tenth of a start, and is needed after a deploy

    with database.engine.connect() as connection:
        try:
            _forget_early_version(connection)
            command.upgrade(alembic_config(connection), "head")
        except DBAPIError as error:
            raise MigrationFailed(_what_failed(database, error)) from error
        connection.commit()


def _forget_early_version(connection: Connection) -> None:
    if _version_in(connection) in EARLY:
        connection.execute(text("delete from alembic_version"))


def _what_failed(database: Database, error: DBAPIError) -> str:
    said = str(error.orig).partition("\n")[0]
    statement = " ".join(str(error.statement).split())
    return f"The migration from version {version_of(database)} failed: {said} ({statement[:LONGEST_STATEMENT]})"


def is_current(database: Database) -> bool:
    """Whether the database has all that this program needs: its newest version, or that of a newer program.

    A deploy that was taken back leaves the newer version's tables: they have all that this program needs, and more.
    """
    version = version_of(database)
    return version == newest() or (version is not None and not knows(version))


def version_of(database: Database) -> str | None:
    """The version of our tables; None in an empty database."""
    with database.read() as session:
        return _version_in(session.connection())


def _version_in(connection: Connection) -> str | None:
    """As Alembic keeps it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("select version_num from alembic_version"))
    return version


def newest() -> str | None:
    """The newest version there is."""
    return _versions()[0]


def alembic_config(connection: object = None) -> "Config":
    """Alembic's configuration, on an open connection."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(PROJECT / "migrations"))
    config.attributes["connection"] = connection
    return config


def knows(version: str | None) -> bool:
    """Whether this program knows the version, and so can bring the database up to date; a newer program's it can't."""
    return version in _versions()[1] | EARLY


@cache
def _versions() -> tuple[str | None, frozenset[str]]:
    """The newest and all versions, as this process first found them: a deploy changes the folder while it runs.

    Read from the numbers at the beginning of the files' names, because reading the files would need Alembic.
    """
    versions = sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))
    return (versions[-1] if versions else None), frozenset(versions)


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """One process at a time changes the tables."""
    if database.is_sqlite:
        path = Path(f"{database.path}.upgrade.lock")
        ownership.make_folder(path.parent)
        ownership.make_file(path)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with database.engine.connect() as connection:
        # Poll for the lock: waiting for it inside a statement would hold up the engine's concurrent index builds, which
        # wait for every statement, so that both would wait for each other for ever.
        while not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}):
            connection.commit()
            time.sleep(LOCK_EVERY_SECONDS)
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()

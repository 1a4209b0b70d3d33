"""Upgrades the database: our tables, the engine's, and rows that the settings or former versions require.

Each start does it, because a callback could not be stored in an old database; `db upgrade` does it beforehand.
"""

import re

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.durable import engine
from app.people import users
from app.provisioning import order_search_rows
from app.provisioning.causes import open_causes
from app.provisioning.plans import plan_table
from app.storage import migrate, moves
from app.storage.database import Database
from config import Settings


def upgrade(database: Database, settings: Settings) -> None:
    """Upgrade to the newest version; safe from several processes at once, and cheap when there is nothing to do.

    Raises `moves.DatabaseMoved` for a database whose content is elsewhere, and `migrate.MigrationFailed`.
    """
    moves.refuse_moved(database)
    with migrate.alone(database):
        _upgrade_all(database)
        with database.write() as session:
            plan_table.seed(session, settings)
            users.seed(session, settings)
        order_search_rows.backfill(database)
        open_causes.backfill(database)


def upgrade_tables(database: Database) -> None:
    """Create or upgrade the tables alone, and add no rows."""
    with migrate.alone(database):
        _upgrade_all(database)


def _upgrade_all(database: Database) -> None:
    migrate.upgrade(database)
    engine.migrate(database)


def why_unusable(database: Database, error: Exception) -> str:
    """Why a start or a check can't use the database, in one line for people, without passwords."""
    if not isinstance(error, SQLAlchemyError | OSError):
        return str(error)
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    cause = re.sub(r"^connection failed: ", "", said)
    return database.why_closed() or f"The database {_place(database)}: {cause}"


def _place(database: Database) -> str:
    """The file, or the name of a database with its host."""
    if database.is_sqlite:
        return str(database.path)
    parts = make_url(database.url)
    host = f"{parts.host or 'of this machine'}{f':{parts.port}' if parts.port else ''}"
    return f"{parts.database} on {host}, as {parts.username}"

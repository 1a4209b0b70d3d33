"""Remembers which databases this installation has used: if one is gone or empty now, this is no first start.

A disk that is not mounted looks like a fresh installation, and acknowledged orders would be missing. So the databases
are noted in another place than the database's own disk: beside the ticket texts.
"""

import logging
from pathlib import Path

from sqlalchemy import make_url

from app.storage import migrate, ownership
from app.storage.database import Database
from config import Settings

FILE = ".databases"
MOST_KEPT = 20

log = logging.getLogger(__name__)


class DatabaseMissing(Exception):
    """A database that was used here is gone; the text says what to do."""


def refuse_missing(database: Database, settings: Settings) -> None:
    """Raises `DatabaseMissing` when this installation has used the database before, and it is gone or empty now."""
    place = _place(database)
    if place not in _known(settings) or not _is_missing(database):
        return
    there = "no such file" if database.is_sqlite and not database.path.exists() else "an empty one"
    raise DatabaseMissing(
        f"The database is gone: {place} was in use here, and now there is {there}. Orders are in it"
        " that nobody else has. Is its disk mounted, and is DATABASE_URL right? To put a backup in its place:"
        " utopia-handler db restore FILE. To begin with an empty one: utopia-handler db upgrade --new"
    )


def remember(database: Database, settings: Settings) -> None:
    """Note that the database is used here; logs a warning when the note can't be written."""
    place, known = _place(database), _known(settings)
    if known[-1:] == [place]:
        return
    ownership.make_file(_file(settings))
    kept = [*(each for each in known if each != place), place][-MOST_KEPT:]
    try:
        _file(settings).write_text("".join(f"{each}\n" for each in kept), encoding="utf-8")
    except OSError as error:
        log.warning("%s can't be written (%s): a database that is lost would go unnoticed", FILE, error.strerror)


def _place(database: Database) -> str:
    if database.is_sqlite:
        return str(database.path.resolve())
    url = make_url(database.url)
    return f"postgresql://{url.host or ''}:{url.port or 5432}/{url.database}"


def _is_missing(database: Database) -> bool:
    if database.is_sqlite and not (database.path.exists() and database.path.stat().st_size):
        return True
    return migrate.version_of(database) is None


def _known(settings: Settings) -> list[str]:
    try:
        return _file(settings).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _file(settings: Settings) -> Path:
    return settings.ticket_template_dir / FILE

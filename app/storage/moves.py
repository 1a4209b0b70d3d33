"""The mark of a database that was moved: nothing may be done with the old one any more.

Programs call `refuse_moved` before they work. Processes that were never stopped, or that don't ask, are refused by the
database itself: triggers let nobody write.
"""

from typing import cast

from sqlalchemy import Connection, Table, delete, insert, select, text, update

from app.models import Base, DatabaseMove, now
from app.storage.database import Database

TABLE = cast(Table, DatabaseMove.__table__)
THERE_IS = "select 1 from sqlite_master where type = 'table' and name = 'database_moves'"
CLOSED = "create trigger if not exists moved_{0}_{1} before {0} on {1} begin select raise(abort, 'moved'); end"
OPENED = "drop trigger if exists moved_{0}_{1}"


class DatabaseMoved(RuntimeError):
    """The database was moved to another one; the text is a line for people."""


def refuse_moved(database: Database) -> None:
    """Raises `DatabaseMoved` for a SQLite database whose content is elsewhere, or may be."""
    move = of(database) if database.is_sqlite and database.path.exists() else None
    if move is None:
        return
    if move.arrived_at is None:
        raise DatabaseMoved(
            f"A move of this database to {move.address} was broken off. Run it again: utopia-handler db copy --to URL"
            "; or take it back: with --undo"
        )
    raise DatabaseMoved(
        f"This database was moved to {move.address} on {move.arrived_at:%Y-%m-%d %H:%M} UTC: set DATABASE_URL to that"
    )


def of(database: Database) -> DatabaseMove | None:
    """The move that a database has gone through or come from; None for most."""
    with database.read() as session:
        if database.is_sqlite and session.scalar(text(THERE_IS)) is None:
            return None
        return session.scalar(select(DatabaseMove).limit(1))


def close(here: Connection, move: DatabaseMove) -> None:
    """Close the old database to all writes, from the transaction's commit on."""
    here.execute(delete(DatabaseMove))
    here.execute(insert(DatabaseMove).values(key=move.key, address=move.address, content=move.content))
    for statement in _for_each_table(CLOSED):
        here.execute(text(statement))


def arrived(database: Database) -> None:
    """Note that the new database has everything."""
    with database.write() as session:
        session.execute(update(DatabaseMove).values(arrived_at=now()))


def open_again(database: Database) -> None:
    """Take the move back, and let the database be written again."""
    with database.write() as session:
        for statement in _for_each_table(OPENED):
            session.execute(text(statement))
        session.execute(delete(DatabaseMove))


def _for_each_table(statement: str) -> list[str]:
    tables = [table.name for table in Base.metadata.sorted_tables if table is not TABLE]
    return [statement.format(event, table) for table in tables for event in ("insert", "update", "delete")]

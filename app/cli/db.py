"""`flask db`: the database: its version, its backups, and the way from SQLite to PostgreSQL."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from sqlalchemy.exc import SQLAlchemyError

from app.cli.base import Commands, as_json, database_trouble, moment, ready_services, services, show
from app.durable.locks import executing
from app.models import now
from app.safekeeping import (
    after_restore,
    backup_inspection,
    known_databases,
    nightly_backup,
    postgresql_move,
    sqlite_backup,
    sqlite_restore,
)
from app.safekeeping.exclusive_use import STOP_FIRST
from app.setup import database_upgrade
from app.storage import migrate, moves
from app.storage.database import Database

db = Commands("db", help="The database.")

MOST_SHOWN = 20
UPGRADE_IS_DUE = 3


@db.command("upgrade")
@click.option("--new", is_flag=True, help="Make an empty database, where the one that was in use is gone.")
def upgrade(new: bool) -> None:
    """Create the database or bring it up to date."""
    database, settings = services().database, services().settings
    try:
        if not new:
            known_databases.refuse_missing(database, settings)
        database_upgrade.upgrade(database, settings)
        known_databases.remember(database, settings)
    except OSError as error:
        raise database_trouble(database, error) from None
    click.echo("The database is up to date.")


@db.command("check")
@as_json
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:
    """Say whether an upgrade is due, and change nothing. Exit code 3: one is."""
    database = services().database
    moves.refuse_moved(database)
    is_new = database.is_sqlite and not database.path.exists()
    result = {
        "current": not is_new and migrate.is_current(database),
        "version": None if is_new else migrate.version_of(database),
        "newest": migrate.newest(),
    }
    show(result, as_json=as_json, in_words=_checked_in_words)
    if not result["current"]:
        context.exit(UPGRADE_IS_DUE)


@db.command("backup")
@click.argument("place", type=click.Path(path_type=Path), metavar="FOLDER_OR_FILE")
@click.option(
    "--keep", "kept", default=nightly_backup.KEPT, type=click.IntRange(min=1), help="How many stay in FOLDER (7)."
)
@as_json
@click.pass_context
def back_up(context: click.Context, place: Path, kept: int, as_json: bool) -> None:
    """Back the database up while the service runs or not, SQLite or PostgreSQL.

    Into a folder: a new file, beside it one with .env and what counts besides; the oldest go, and the service knows of
    it. To a file: that one alone, replacing one of that name.
    """
    own, place = services(), place.absolute()
    if context.get_parameter_source("kept") is ParameterSource.COMMANDLINE and not place.is_dir():
        raise click.ClickException(f"--keep goes with a folder, and {place} is none. Make it first: mkdir {place}")
    moves.refuse_moved(own.database)
    made = nightly_backup.make_in(own, place, kept) if place.is_dir() else nightly_backup.make(own.database, place)
    show(made, as_json=as_json, in_words=_backup_in_words)


@db.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Change nothing, and say what is in FILE.")
@as_json
def put_back(file: Path, only_check: bool, as_json: bool) -> None:
    """Put the backup FILE in the database's place, with the service stopped. The database until now is kept."""
    own = services()
    if only_check:
        _look_at(own.database, file.absolute(), as_json=as_json)
        return
    if not own.database.is_sqlite:
        raise click.ClickException(
            "Restore PostgreSQL with its own program, pg_restore; then: utopia-handler db restored --made TIME"
        )
    restored = sqlite_restore.restore(own, file.absolute())
    show(restored, as_json=as_json, in_words=_restored_in_words)


@db.command("restored")
@click.option("--made", required=True, help="When the backup was made, such as 2026-11-20T02:00.")
@as_json
def settle_restored(made: str, as_json: bool) -> None:
    """Settle a database that was put back by other means, such as pg_restore, before the service starts."""
    own = ready_services()
    try:
        made_at = datetime.fromisoformat(made)
    except ValueError:
        raise click.ClickException("--made must be a time such as 2026-11-20T02:00") from None
    made_at = made_at if made_at.tzinfo else made_at.replace(tzinfo=own.settings.zone)
    if made_at > now():
        raise click.ClickException("--made is in the future")
    if executing(own.database):
        raise click.ClickException(STOP_FIRST)
    show(after_restore.settle(own, made_at), as_json=as_json, in_words=_settled_in_words)


@db.command("copy")
@click.option("--to", "url", required=True, help="An empty PostgreSQL database: postgresql://user:password@host/name.")
@click.option("--undo", is_flag=True, help="Take a copy back, as long as nothing happened over there.")
@as_json
def copy(url: str, undo: bool, as_json: bool) -> None:
    """Move everything from SQLite to PostgreSQL, with the service stopped, and check that all of it arrived."""
    own = services()
    if undo:
        address = postgresql_move.undo(own, url)
        words = f"Taken back: {address} is empty, and this database is used again."
        show({"taken_back_from": address}, as_json=as_json, in_words=lambda _undone: words)
        return
    try:
        moved = postgresql_move.move(own, url, lambda line: click.echo(f"  {line}", err=True))
    except SQLAlchemyError:
        moves.refuse_moved(own.database)  # a move that was interrupted at its very end has a message of its own
        raise
    show(moved, as_json=as_json, in_words=_moved_in_words)


def _look_at(database: Database, file: Path, *, as_json: bool) -> None:
    found = backup_inspection.inspect(file, _present_version(database))
    show(found, as_json=as_json, in_words=_inspected_in_words)
    if found.needs_newer_program:
        raise click.ClickException(f"{file} was made by a newer version of this program; install that first")


def _present_version(database: Database) -> str | None:
    """The version of the present database: a backup with this version can always be restored."""
    if database.is_sqlite and not database.path.exists():
        return None
    try:
        return migrate.version_of(database)
    except SQLAlchemyError:
        return None


def _checked_in_words(checked: dict[str, Any]) -> str:
    if checked["current"]:
        return f"The database is up to date ({checked['version']})."
    version = checked["version"] or "nothing"
    return f"An upgrade is due, from {version} to {checked['newest']}: utopia-handler db upgrade"


def _backup_in_words(made: sqlite_backup.Backup) -> str:
    line = f"{made.file}: {made.bytes / 1e6:.1f} MB, {made.orders} orders, as of {moment(made.made_at)}"
    return f"{line}\nBeside it: {', '.join(made.beside)}" if made.beside else line


def _inspected_in_words(found: backup_inspection.Inspected) -> str:
    newest = f", the newest {found.newest_order}" if found.newest_order else ""
    kind = "PostgreSQL" if found.of_postgresql else "SQLite"
    made = moment(found.made_at) if found.made_at else "a time that it does not tell"
    beside = ", ".join(found.beside) if found.beside else "nothing, not even .env"
    return "\n".join(
        [
            f"{found.file} is whole: {kind}, as of {made}.",
            f"In it: {found.orders} orders{newest}; {found.callbacks} callbacks; version {found.version}.",
            f"Beside it: {beside}.",
            "Nothing was changed.",
        ]
    )


def _settled_in_words(settled: after_restore.Settled) -> str:
    made = moment(settled.made_at)
    lines = [f"This is how it was at {made}. What happened after that is not in it; nothing is done twice for it:"]
    lines += _named(settled.need_look, "was in work and needs a look now", "were in work and need a look now")
    decided = "waited for a person, who may have decided since: look in PowerCode first"
    lines += _named(settled.waited, decided, decided)
    lines += _named(settled.go_on, "had just come in and goes on by itself", "had just come in and go on")
    if settled.digest_window_starts_on:
        lines.append(f"Digest: one was due since. The next one reports from {settled.digest_window_starts_on} on.")
    lines.append("Digest: what was due until now is not made up. If somebody sent one by hand, wait for the next week.")
    lines += [
        f"Digest run {run} was under way: say for each customer whether it arrived (console, Digests)."
        for run in settled.digests_broken_off
    ]
    lines.append(
        "Everybody has to sign in again, with the password of that time; plans and people are of that time too."
    )
    return "\n".join(lines)


def _restored_in_words(restored: sqlite_restore.Restored) -> str:
    lines = [f"Restored: {restored.orders} orders, {restored.callbacks} callbacks."]
    if restored.kept_as:
        lines.append(f"The database until now is kept as {restored.kept_as}")
    lines.append(_settled_in_words(restored))
    if restored.not_in_it is None:
        lines.append("Which orders came since is not known: ask UTOPIA, or look at the mails.")
    else:
        lines += _named(restored.not_in_it, "came since; take it in again", "came since; take them in again")
    lines.append("To take an order in: utopia-handler orders submit REF (an account that is there is found)")
    return "\n".join(lines)


def _named(orderrefs: list[str], one: str, several: str) -> list[str]:
    if not orderrefs:
        return []
    shown = ", ".join(orderrefs[:MOST_SHOWN]) + (", ..." if len(orderrefs) > MOST_SHOWN else "")
    how_many = f"1 order {one}" if len(orderrefs) == 1 else f"{len(orderrefs)} orders {several}"
    return [f"{how_many}: {shown}"]


def _moved_in_words(moved: postgresql_move.Moved) -> str:
    width = max((len(name) for name in moved.rows), default=0)
    lines = [f"{name:{width}} {count:>9,}" for name, count in moved.rows.items()]
    lines.append(f"Everything is in {moved.address}, counted and compared.")
    lines.append(f"{moved.orders_at_work} orders go on there when the service starts.")
    lines.append("Set DATABASE_URL to it now. The old database is closed, and kept as it is.")
    return "\n".join(lines)

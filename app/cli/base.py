"""What the commands share: the services, an up-to-date database, JSON, and the operator's name."""

import getpass
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from app.digest import ledger
from app.digest.report.sources import SourceUnreadable
from app.people import passwords, users
from app.provisioning import order_search, review
from app.provisioning.plans import plan_changes
from app.provisioning.problems import PROBLEMS
from app.safekeeping import known_databases, moved_rows, postgresql_move, sqlite_backup, sqlite_restore
from app.services import Services, services_of
from app.storage import migrate, moves, presence
from app.storage.database import Database

NAME = "utopia-handler"
"""The command that administrators type; it calls another program (flask)."""

PROBLEM = click.Choice([str(code) for code in PROBLEMS])
SAID = (
    (r"is not a valid integer( range)?", "is no whole number"),
    (r"is not in the range (\S+)<=x<=(\S+)", r"is not from \1 to \2"),
    (r"is not in the range x>=(\S+)", r"is less than \1"),
    (r"does not match the formats?.*", "is no day such as 2026-11-20"),
    ("is not one of", "does not fit; there are"),
)
"""The library's messages about values, and the words that people use."""

REFUSALS = (
    moves.DatabaseMoved,
    migrate.MigrationFailed,
    known_databases.DatabaseMissing,
    presence.InUse,
    sqlite_backup.BackupFailed,
    sqlite_restore.RestoreRefused,
    postgresql_move.NotMoved,
    moved_rows.NotTaken,
    review.NotPossible,
    plan_changes.NotChanged,
    ledger.AlreadyUnderWay,
    ledger.ImportRefused,
    SourceUnreadable,
    users.NotPossible,
    passwords.WeakPassword,
)
"""Errors whose text is a sentence for people: a command that ends with one prints it, and nothing else."""


class Called(click.Context):
    """The context of a command, under the name that people type."""

    @property
    def command_path(self) -> str:
        """`utopia-handler orders`."""
        return f"{NAME} {self.info_name}"


class Command(click.Command):
    """A command that reports wrong arguments in one line."""

    context_class = Called

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        """Take the words that it was called with."""
        with _words_that_fit():
            return super().make_context(*given, **more)


class AllCommands(AppGroup):
    """The commands of the application."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; an unknown name is reported in one line."""
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing:
            raise WrongWords(f"There is no command {cmd_name}. See {NAME} --help")
        return found


class Commands(Command, AppGroup):
    """A group of commands that reports a refusal, an unusable database or file, and wrong arguments in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with _words_that_fit():
                return super().invoke(ctx)
        except REFUSALS as why:
            raise click.ClickException(str(why)) from None
        except BrokenPipeError:
            raise  # click ends without a word when nobody reads on
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'This machine'}: {error.strerror or error}") from None
        except SQLAlchemyError as error:
            app = ctx.ensure_object(ScriptInfo).load_app()
            raise database_trouble(services_of(app).database, error) from None


def database_trouble(database: Database, error: Exception) -> click.ClickException:
    """The line about a database that can't be used; it names the file's owner where that is the reason."""
    words = f"The database can't be used ({type(error).__name__}). See DATABASE_URL"
    return click.ClickException(database.why_closed() or words)


class WrongWords(click.ClickException):
    """A command was called with unknown arguments, or without required ones."""

    exit_code = 2


@contextmanager
def _words_that_fit() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        raise _in_one_line(error) from None


def _in_one_line(error: click.UsageError) -> click.ClickException:
    """The error in one line, like all errors of the commands; for a group without a command, its help instead."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error
    command = f" See {error.ctx.command_path} --help" if error.ctx else ""
    return WrongWords(f"{' '.join(_our_words(error).split()).rstrip('.')}.{command}")


def _our_words(error: click.UsageError) -> str:
    """What is wrong in plain words; the library's own message where that is clear."""
    match error:
        case click.NoSuchOption():
            near = f"; do you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
            return f"There is no option {error.option_name}{near}"
        case click.MissingParameter() if error.param is not None:
            return f"{error.param.get_error_hint(error.ctx)} is missing" if error.ctx else error.format_message()
        case click.BadParameter() if error.param is not None and error.ctx is not None:
            return f"{error.param.get_error_hint(error.ctx)}: {_as_people_say_it(error.message)}"
    unknown = re.match(r"No such command '(.+)'", error.message)
    return f"There is no command {unknown[1]}" if unknown else error.format_message()


def _as_people_say_it(words: str) -> str:
    for theirs, ours in SAID:
        words = re.sub(theirs, ours, words)
    return words


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def services() -> Services:
    """The services of this process."""
    return services_of(current_app)


def ready_services() -> Services:
    """The services, with a database that can be used; a clear error otherwise."""
    ready = services()
    moves.refuse_moved(ready.database)
    if not migrate.is_current(ready.database):
        raise click.ClickException("The database is not up to date. Run: utopia-handler db upgrade")
    return ready


def as_it_is_written(ready: Services, orderref: str) -> str:
    """The order's reference in its stored spelling, found in any case; an unknown reference is returned unchanged."""
    with ready.database.read() as session:
        return order_search.order_called(session, orderref) or orderref


def show(content: Any, *, as_json: bool, in_words: Callable[[Any], str]) -> None:
    """Print a result as JSON or in words."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, default=_plain) if as_json else in_words(content))


def _plain(value: Any) -> Any:
    """For JSON: a dataclass as its fields, a moment to the second, a day or a path as text."""
    if is_dataclass(value):
        return vars(value)
    return moment(value) if isinstance(value, datetime) else str(value)


def moment(value: datetime) -> str:
    """ISO 8601 with a zone, to the second."""
    return value.isoformat(timespec="seconds")


def section(title: str, lines: Iterable[str]) -> list[str]:
    """A part of a result in words: its title, and its lines below; nothing where there are no lines."""
    below = [f"  {line}" for line in lines]
    return [title, *below] if below else []


def operator() -> str:
    """Who runs the command, for the order's history."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"

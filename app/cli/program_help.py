"""The help and the version of `utopia-handler`, in place of those of the program behind it (flask)."""

import click
from flask import current_app
from flask.cli import routes_command, run_command, shell_command, with_appcontext

from app.cli.base import NAME, Called, Command
from app.version import COMMIT, VERSION

HELP = """The commands of Utopia API Handler, which turns fiber orders into customers in PowerCode.

They work whether the service runs or not. Each group has --help, and so has each of its commands; docs/commands.md has
them all, with what each is for.
"""


class Itself(Called):
    """The context when no command is named."""

    @property
    def command_path(self) -> str:
        """`utopia-handler`."""
        return NAME


class Overview(Command):
    """A command whose errors point to the help of all commands."""

    context_class = Itself


@click.command(cls=Overview, hidden=True, add_help_option=False)
@click.option("-h", "--help", "_help", is_flag=True)
@click.option("--version", "version", is_flag=True)
@with_appcontext
def overview(_help: bool, version: bool) -> None:
    """What `deploy/utopia-handler` calls where no command is named."""
    if version:
        click.echo(f"{NAME} {VERSION}, commit {COMMIT or 'unknown'}")
    else:
        click.echo(current_app.cli.get_help(click.Context(current_app.cli, info_name=NAME)))


def hide_what_is_not_ours() -> None:
    """Hide the library's own commands: a server for developers that executes no orders, a shell, a list of routes."""
    for command in (routes_command, run_command, shell_command):
        command.hidden = True

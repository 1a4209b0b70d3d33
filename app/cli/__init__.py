"""The flask commands. Results go to stdout, progress and the one line of an error to stderr."""

from flask import Flask

from app.cli.aftercare import accounts
from app.cli.base import AllCommands
from app.cli.config import config
from app.cli.db import db
from app.cli.digest import digest
from app.cli.legacy import import_
from app.cli.orders import orders
from app.cli.plans import plans
from app.cli.program_help import HELP, hide_what_is_not_ours, overview
from app.cli.templates import templates
from app.cli.users import users
from app.cli.worker import worker


def register_commands(app: Flask) -> None:
    """Add all commands."""
    app.cli = AllCommands(app.name, help=HELP)
    hide_what_is_not_ours()
    for command in (accounts, config, db, digest, import_, orders, overview, plans, templates, users, worker):
        app.cli.add_command(command)

"""`flask db`: the database."""

import click
from sqlalchemy.exc import SQLAlchemyError

from app import migrate
from app.cli.common import Commands, services

db = Commands("db", help="The database.")


@db.command("upgrade")
def upgrade() -> None:
    """Create the database or bring it up to date."""
    try:
        migrate.upgrade(services().database, services().settings)
    except (SQLAlchemyError, OSError) as error:
        raise click.ClickException(
            f"The database can't be upgraded ({type(error).__name__}). See DATABASE_URL"
        ) from None
    click.echo("The database is up to date.")

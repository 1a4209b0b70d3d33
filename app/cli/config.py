"""`flask config`: the settings."""

from collections.abc import Callable, Iterator

import click
from sqlalchemy.exc import SQLAlchemyError

import powercode
import utopia
from app import migrate
from app.cli.common import Commands, services
from app.mail import MailFailed
from app.provisioning import plan_table
from app.services import Services
from config import Settings

config = Commands("config", help="The settings.")


@config.command("check")
@click.option("--connect", is_flag=True, help="Also ask each remote system; changes nothing there.")
def check(connect: bool) -> None:
    """Check all settings, and say what deserves a second look.

    Faults are printed before a command runs at all: every one, with the name of its variable.
    """
    for warning in [*warnings(services().settings), *_plans_that_differ(services())]:
        click.echo(f"Note: {warning}")
    if connect:
        _check_connections(services())
    click.echo("The settings are complete.")


def warnings(settings: Settings) -> Iterator[str]:
    """What is allowed, but seldom meant."""
    if settings.pc_verify_ssl is False:
        yield "PC_VERIFY_SSL is false: anybody on the way to PowerCode can read and change orders"
    if settings.pc_url.startswith("http:"):
        yield "PC_URL is not https: keys and customers' data travel in the clear"
    if not settings.callback_token and not settings.callback_allowed_networks:
        yield "neither CALLBACK_TOKEN nor CALLBACK_ALLOWED_NETWORKS is set: anybody can send callbacks"
    if not settings.ticket_template.is_file():
        yield f"there is no ticket template {settings.ticket_template}"
    if not settings.service_plan_mapping:
        yield "SERVICE_PLAN_MAPPING is empty: every order will need a person"
    if settings.customer_portal_password:
        yield "CUSTOMER_PORTAL_PASSWORD is set: all new customers get the same portal password"


def _plans_that_differ(ready: Services) -> list[str]:
    """Only where there is a table: before the first start the settings are all there is."""
    if ready.database.is_sqlite and not ready.database.path.exists():
        return []
    try:
        if not migrate.is_current(ready.database):
            return []
        with ready.database.read() as session:
            return plan_table.differences(session, ready.settings)
    except SQLAlchemyError:
        return []


def _check_connections(ready: Services) -> None:
    failed = [name for name, ask in CONNECTIONS.items() if not _answers(name, ask, ready)]
    if failed:
        raise click.ClickException(f"Not usable: {', '.join(failed)}")


def _answers(name: str, ask: Callable[[Services], object], ready: Services) -> bool:
    try:
        ask(ready)
    except (utopia.UtopiaError, powercode.PowerCodeError, MailFailed) as error:
        click.echo(f"{name}: {error}")
        return False
    click.echo(f"{name}: answers")
    return True


def _ask_mail(ready: Services) -> None:
    with ready.mailer.connection():
        pass


CONNECTIONS: dict[str, Callable[[Services], object]] = {
    "UTOPIA": lambda ready: ready.utopia.products(),
    "PowerCode": lambda ready: ready.powercode.search_customers("connection check of the fiber order service"),
    "Mail server": _ask_mail,
}

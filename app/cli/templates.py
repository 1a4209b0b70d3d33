"""`flask templates`: the texts that customers get."""

import click
from flask.cli import AppGroup

from app.cli.common import services
from app.provisioning import ticket

templates = AppGroup("templates", help="The texts that customers get.")


@templates.command("check")
def check() -> None:
    """Check the ticket's text: placeholders, braces, HTML. Run it after each edit."""
    path = services().settings.ticket_template
    try:
        faults = ticket.check_template(ticket.read_template(path))
    except ticket.TemplateFault as unreadable:
        faults = list(unreadable.faults)
    for fault in faults:
        click.echo(f"{path.name}: {fault}")
    if faults:
        raise click.ClickException(f"{path} can't be used: {len(faults)} fault{'s' if len(faults) > 1 else ''}")
    click.echo(f"{path.name} is fine.")

"""`flask config`: the settings."""

import click

from app.cli.common import Commands, services
from app.services import Services
from app.setup import checks
from app.setup.in_use import fault_of_running

config = Commands("config", help="The settings.")


@config.command("check")
@click.option("--connect", is_flag=True, help="Also ask each remote system; changes nothing there.")
def check(connect: bool) -> None:
    """Check all settings, and say what deserves a second look.

    Faults are printed before a command runs at all: every one, with the name of its variable.
    """
    for warning in [*checks.warnings(services().settings), *checks.plans_that_differ(services())]:
        click.echo(f"Note: {warning}")
    if former := fault_of_running(services().settings):
        click.echo(f"Note: {former}")
    if closed := services().database.why_closed():
        raise click.ClickException(closed)
    if connect:
        _check_connections(services())
    if not services().settings.callback_token:
        click.secho(f"WARNING: {checks.open_to_anybody(services().settings)}", fg="red", bold=True, err=True)
    click.echo("The settings are complete.")


def _check_connections(ready: Services) -> None:
    findings = {check.title: check.run(ready) for check in checks.CONNECTIONS}
    for title, finding in findings.items():
        click.echo(f"{title}: {'answers' if finding.works else finding.words}")
    failed = [title for title, finding in findings.items() if not finding.works]
    if failed:
        raise click.ClickException(f"Not usable: {', '.join(failed)}")

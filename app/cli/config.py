"""`flask config`: the settings."""

from collections.abc import Mapping, Sequence

import click

from app.cli.base import Commands, as_json, services, show
from app.services import Services
from app.setup import settings_checks
from app.setup.settings_in_use import fault_of_running

config = Commands("config", help="The settings.")


@config.command("check")
@click.option("--connect", is_flag=True, help="Also ask each remote system; changes nothing there.")
@as_json
def check(connect: bool, as_json: bool) -> None:
    """Check all settings, and say what deserves a second look.

    Faults are printed before a command runs at all: every one, with the name of its variable.
    """
    ready = services()
    notes = settings_checks.notes(ready)
    notes += [former] if (former := fault_of_running(ready.settings)) else []
    closed = ready.database.why_closed()
    systems = _connections(ready) if connect and not closed else {}
    failed = [name for name, words in systems.items() if words]
    is_open = None if ready.settings.callback_token else settings_checks.open_to_anybody(ready.settings)
    found = {"notes": notes, "warning": is_open, "systems": systems, "database": closed}
    if as_json:
        show({**found, "complete": not closed and not failed}, as_json=True, in_words=str)
    else:
        _say(notes, systems, closed, is_open)
    if closed:
        raise click.ClickException(closed)
    if failed:
        raise click.ClickException(f"Not usable: {', '.join(failed)}")


def _say(notes: Sequence[str], systems: Mapping[str, str | None], closed: str | None, is_open: str | None) -> None:
    for note in notes:
        click.echo(f"Note: {note}")
    for name, words in systems.items():
        click.echo(f"{name}: {words or 'answers'}")
    if closed or any(systems.values()):
        return
    if is_open:
        click.secho(f"WARNING: {is_open}", fg="red", bold=True, err=True)
    click.echo("The settings are complete.")


def _connections(ready: Services) -> dict[str, str | None]:
    """What is wrong with each remote system; None where nothing is."""
    findings = {check.title: check.run(ready) for check in settings_checks.CONNECTIONS}
    return {title: None if finding.works else finding.words for title, finding in findings.items()}

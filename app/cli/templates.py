"""`flask templates`: the texts that customers get."""

from pathlib import Path

import click

from app.cli.base import Commands, services
from app.digest import mails
from app.provisioning import ticket_text
from app.wording.placeholders import Fault, TemplateFault, read_template
from config import Settings

templates = Commands("templates", help="The texts that customers get.")


@templates.command("check")
def check() -> None:
    """Check the texts' placeholders, braces and HTML. Run it after each edit."""
    settings = services().settings
    faults = {path: mails.check(path) for path in _mail_templates(settings)}
    faults[settings.ticket_template] = _ticket_faults(settings.ticket_template)
    for path, found in faults.items():
        for fault in found:
            click.echo(f"{path.name}: {fault}")
    broken = [path.name for path, found in faults.items() if found]
    if broken:
        raise click.ClickException(f"Can't be used: {', '.join(broken)}")
    click.echo(f"{', '.join(path.name for path in faults)}: fine.")


def _mail_templates(settings: Settings) -> list[Path]:
    """The digest's templates: only where digests go out by mail."""
    if settings.digest_delivery != "mail":
        return []
    return [settings.ticket_template_dir / name for name in (mails.TEXT_TEMPLATE, mails.HTML_TEMPLATE)]


def _ticket_faults(path: Path) -> list[Fault]:
    try:
        return ticket_text.check_template(read_template(path))
    except TemplateFault as unreadable:
        return list(unreadable.faults)

"""What customers read: the entry for the mail webhook, or the mail itself.

The mail's templates can be edited like the ticket's text. A line that has `{ticket}` or `{closed_on}` is
repeated for each ticket.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from app.remote.mail import Mail
from app.wording.placeholders import Fault, TemplateFault, brace_faults, fill, read_template

SUBJECT = "Ticket status report"
TEXT_TEMPLATE, HTML_TEMPLATE = "digest.txt", "digest.html"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
OF_A_TICKET = re.compile(r"\{\s*(ticket|closed_on)\s*\}")
PLACEHOLDERS: Mapping[str, str] = {
    "full_name": "first and last name, as the report has them",
    "count": "how many tickets the message tells of",
    "ticket": "the ticket's number; its line is repeated for each ticket",
    "closed_on": "the day it was closed, such as 14-Nov-2026; its line is repeated for each ticket",
}


@dataclass(frozen=True)
class Told:
    """A message's content: to whom, and the tickets with the day each was closed."""

    email: str = field(repr=False)
    full_name: str = field(repr=False)
    tickets: Sequence[tuple[str, date]]


def day(closed_on: date) -> str:
    """A day as customers read it, the same in every locale: `14-Nov-2026`."""
    return f"{closed_on.day:02}-{MONTHS[closed_on.month - 1]}-{closed_on.year}"


def body(told: Told) -> str:
    """The plain text of the webhook's entry: a line for each ticket."""
    return "".join(f"Ticket no. {ticket} was closed on {day(closed_on)}\n" for ticket, closed_on in told.tickets)


def webhook_entry(told: Told) -> dict[str, Any]:
    """One entry of the webhook's list (reference: the weekly ticket report, the mail webhook)."""
    return {
        "full_name": told.full_name,
        "email_address": told.email,
        "ready_to_send": True,
        "email": {"subject": SUBJECT, "to_address": [told.email], "cc_address": [""], "body": body(told)},
    }


class MailTemplates:
    """The two templates of one run; raises `TemplateFault` when they can't be used."""

    def __init__(self, folder: Path) -> None:
        faults = {name: check(folder / name) for name in (TEXT_TEMPLATE, HTML_TEMPLATE)}
        broken = [Fault(fault.line, f"{name}: {fault.message}") for name, found in faults.items() for fault in found]
        if broken:
            raise TemplateFault(*broken)
        self._text, self._html = read_template(folder / TEXT_TEMPLATE), read_template(folder / HTML_TEMPLATE)

    def mail(self, told: Told, key: str) -> Mail:
        """The mail to one customer."""
        subject, text = plain_mail(self._text, told)
        return Mail(key, subject, text, html_mail(self._html, told))


def plain_mail(template: str, told: Told) -> tuple[str, str]:
    """Subject and text of one customer's mail, from the plain template. Raises `TemplateFault`."""
    subject, _, text = template.partition("\n")
    filled = fill(subject.removeprefix("Subject:").strip(), _common(told), escape=False)
    return filled, _with_tickets(text.lstrip("\n"), told, escape=False)


def html_mail(template: str, told: Told) -> str:
    """One customer's mail from the HTML template, values escaped. Raises `TemplateFault`."""
    return _with_tickets(template, told, escape=True)


def _common(told: Told) -> dict[str, str]:
    return {"full_name": told.full_name, "count": str(len(told.tickets))}


def _with_tickets(template: str, told: Told, *, escape: bool) -> str:
    lines: list[str] = []
    common = _common(told)
    for line in template.splitlines():
        if OF_A_TICKET.search(line):
            each = ({**common, "ticket": ticket, "closed_on": day(closed_on)} for ticket, closed_on in told.tickets)
            lines.extend(fill(line, values, escape=escape) for values in each)
        else:
            lines.append(fill(line, common, escape=escape))
    return "\n".join(lines) + "\n"


def check(path: Path) -> list[Fault]:
    """All faults of a template of the mail, read from its file."""
    try:
        return check_text(path.name, read_template(path))
    except TemplateFault as unreadable:
        return list(unreadable.faults)


def check_text(name: str, template: str) -> list[Fault]:
    """All faults in a template's text; `name` is that of its file."""
    faults = list(brace_faults(template, PLACEHOLDERS))
    subject, _, text = template.partition("\n") if template.startswith("Subject:") else ("", "", template)
    if OF_A_TICKET.search(subject):
        faults.append(Fault(1, "{ticket} and {closed_on} can't be in the subject: a message tells of several tickets"))
    if not OF_A_TICKET.search(text):
        faults.append(Fault(0, "no line has {ticket}, so the customer would not read which tickets were closed"))
    if name == TEXT_TEMPLATE and not subject:
        faults.append(Fault(1, "the first line must be the subject, as in: Subject: Ticket status report"))
    return faults

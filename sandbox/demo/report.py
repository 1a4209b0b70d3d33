"""The demo's words: plain text for people who have read nothing about the service yet."""

import textwrap
from pathlib import Path
from typing import Any

import requests

from sandbox import Sandbox
from sandbox.accounts import Customer
from sandbox.demo.seed import CUSTOMER_EXISTS_ORDER, HAPPY_ORDER, UNKNOWN_PLAN_ORDER, UNKNOWN_PLAN_SERVICE
from sandbox.demo.service import CONSOLE_NAME, CONSOLE_PASSWORD
from sandbox.mailbox import Mail
from sandbox.powercode import CUSTOMER_PAGE, PAGE_PATH


def introduction() -> str:
    """Says what the demo is."""
    return (
        "Utopia API Handler: somebody orders fiber from UTOPIA, and by itself it opens the account in\n"
        "PowerCode, adds the plans, writes the ticket that welcomes the customer, and mails the office.\n"
        "This is the real service. UTOPIA, PowerCode and the mail server are simulated on this machine."
    )


def callback(url: str, orderref: str, answer: requests.Response) -> str:
    """The callback and its answer."""
    return _part(
        "1  UTOPIA calls back: there is a new order",
        ("Sent", f"POST {url}/api-callback"),
        ("", f'{{"event": "Project Update", "orderref": "{orderref}", "msg": "Project New Order"}}'),
        ("Answered", f"{answer.status_code} {answer.text.strip()}: from here on it can't get lost"),
    )


def account(sandbox: Sandbox, order: dict[str, Any], customer: Customer, seconds: float) -> str:
    """What stands in PowerCode now."""
    known, fields, ticket = sandbox.powercode, customer.fields, customer.tickets[0]
    place = f"{fields['physicalStreet']}, {fields['physicalCity']} {fields['physicalState']} {fields['physicalZip']}"
    return _part(
        f"2  After {seconds:.1f} seconds the customer is in PowerCode",
        ("Account", f"{customer.customer_id}: {customer.company_name}, {place}"),
        ("Plans", ", ".join(f"{known.services[one.service_id]} ({one.service_id})" for one in customer.services)),
        ("Ticket", f"{ticket.ticket_id}: {ticket.fields['summary']}"),
        ("Tags", ", ".join(f"{known.tag_names[tag]} ({tag})" for tag in customer.tags)),
        *_rows("Steps", ", ".join(step["name"] for step in order["steps"] if step["state"] == "done")),
    )


def mail(message: Mail) -> str:
    """The mail to the office: to whom, about what, what it says first and what is to be done next."""
    lines = [line for line in message.text.splitlines() if line.strip()]
    shown = [lines[0], "...", *lines[lines.index("What to do next:") :]]
    return _part(
        "3  The office gets a mail with all of that",
        ("To", message["To"]),
        ("Subject", message["Subject"]),
        ("Attached", ", ".join(message.attachments)),
        *(("", f"| {line}") for line in shown),
    )


def repeats(made: dict[str, int]) -> str:
    """That a repeated callback makes nothing twice."""
    counted = ", ".join(f"{number} {kind}{'s' if number != 1 else ''}" for kind, number in made.items())
    return _part("4  UTOPIA sends the same callback twice more", ("Still", f"{counted}: nothing happens twice"))


def needs_you(order: dict[str, Any], message: Mail) -> str:
    """An order that a person has to decide."""
    why = next(line for line in message.text.splitlines() if line.startswith("Why: "))
    return _part(
        "5  Another order is for a plan that is not set up: it stops before any harm, and asks",
        ("Order", f"{order['orderref']} is {order['state']}; nothing was written to PowerCode"),
        ("Subject", message["Subject"]),
        *(("", f"| {line}") for line in textwrap.wrap(why, 84)),
    )


def where_to_look(sandbox: Sandbox, url: str, folder: Path, *, stays: bool) -> str:
    """Addresses, files and commands to go on with."""
    files = (
        ("Mails", f"{folder}/mails/1.html, 2.html (the same as .eml for a mail program)"),
        ("Log", f"{folder}/api_class.log"),
    )
    if not stays:
        return _part("Where to look", *files, ("And then", "make demo, which stays, so that you can try things"))
    pages = [
        f"{sandbox.powercode.url}{PAGE_PATH}?q&page={CUSTOMER_PAGE}&customerid={customer.customer_id}"
        for customer in sandbox.powercode.customers.values()
        if HAPPY_ORDER in customer.fields["customerNotes"]
    ]
    command = f"{folder}/flask"
    return _part(
        "Where to look, in another terminal and in a browser; Ctrl-C ends the demo",
        ("Console", f"{url}/console (sign in as {CONSOLE_NAME}, password {CONSOLE_PASSWORD}); it also settles 5"),
        ("Customer", pages[0]),
        ("Service", f"{url}/readyz and {url}/metrics"),
        *files,
        ("Orders", f"{command} orders list; {command} orders show {HAPPY_ORDER}"),
        ("Decide 5", f'{command} plans map "10 Gbps" {UNKNOWN_PLAN_SERVICE}'),
        ("", f"{command} orders resume {UNKNOWN_PLAN_ORDER}"),
        ("One more", f"{command} orders submit {CUSTOMER_EXISTS_ORDER} (she has an account already)"),
    )


def _part(title: str, *rows: tuple[str, str]) -> str:
    return "\n".join(["", title, *(f"   {label:<9}{text}".rstrip() for label, text in rows)])


def _rows(label: str, text: str) -> list[tuple[str, str]]:
    return [("" if number else label, line) for number, line in enumerate(textwrap.wrap(text, 86))]

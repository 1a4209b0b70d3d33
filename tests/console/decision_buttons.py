"""Pressing the buttons of an order's page, and what came of it."""

import re
from typing import Any

from sqlalchemy import select

from app.models import Order
from tests.conftest import Service
from tests.console.persons import Person

REF = "UIA202411-001186"
PAGE = f"/console/orders/{REF}"


def run_of(service: Service, orderref: str = REF) -> int:
    """The order's run, which its page's forms carry."""
    return service.one(select(Order.run).filter_by(orderref=orderref))


def decide(service: Service, person: Person, action: str, **form: Any) -> str:
    """Press a button on the order's page; the sentence that the page shows afterwards."""
    answer = person.post(f"{PAGE}/{action}", {"run": run_of(service), **form})
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"] == PAGE
    return sentence(person.get(PAGE).text)


def sentence(page: str) -> str:
    """What a page tells about what was just done."""
    found = re.search(r'<div class="notice (?:done|failed) message"[^>]*>\s*<p>([^<]*)', page)
    return found[1].replace("&#39;", "'") if found else ""


def decisions(service: Service, orderref: str = REF) -> list[tuple[str, str, str | None]]:
    """Who did what with the order, with their notes."""
    return [(one["made_by"], one["action"], one["note"]) for one in service.show(orderref)["decisions"]]


def in_doubt(service: Service, action: str = "createTicket") -> None:
    """An order whose ticket or plan may or may not be there: PowerCode did it, and never said so."""
    service.sandbox.powercode.fault(action, "no_answer")
    assert service.take()["state"] == "needs_review"


def somebody_else(service: Service) -> str:
    """A customer who has a ticket; the ticket's number."""
    powercode = service.sandbox.powercode
    other = powercode.add_customer(firstName="Grace", lastName="Moe")
    with powercode.lock:
        return str(powercode.keep_ticket(other, {"customerID": str(other.customer_id)}).ticket_id)

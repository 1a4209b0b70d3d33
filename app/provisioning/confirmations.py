"""What a person says of PowerCode, confirmed by PowerCode: that a customer is there, and whose a ticket is.

It is asked before the transaction begins.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import powercode
from app.provisioning.run_endings import stop_for

Answer = TypeVar("Answer")


class NotConfirmed(Exception):
    """PowerCode does not confirm what a person said; the text is a sentence for them."""


def customer_named(client: powercode.PowerCodeClient, customer_id: str) -> powercode.Customer:
    """The customer with this id; raises `NotConfirmed` when there is none, or when PowerCode can't tell."""
    try:
        found = _ask(lambda: client.read_customer(customer_id=customer_id))
    except powercode.Refused as refused:
        raise NotConfirmed(f"{stop_for(refused).reason}. Nothing was changed.") from None
    if found is None or found.customer_id != customer_id:
        raise NotConfirmed(f"PowerCode has no customer {customer_id}.")
    return found


def check_ticket(client: powercode.PowerCodeClient, ticket_id: str, customer_id: str) -> None:
    """Raises `NotConfirmed` unless the ticket is there and the customer's own."""
    try:
        ticket = _ask(lambda: client.read_ticket(ticket_id))
    except powercode.Refused as refused:
        raise NotConfirmed(f"PowerCode does not show a ticket {ticket_id}: {refused.detail}.") from None
    owner = _owner(ticket.content)
    if owner is None:
        raise NotConfirmed(f"PowerCode does not say whose ticket {ticket_id} is. Nothing was changed.")
    if owner != customer_id:
        raise NotConfirmed(f"Ticket {ticket_id} belongs to customer {owner}, and this order to customer {customer_id}.")


def _owner(content: Any) -> str | None:
    """The customer's id in a ticket, at its top or one level down; "" when the ticket belongs to nobody."""
    if not isinstance(content, dict):
        return None
    for record in [content, *(each for each in content.values() if isinstance(each, dict))]:
        for name, value in record.items():
            if name.replace("_", "").casefold() == "customerid":
                return str(value).strip()
    return None


def _ask(call: Callable[[], Answer]) -> Answer:
    """What PowerCode answers; a refusal is passed on, and anything that tells nothing is `NotConfirmed`."""
    try:
        return call()
    except powercode.Refused:
        raise
    except powercode.PowerCodeError as error:
        raise NotConfirmed(f"{stop_for(error).reason}. Nothing was changed; try again in a minute.") from None

"""What a person decides about an order beside `lifecycle`: what PowerCode has to confirm, and what a plan is sold as.

PowerCode is asked before, outside any transaction.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy.orm import Session

import powercode
from app.models import Order, OrderState
from app.provisioning import lifecycle
from app.provisioning.endings import stop_for
from app.provisioning.plans import plan_changes, plan_table
from app.provisioning.problems import UNKNOWN_PLAN
from app.remote import breaker
from app.services import Services

Answer = TypeVar("Answer")


class NotConfirmed(Exception):
    """PowerCode does not confirm what a person said; the text is a sentence for them."""


# What PowerCode has to confirm


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
    """The customer's id in a ticket, which sits at its top or one level down; "" is nobody's."""
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


# What is decided here


def map_plans(
    services: Services,
    session: Session,
    orderref: str,
    by: str,
    service_ids: Mapping[str, int],
    *,
    seen_run: int | None = None,
) -> Order:
    """Keep what each of the order's unknown plans is sold as, and go on with every order that waits for one.

    Raises `lifecycle.NotPossible` when the order does not wait for these plans any more, and when somebody else has
    said meanwhile that one of them is sold as another service.
    """
    breaker.ask_now(session)
    plan_table.lock(session)
    order = lifecycle.find(session, orderref, seen_run)
    unknown = unknown_plans(order)
    if order.state != OrderState.NEEDS_REVIEW or not unknown or set(service_ids) != set(unknown):
        raise lifecycle.NotPossible(f"{orderref} does not wait for these plans any more")
    for description, service_id in service_ids.items():
        _keep_plan(session, by, description, service_id)
    note = "; ".join(
        f'"{description}" is sold as service {service_id}' for description, service_id in service_ids.items()
    )
    return lifecycle.resume(services, session, orderref, by, note=note)


def _keep_plan(session: Session, by: str, description: str, service_id: int) -> None:
    known = plan_table.service_of(session, description)
    if known == service_id:
        return
    if known is not None:
        raise lifecycle.NotPossible(
            f"“{description}” is sold as service {known} by now. Say the same here, or change that on the page Plans"
        )
    if not plan_table.can_be_mapped(description):
        raise lifecycle.NotPossible("a plan whose name is empty or that long can't be in the plan table")
    try:
        plan_changes.keep(session, by, plan_changes.Plan(description, False, None), service_id)
    except plan_changes.NotChanged as why:
        raise lifecycle.NotPossible(str(why)) from None


def unknown_plans(order: Order) -> list[str]:
    """The descriptions that nobody has said yet what they are sold as, when that is what the order waits for."""
    waits = order.problem == UNKNOWN_PLAN.code
    return [str(name) for name in (order.account or {}).get("unknown_plans", [])] if waits else []

"""What a person can decide about an order: what fits, what each decision will do, and what PowerCode has to confirm.

The decisions themselves are made in `lifecycle`. PowerCode is asked before, outside any transaction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.orm import Session

import powercode
from app.models import Order, OrderState, OrderStep
from app.provisioning import finding, lifecycle
from app.provisioning.corrections import may_correct
from app.provisioning.plans import plan_changes, plan_table
from app.provisioning.steps import plan_name
from app.provisioning.stops import stop_for
from app.remote import breaker
from app.services import Services

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Offer:
    """Something that a person can do with an order now: `says` is what will happen.

    `action` is one of resume, map_plans, correct, customer (`customer_id` is set when a certain one is meant),
    new_customer, it_is_there, it_is_not_there, dismiss.
    """

    action: str
    title: str
    says: str
    customer_id: str | None = None


ADDS_TO_CUSTOMER = (
    "You see first who that is. Then the order's plans, the welcome ticket and the tags are added to that customer; "
    "no new account is made."
)
ANOTHER_CUSTOMER = Offer("customer", "Use another customer", ADDS_TO_CUSTOMER)
TRY_NOW = Offer(
    "resume", "Try now", "It is tried at once, instead of at its next time. It waits on by itself if that fails."
)
MAP_PLANS = Offer(
    "map_plans",
    "Say what it is sold as, and go on",
    "The service is kept in the plan table. This order goes on, and with it every other order that waits for a plan "
    "that is known then.",
)
CORRECT = Offer(
    "correct",
    "Correct what UTOPIA's contract says",
    "You see UTOPIA's values and write what is right instead; then the order starts over with yours.",
)


class NotConfirmed(Exception):
    """PowerCode does not confirm what a person said; the text is a sentence for them."""


# What fits


def offers(session: Session, order: Order) -> list[Offer]:
    """What a person can do with the order as it stands, the likeliest first."""
    written = lifecycle.has_written(session, order)
    match None if lifecycle.was_forgotten_half_done(session, order) else order.state:
        case OrderState.WAITING:
            return [TRY_NOW, _dismiss(written=written)]
        case OrderState.NEEDS_REVIEW:
            return list(_for_review(session, order, written=written))
        case OrderState.EXISTS:
            return [*_for_existing(order), _dismiss(written=written)]
        case OrderState.NOT_OURS:
            return [
                Offer("resume", "Ask UTOPIA again", "UTOPIA is asked for this order once more, from the beginning.")
            ]
        case OrderState.DISMISSED:
            return [Offer("resume", "Take it up again", _goes_on(written=written))]
    return []


def _dismiss(*, written: bool) -> Offer:
    left = (
        "What is in PowerCode already stays there; look after it by hand." if written else "PowerCode stays as it is."
    )
    return Offer("dismiss", "Close the order", f"Nothing more is done for it. {left} Your note is kept with it.")


def _goes_on(*, written: bool) -> str:
    if written:
        return "The order goes on where it stopped; what is done already is not done again."
    return "The order starts over with UTOPIA's contract; nothing of it is in PowerCode yet."


def _for_review(session: Session, order: Order, *, written: bool) -> Iterator[Offer]:
    if order.problem == "unknown_plan":
        yield MAP_PLANS
    correctable = may_correct(session, order)
    if correctable and order.problem == "contract_incomplete":
        yield CORRECT
    offered = [action for action in order.actions if action.get("action") != "dismiss"]
    doubtful = lifecycle.doubtful_step(session, order)
    yield from (_offered(order, action, doubtful, written=written) for action in offered)
    if any(action.get("customer_id") for action in offered):
        yield ANOTHER_CUSTOMER
    if correctable and order.problem != "contract_incomplete":
        yield CORRECT
    yield _dismiss(written=written)


def _offered(order: Order, action: Mapping[str, Any], doubtful: OrderStep | None, *, written: bool) -> Offer:
    offer = Offer("resume", "Try again", _goes_on(written=written))
    match action.get("action"):
        case "customer" if action.get("customer_id"):
            customer_id = str(action["customer_id"])
            offer = Offer("customer", f"It is customer {customer_id}", _adds_to(order, customer_id), customer_id)
        case "customer":
            offer = ANOTHER_CUSTOMER
        case "new_customer":
            offer = Offer("new_customer", "It is somebody else: open a new account", _opens_account(order))
        case "it_is_there":
            offer = Offer("it_is_there", "It is there: go on", _is_there(order, doubtful))
        case "it_is_not_there":
            offer = Offer("it_is_not_there", "It is not there: do it again", _is_not_there(order, doubtful))
    return offer


def _for_existing(order: Order) -> Iterator[Offer]:
    if order.customer_id:
        title = f"Add it to customer {order.customer_id}"
        yield Offer("customer", title, _adds_to(order, order.customer_id), order.customer_id)
    yield ANOTHER_CUSTOMER
    says = f"{_opens_account(order)} The same person has two accounts then, and gets a bill for each."
    yield Offer("new_customer", "Open a second account all the same", says)


def _adds_to(order: Order, customer_id: str) -> str:
    """What naming this customer does to PowerCode."""
    return (
        f"In PowerCode: customer {customer_id} gets {_and_the_rest(_plans(order, 'plans'))}. Their bill grows by that, "
        "and the ticket's text is mailed to them. No new account is made."
    )


def _opens_account(order: Order) -> str:
    """What a new account does to PowerCode, and to whom it leaves alone."""
    made = f"In PowerCode: a new customer is made, with {_and_the_rest(_plans(order, 'plans', 'additional'))}."
    found = [one.customer_id for one in finding.look_alikes(order)]
    if found:
        made += f" Nothing is changed at customer {' and '.join(found)}."
    contacts = shared_contacts(order)
    return f"{made} Both have the same {contacts}, so you are asked once more." if contacts else made


def shared_contacts(order: Order) -> str:
    """What the order's person and a customer like them both have: `phone number and mail address`; "" for nothing."""
    shared = dict.fromkeys(word for one in finding.look_alikes(order) for word in one.contacts)
    return " and ".join(shared)


def _plans(order: Order, *kinds: str) -> list[str]:
    account = order.account or {}
    return [f"{description} ({service_id})" for kind in kinds for service_id, description in account.get(kind, [])]


def _and_the_rest(plans: Sequence[str]) -> str:
    named = [f"the plan {plan}" for plan in plans] or ["the order's plans"]
    return ", ".join([*named, "the welcome ticket and the tags"])


def doubt(order: Order, step: OrderStep | None) -> str:
    """What nobody knows whether it is in PowerCode, in words: `the ticket`, `the plan 1 Gbps (164)`."""
    if step is not None and step.name.startswith("plan:"):
        return f"the plan {plan_name(order, int(step.name.partition(':')[2]))}"
    return "the ticket"


def _is_there(order: Order, step: OrderStep | None) -> str:
    what = doubt(order, step)
    if what == "the ticket":
        return (
            f"You looked at customer {order.customer_id}'s page, and the welcome ticket is there. PowerCode is asked "
            "whether the number is right; then the order goes on, and no second ticket is mailed to the customer."
        )
    return (
        f"You looked at customer {order.customer_id}'s page, and {what} is there. It is not added again, and the order "
        "goes on. PowerCode can't be asked about plans: your word counts."
    )


def _is_not_there(order: Order, step: OrderStep | None) -> str:
    what = doubt(order, step)
    harm = "reads it twice" if what == "the ticket" else "pays for it twice"
    return (
        f"You looked at customer {order.customer_id}'s page, and {what} is not there. It is sent to PowerCode once "
        f"more. If it is there after all, the customer {harm}."
    )


def additions(session: Session, order: Order) -> list[str]:
    """The plans that a customer whom a person names gets from this order, in words: `1 Gbps (164)`."""
    new_account = lifecycle.was_to_be_created(session, order)
    return _plans(order, "plans", "additional") if new_account else _plans(order, "plans")


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
    waits = order.problem == "unknown_plan"
    return [str(name) for name in (order.account or {}).get("unknown_plans", [])] if waits else []

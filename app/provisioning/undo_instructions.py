"""What to undo in PowerCode by hand when a person's decision about an order's customer turns out wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.models import Order, OrderStep, StepState
from app.provisioning import customer_search
from app.provisioning.actions import ANSWERS, CUSTOMER, WITHOUT_IT, Question
from app.provisioning.plans.mapping import plans_in
from app.provisioning.written_parts import was_settled_as

WHO = [action.kept_as for action in ANSWERS if action.answers is Question.WHO_IS_IT]


@dataclass(frozen=True)
class UndoInstructions:
    """What a person would do in PowerCode, step by step, if the decision was wrong in the way that `title` says."""

    title: str
    todo: Sequence[str]


def _is_there(step: OrderStep) -> bool:
    sent = step.sent_at is not None and step.state in (StepState.DONE, StepState.UNKNOWN)
    return sent and was_settled_as(step) != WITHOUT_IT.code


def instructions_for(order: Order) -> UndoInstructions | None:
    """What to undo; None as long as no decision about the customer has changed anything in PowerCode."""
    decided = next((one for one in reversed(order.decisions) if one.action in WHO), None)
    done = [step.name for step in order.steps if _is_there(step)]
    if decided is None or not order.customer_id or not order.account or not done:
        return None
    if decided.action == CUSTOMER.kept_as:
        return UndoInstructions(
            f"If customer {order.customer_id} is somebody else after all", list(_off_the_other(order, done))
        )
    others = [one.customer_id for one in customer_search.look_alikes(order)]
    whose = f"customer {' or '.join(others)}" if others else "a customer who was there before"
    return UndoInstructions(f"If it is {whose} after all", list(_close_the_new(order, done, whose)))


def _off_the_other(order: Order, done: Sequence[str]) -> Iterator[str]:
    customer = f"customer {order.customer_id}"
    for plan in _plans(order, done):
        yield f"Take the plan {plan} off {customer}."
    if order.ticket_id:
        yield f"Close ticket {order.ticket_id} of {customer}, and tell them: its text was mailed to them."
    if tags := ", ".join(name.removeprefix("tag:") for name in done if name.startswith("tag:")):
        yield f"Take the tags {tags} off {customer}, if they were not there before this order."
    yield "Then make the account for the order's person by hand: this order is over, and makes none."


def _close_the_new(order: Order, done: Sequence[str], whose: str) -> Iterator[str]:
    customer = f"customer {order.customer_id}"
    yield f"Set {customer}, whom this order made, to Not Active: then nobody is billed for it."
    plans = ", ".join(_plans(order, done))
    if plans:
        yield f"Take the plans off {customer} ({plans}), and add to {whose} what they ordered and do not have."
    if order.ticket_id:
        yield f"Close ticket {order.ticket_id} of {customer}, and tell the person which account counts."
    if order.site_id:
        yield f"Write the site {order.site_id} as the external account id of {whose}, and take it off {customer}."


def _plans(order: Order, done: Sequence[str]) -> list[str]:
    return [str(plan) for plan in plans_in(order.account) if f"plan:{plan.service_id}" in done]

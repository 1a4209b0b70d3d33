"""What every notice about an order names, and its page in the console."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from sqlalchemy import bindparam, or_, select

import powercode
from app.models import STANDING, Order, OrderState, OrderStep, StepState
from app.provisioning import customer_search
from app.provisioning.actions import BY_HAND, WITHOUT_IT
from app.provisioning.applicants import address_of, contract_of
from app.provisioning.plans.mapping import ServicePlan, plans_in
from app.provisioning.written_parts import StepTold, joined_customer, was_settled_as
from config import Settings

STEPS = OrderStep.__table__.c
STEPS_TOLD = (
    select(STEPS.name, STEPS.state, STEPS.result)
    .where(STEPS.order_id == bindparam("order_id"))
    .where(or_(STEPS.name.like("plan:%"), STEPS.name == "find_customer", STEPS.name == "create_customer"))
    .order_by(STEPS.id)
)
"""The steps that an order's facts are told by: how far each plan is, and whose customer it is."""


def order_facts(settings: Settings, order: Order, steps: Sequence[StepTold]) -> dict[str, Any]:
    """What every notice about an order names: person, address, plans, customer and ticket in PowerCode.

    `steps` are the order's, at least those of `STEPS_TOLD`.
    """
    contract = contract_of(order)
    person = contract.customer
    order_page = order_page_of(settings, order.orderref)
    return {
        "order": order,
        "person": f"{person.first_name} {person.last_name}".strip(),
        "email": person.email,
        "phone": person.phone,
        "address": address_of(order, contract),
        "plans": _plans_in_words(order, steps),
        "customer_page": customer_page_of(settings, order.customer_id) if order.customer_id else None,
        "beside": customer_search.look_alikes(order) if order.state in STANDING else [],
        "joined_to": joined_customer(order, steps),
        "elsewhere": customer_search.elsewhere(order),
        "page_of": partial(customer_page_of, settings),
        "order_page": order_page,
        "contract_page": f"{order_page}/contract",
    }


def order_page_of(settings: Settings, orderref: str) -> str:
    """The address of an order's page in the console."""
    return f"{settings.public_address}/console/orders/{quote(orderref)}"


def customer_page_of(settings: Settings, customer_id: str) -> str:
    """The address of a customer's page in PowerCode."""
    return powercode.customer_page(settings.powercode_server, customer_id)


def _plans_in_words(order: Order, steps: Iterable[StepTold]) -> list[str]:
    account = order.account or {}
    if account.get("unknown_plans"):
        return [f"{name} (unknown)" for name in account["unknown_plans"]]
    if order.state == OrderState.EXISTS:
        return [_plan(plan) for plan in plans_in(account, "plans")]
    states = {step.name: was_settled_as(step) or step.state for step in steps}
    return [
        _plan(plan) + HOW_FAR.get(states.get(f"plan:{plan.service_id}"), ", not added") for plan in plans_in(account)
    ]


HOW_FAR: Mapping[str | None, str] = {
    StepState.DONE: "",
    BY_HAND.code: ", added by hand",
    WITHOUT_IT.code: ", left out",
    StepState.RUNNING: ", not known whether it was added",
    StepState.UNKNOWN: ", not known whether it was added",
}


def _plan(plan: ServicePlan) -> str:
    return f"{plan.description} (PowerCode service {plan.service_id})"

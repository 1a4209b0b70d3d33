"""Puts today's numbers from plan table and settings into an order, after PowerCode refused a part of it."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import Order, OrderStep, StepState
from app.provisioning.plans.mapping import plan_key
from app.provisioning.plans.plan_table import plan_table
from app.provisioning.problems import PLAN_REFUSED, TAG_REFUSED
from app.services import Services

REFUSED = (PLAN_REFUSED.code, TAG_REFUSED.code)
"""Problems that a person mends by correcting the number."""
NOTHING_SENT = (StepState.REFUSED, StepState.NEVER_ARRIVED)


def renew(services: Services, session: Session, order: Order) -> None:
    """Put in the numbers that hold now, for each part that is neither done nor in doubt."""
    steps = {step.name: step for step in session.scalars(select(OrderStep).filter_by(order_id=order.id))}
    found, table = steps.get("find_customer"), plan_table(session)
    if found is None or not isinstance(found.result, dict) or not order.account:
        return
    account: dict[str, Any] = dict(order.account)
    changed: dict[int, int] = {}
    former: list[Any] = list(account.get("renumbered", []))
    for kind, mapping in (("plans", table.plans), ("additional", table.additional)):
        pairs = account.get(kind, [])
        account[kind] = [[_now_sold_as(pair, mapping, steps), pair[1]] for pair in pairs]
        changed |= {old[0]: new[0] for old, new in zip(pairs, account[kind], strict=True) if old != new}
        former += [old for old, new in zip(pairs, account[kind], strict=True) if old != new]
    numbers = [changed.get(number, number) for number in found.result["service_ids"]]
    if len(set(numbers)) < len(numbers):
        return  # two plans would be one service: a person has to look at the table first
    order.account = {**account, "renumbered": former}  # the order's page still has to name the plans of former numbers
    tags = list(dict.fromkeys(services.settings.pc_cust_tags))
    found.result = {**found.result, "service_ids": numbers, "tag_ids": tags}
    gone = [f"plan:{number}" for number in changed]
    session.execute(delete(OrderStep).where(OrderStep.order_id == order.id, OrderStep.name.in_(gone)))


def _now_sold_as(pair: list[Any], mapping: dict[str, int], steps: dict[str, OrderStep]) -> int:
    service_id, description = pair
    step = steps.get(f"plan:{service_id}")
    if step is not None and step.state not in NOTHING_SENT:
        return int(service_id)
    keys = {plan_key(name): number for name, number in mapping.items()}
    return int(keys.get(plan_key(description), service_id))

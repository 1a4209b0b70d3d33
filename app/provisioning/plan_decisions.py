"""Decisions about what a plan is sold as, and going on with every order that waits for one of these plans."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import JointDecision, Order, OrderState
from app.provisioning import review
from app.provisioning.causes import joint_decisions
from app.provisioning.causes.cause import Cause, cause_of
from app.provisioning.causes.open_causes import open_cause_of
from app.provisioning.plans import plan_changes, plan_table
from app.provisioning.problems import UNKNOWN_PLAN
from app.remote import breaker
from app.services import Services


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

    Raises `review.NotPossible` when the order does not wait for these plans any more, and when somebody else has
    said meanwhile that one of them is sold as another service.
    """
    breaker.ask_now(session)
    plan_table.lock(session)
    order = review.find(session, orderref, seen_run)
    asked_for = plans_asked_for(order)
    if order.state != OrderState.NEEDS_REVIEW or not asked_for or set(service_ids) != set(asked_for):
        raise review.NotPossible(f"{orderref} does not wait for these plans any more")
    _keep_all(session, by, service_ids, are_unknown=order.problem == UNKNOWN_PLAN.code)
    joint_decisions.sell(services, session, by, service_ids, first=order)
    return order


def sell_as(
    services: Services, session: Session, by: str, cause: Cause, service_ids: Mapping[str, int]
) -> JointDecision:
    """Keep what the plans of a cause (unknown, or refused by PowerCode) are sold as, and go on with its orders.

    Raises as `map_plans` does.
    """
    breaker.ask_now(session)
    plan_table.lock(session)
    found = open_cause_of(session, cause.key, listed=0, also_put_off=True)
    if found is None:
        raise review.NotPossible("no order waits for this any more: somebody else decided, or they went on")
    _keep_all(session, by, service_ids, are_unknown=cause.problem is UNKNOWN_PLAN)
    joint = joint_decisions.sell(services, session, by, service_ids)
    if joint is None:
        raise review.NotPossible("another plan of these orders has no number yet")
    return joint


def _keep_all(session: Session, by: str, service_ids: Mapping[str, int], *, are_unknown: bool) -> None:
    keep = _keep_plan if are_unknown else _correct
    try:
        for description, service_id in service_ids.items():
            keep(session, by, description, service_id)
    except plan_changes.NotChanged as why:
        raise review.NotPossible(str(why)) from None


def _correct(session: Session, by: str, description: str, service_id: int) -> None:
    """Replace the plan's number that PowerCode refused."""
    plan, additional = plan_table.service_of(session, description), False
    if plan is None:
        plan, additional = plan_table.service_of(session, description, additional=True), True
    if plan == service_id:
        raise review.NotPossible(f"“{description}” is sold as service {service_id} already")
    plan_changes.keep(session, by, plan_changes.Plan(description, additional, plan), service_id)


def resume(services: Services, session: Session, orderref: str, by: str, **how: Any) -> Order:
    """As `review.resume`. If the order waited for plans that are known now, other orders for them go on as well."""
    if session.scalar(select(Order.problem).filter_by(orderref=orderref)) == UNKNOWN_PLAN.code:
        breaker.ask_now(session)
        plan_table.lock(session)
        order = review.find(session, orderref, how.get("seen_run"))
        known = {name: plan_table.service_of(session, name) for name in unknown_plans(order)}
        sold = {name: number for name, number in known.items() if number is not None}
        if order.state == OrderState.NEEDS_REVIEW and sold.keys() == known.keys():
            joint_decisions.sell(services, session, by, sold, first=order)
            return order
    return review.resume(services, session, orderref, by, **how)


def _keep_plan(session: Session, by: str, description: str, service_id: int) -> None:
    known = plan_table.service_of(session, description)
    if known == service_id:
        return
    if known is not None:
        raise review.NotPossible(
            f"“{description}” is sold as service {known} by now. Say the same here, or change that on the page Plans"
        )
    if not plan_table.can_be_mapped(description):
        raise review.NotPossible("a plan whose name is empty or that long can't be in the plan table")
    plan_changes.keep(session, by, plan_changes.Plan(description, False, None), service_id)


def unknown_plans(order: Order) -> list[str]:
    """The unknown plans that the order waits for, by description; none when it waits for something else."""
    waits = order.problem == UNKNOWN_PLAN.code
    return [str(name) for name in (order.account or {}).get("unknown_plans", [])] if waits else []


def plans_asked_for(order: Order) -> list[str]:
    """The plans whose number a person is asked for: unknown ones, or the one that PowerCode refused."""
    cause = cause_of(order)
    return list(cause.plans) if cause else []

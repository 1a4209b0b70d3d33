"""An order as commands and pages show it: plain JSON values, times in ISO 8601 with a zone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Callback, Order, OrderStep, StepState
from app.provisioning.actions import WITHOUT_IT
from app.provisioning.plans.mapping import plans_in
from app.provisioning.written_parts import was_settled_as
from app.wording.json_fields import json_fields

WHERE_IT_STANDS = ("orderref", "state", "reason", "customer_id", "ticket_id", "waiting_for", "next_try_at")
WHAT_BECAME_OF_IT = ("received_at", "finished_at", "problem", "actions", "remarks")
OF_CALLBACK = ("received_at", "outcome", "event", "msg", "remote_address")
OF_STEP = ("name", "state", "started_at", "finished_at", "attempts", "error")
OF_NOTICE = ("kind", "state", "created_at", "sent_at", "next_try_at", "error")
OF_DECISION = ("made_at", "made_by", "action", "note")


def whole(session: Session, order: Order) -> dict[str, Any]:
    """Everything about an order: services, steps, callbacks, notices and what people decided."""
    callbacks = session.scalars(select(Callback).filter_by(orderref=order.orderref).order_by(Callback.id))
    return {
        **json_fields(order, *WHERE_IT_STANDS, *WHAT_BECAME_OF_IT),
        "services": _services(order),
        "steps": [json_fields(step, *OF_STEP) for step in order.steps],
        "callbacks": [json_fields(callback, *OF_CALLBACK) for callback in callbacks],
        "notices": [json_fields(notice, *OF_NOTICE) for notice in order.notices],
        "decisions": [json_fields(decision, *OF_DECISION) for decision in order.decisions],
    }


def _services(order: Order) -> Sequence[dict[str, Any]]:
    """The services that were added or will be: the contract's plans, and for a new account the additional ones."""
    names = {plan.service_id: plan.description for plan in plans_in(order.account)}
    steps = {step.name: step for step in order.steps}
    found = steps.get("find_customer")
    decided = found.result.get("service_ids") if found and isinstance(found.result, dict) else None
    return [
        {
            "service_id": service_id,
            "description": names.get(service_id),
            "added": _is_added(steps.get(f"plan:{service_id}")),
        }
        for service_id in decided or [plan.service_id for plan in plans_in(order.account, "plans")]
    ]


def _is_added(step: OrderStep | None) -> bool:
    return step is not None and step.state == StepState.DONE and was_settled_as(step) != WITHOUT_IT.code

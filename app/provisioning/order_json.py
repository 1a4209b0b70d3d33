"""An order as commands and pages show it: plain JSON values, times in ISO 8601 with a zone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Callback, Order, StepState
from app.provisioning.actions import WITHOUT_IT
from app.provisioning.written_parts import was_settled_as


def summary(order: Order) -> dict[str, Any]:
    """One line of a list of orders."""
    return {
        "orderref": order.orderref,
        "state": order.state,
        "reason": order.reason,
        "customer_id": order.customer_id,
        "ticket_id": order.ticket_id,
        "waiting_for": order.waiting_for,
        "next_try_at": _iso(order.next_try_at),
        "received_at": _iso(order.received_at),
        "finished_at": _iso(order.finished_at),
    }


def whole(session: Session, order: Order) -> dict[str, Any]:
    """Everything about an order: services, steps, callbacks, notices and what people decided."""
    callbacks = session.scalars(select(Callback).filter_by(orderref=order.orderref).order_by(Callback.id)).all()
    return {
        **summary(order),
        "problem": order.problem,
        "actions": order.actions,
        "remarks": order.remarks,
        "services": _services(order),
        "steps": [
            {
                "name": step.name,
                "state": step.state,
                "started_at": _iso(step.started_at),
                "finished_at": _iso(step.finished_at),
                "attempts": step.attempts,
                "error": step.error,
            }
            for step in order.steps
        ],
        "callbacks": [_callback(callback) for callback in callbacks],
        "notices": [
            {
                "kind": notice.kind,
                "state": notice.state,
                "created_at": _iso(notice.created_at),
                "sent_at": _iso(notice.sent_at),
                "next_try_at": _iso(notice.next_try_at),
                "error": notice.error,
            }
            for notice in order.notices
        ],
        "decisions": [
            {"made_at": _iso(one.made_at), "made_by": one.made_by, "action": one.action, "note": one.note}
            for one in order.decisions
        ],
    }


def _services(order: Order) -> Sequence[dict[str, Any]]:
    """The services that were added or will be: the contract's plans, and for a new account the additional ones."""
    account = order.account or {}
    names = dict([*account.get("plans", []), *account.get("additional", [])])
    steps = {step.name: step for step in order.steps}
    found = steps.get("find_customer")
    decided = found.result.get("service_ids") if found and isinstance(found.result, dict) else None
    return [
        {
            "service_id": service_id,
            "description": names.get(service_id),
            "added": f"plan:{service_id}" in steps
            and steps[f"plan:{service_id}"].state == StepState.DONE
            and was_settled_as(steps[f"plan:{service_id}"]) != WITHOUT_IT.code,
        }
        for service_id in decided or [service_id for service_id, _ in account.get("plans", [])]
    ]


def _callback(callback: Callback) -> dict[str, Any]:
    return {
        "received_at": _iso(callback.received_at),
        "outcome": callback.outcome,
        "event": callback.event,
        "msg": callback.msg,
        "remote_address": callback.remote_address,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None

"""What a mail says of a cause, as it stands when the mail goes out."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.models import Notice, Order, OrderState
from app.provisioning.actions import MAP_PLANS
from app.provisioning.causes import joint_decisions, trial_orders
from app.provisioning.causes.open_causes import OpenCause, open_cause_of
from app.provisioning.offers import offers_for

LISTED = 30


def cause_facts(session: Session, notice: Notice, order: Order) -> dict[str, Any]:
    """Why, for how many orders, which others, how many joined since the last mail, how many wait behind the first."""
    key = str((notice.content or {}).get("cause") or order.cause or "")
    found = open_cause_of(session, key, listed=LISTED)
    followers = trial_orders.followers_of(session, found.cause.plan_keys) if found else 0
    return {
        "why": str((notice.content or {}).get("why") or (found.cause if found else "an order stopped")),
        "count": max(found.count if found else 1, 1) + followers,
        "joined": int((notice.content or {}).get("joined") or 0),
        "others": [one for one in found.orders if one.orderref != order.orderref] if found else [],
        "followers": followers,
        "together": bool(found and found.cause.decided_together),
        "by_number": MAP_PLANS.code,
        "actions": _offered(session, notice, order, found if found and found.count + followers > 1 else None),
    }


def _offered(session: Session, notice: Notice, order: Order, many: OpenCause | None) -> Sequence[Mapping[str, Any]]:
    """The offers on the page that the mail links to, for the cause or the order; if it went on, the former ones."""
    if many and many.cause.decided_together:
        return [action.kept() for action in joint_decisions.fitting(many.cause)]
    now = [offer.action.saying(offer.title).kept(offer.customer_id) for offer in offers_for(session, order)]
    return now if order.state == OrderState.NEEDS_REVIEW and now else (notice.content or {}).get("actions") or []

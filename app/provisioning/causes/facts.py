"""What a mail says of a cause, as it stands when the mail goes out."""

from typing import Any

from sqlalchemy.orm import Session

from app.models import Notice, Order
from app.provisioning.causes import following
from app.provisioning.causes.standing import standing_for

LISTED = 30


def cause_facts(session: Session, notice: Notice, order: Order) -> dict[str, Any]:
    """Why, for how many orders, which others, how many joined since the last mail, how many wait behind the first."""
    key = str((notice.content or {}).get("cause") or order.cause or "")
    found = standing_for(session, key, listed=LISTED)
    followers = sum(
        one.followers for one in following.on_trial(session) if found and one.trial.key in found.cause.plan_keys
    )
    return {
        "why": str((notice.content or {}).get("why") or (found.cause if found else "an order stopped")),
        "count": max(found.count if found else 1, 1) + followers,
        "joined": int((notice.content or {}).get("joined") or 0),
        "others": [one for one in found.orders if one.orderref != order.orderref] if found else [],
        "followers": followers,
        "together": bool(found and found.cause.decided_together),
    }

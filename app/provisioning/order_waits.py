"""How an order waits, and for how long: for a system that is down, like all other orders, or by its own schedule."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.models import Order, System, now
from app.provisioning.actions import RESUME
from app.provisioning.problems import GIVEN_UP, ONLY_THIS_ORDER
from app.provisioning.run_endings import NeedsReview, Waits
from app.remote import breaker, retry_times
from app.services import Services

NOTHING: Mapping[str, Any] = {"waiting_for": None, "waiting_since": None, "next_try_at": None, "tries": 0}
"""The columns of an order that waits for nothing."""
MOST_TRIES = 5
"""How often an order may fail while the system works; with the usual pauses, that takes 23 minutes."""


def begin(services: Services, session: Session, order: Order, why: Waits) -> NeedsReview | None:
    """Let the order wait until its next try; if it has waited too long, returns why it goes to a person instead."""
    order.waiting_for, order.tried_at = why.system, now()
    order.waiting_since = order.waiting_since or now()
    order.tries += why.alone
    back_meanwhile = why.unanswered and not why.alone
    pause_ends = now() if back_meanwhile else retry_times.retry_at(order.tries, services.settings.retry_minutes)
    order.next_try_at = why.retry_at or breaker.next_probe_at(session, why.system) or pause_ends
    if why.alone and order.tries >= MOST_TRIES:
        # as long as the order has no customer, a person can also find or make one in PowerCode itself
        without_customer = why.system is System.POWERCODE and not order.customer_id
        return NeedsReview(ONLY_THIS_ORDER, why.reason, actions=None if without_customer else [RESUME])
    is_outage = breaker.is_down(session, why.system)  # then `due_orders.give_up_after_outage` gives it up
    return None if is_outage or order.waiting_since > longest_ago(services) else given_up(services, why.reason)


def longest_ago(services: Services) -> datetime:
    """An order that has waited since before this moment goes to a person (`GIVE_UP_AFTER_HOURS`)."""
    return now() - timedelta(hours=services.settings.give_up_after_hours)


def given_up(services: Services, reason: str | None) -> NeedsReview:
    """Why an order that has waited too long goes to a person."""
    hours = services.settings.give_up_after_hours
    return NeedsReview(GIVEN_UP, f"Given up after {hours:g} hours. The last time: {reason}")


def end(order: Order) -> None:
    """The order waits for nothing any more."""
    for column, value in NOTHING.items():
        setattr(order, column, value)

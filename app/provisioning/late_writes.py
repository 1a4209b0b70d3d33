"""Whether a write in doubt has had its time: PowerCode may be at work on it for a minute after its connection is gone.

The time is measured by this process's monotonic clock. A clock that can be set is not safe: one that stepped ahead by
an hour made a second account. A process that finds a doubt from before its own start waits the whole time once more.
"""

import time
from datetime import datetime, timedelta

from app.models import now

_seen: dict[int, tuple[datetime | None, float]] = {}
"""By the order: when its customer was sent, once that is known, and when this process learned of it."""


def begins(order_id: int) -> None:
    """Note that from now on, it is unknown whether the order's customer was made."""
    _seen[order_id] = (None, time.monotonic())


def settled_at(order_id: int, sent_at: datetime, seconds: float) -> datetime | None:
    """When a write sent at `sent_at` will have had its time; None when it has had it already."""
    known, began = _seen.get(order_id, (sent_at, time.monotonic()))
    if known not in (None, sent_at):  # a newer try's doubt
        began = time.monotonic()
    _seen[order_id] = (sent_at, began)
    left = began + seconds - time.monotonic()
    return now() + timedelta(seconds=left) if left > 0 else None

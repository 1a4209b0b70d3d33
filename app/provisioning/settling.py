"""Whether a write in doubt has had its time: PowerCode may be at work on it for a minute after its connection is gone.

Measured by what this process has seen pass, and by no clock that can be set: one that stepped ahead by an hour made a
second account. A process that finds a doubt from before its own start waits the whole time once more.
"""

import time
from datetime import datetime, timedelta

from app.models import now

_seen: dict[int, tuple[datetime | None, float]] = {}
"""By the step: when it was sent, once that is known, and when this process learned of it."""


def begins(step_id: int) -> None:
    """What the step sent has no known outcome, from now on."""
    _seen[step_id] = (None, time.monotonic())


def settled_at(step_id: int, sent_at: datetime, seconds: float) -> datetime | None:
    """When what was sent then will have had its time; None: it has had it."""
    known, began = _seen.get(step_id, (sent_at, time.monotonic()))
    if known not in (None, sent_at):  # another doubt, of another try
        began = time.monotonic()
    _seen[step_id] = (sent_at, began)
    left = began + seconds - time.monotonic()
    return now() + timedelta(seconds=left) if left > 0 else None

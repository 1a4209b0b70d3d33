"""The rows of what goes out: recorded once, claimed for a try, and closed with what came of it."""

import logging
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, update
from sqlalchemy.orm import Session

from app.models import Order, Outgoing, OutgoingState, now
from app.remote import retry_times
from app.services import Services
from app.storage.database import insert_if_new, rows_changed

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""Longer than a try can take: if a try's process died, the row is tried again then, under the same `message_id`."""

REMOVED = "the address was removed"
"""The error of a row that was given up because its receiver is not set any more."""
LONGEST_KEY = 180
"""Shorter than the column, where a number may follow."""


def record(session: Session, channel: str, key: str, kind: str, order: Order | None = None, **content: Any) -> None:
    """Record something to send, in the transaction of what it tells of; a `key` that is known changes nothing."""
    message_id, order_id = f"msg_{uuid.uuid4().hex}", order.id if order else None
    values = {"channel": channel, "kind": kind, "message_id": message_id, "order_id": order_id, "content": content}
    insert_if_new(session, Outgoing, "key", key=key_of(channel, key), **values)


def key_of(channel: str, key: str) -> str:
    """The key of a channel's row, unique among all rows."""
    return f"{channel}:{key}"[:LONGEST_KEY]


def claim(services: Services, channel: str) -> Outgoing | None:
    """The oldest row of a channel that is due, claimed for one try; None when there is none."""
    due = _due(services, channel)
    if not is_waiting(services, channel):
        return None
    with services.database.write() as session:
        row = session.scalar(due.with_for_update(skip_locked=True))
        if row is not None:
            row.tries, row.next_try_at = row.tries + 1, now() + LEASE
        return row


def is_waiting(services: Services, channel: str) -> bool:
    """Whether something is due for a channel."""
    with services.database.read() as session:
        return session.scalar(_due(services, channel)) is not None


def hurry(services: Services, channel: str) -> None:
    """The channel works: make its waiting rows due now. A row that it refuses while it takes others keeps its pause."""
    others = (Outgoing.channel == channel, Outgoing.state == OutgoingState.PENDING, Outgoing.error.is_not(None))
    its_time = case((Outgoing.is_refused, Outgoing.next_try_at), else_=None)
    with services.database.write() as session:
        session.execute(update(Outgoing).where(*others).values(next_try_at=its_time, others_taken=True))


def give_up(services: Services, *whose: ColumnElement[bool]) -> int:
    """Give up what waits for a receiver that is not set any more; how much that was. A person may send it again."""
    waiting = (Outgoing.state == OutgoingState.PENDING, *whose)
    over = {"state": OutgoingState.FAILED, "next_try_at": None, "error": REMOVED}
    with services.database.write() as session:
        count = rows_changed(session, update(Outgoing).where(*waiting).values(over))
    if count:
        log.warning("Given up: %d that waited, since %s", count, REMOVED)
    return count


def given_up(session: Session, *whose: ColumnElement[bool]) -> int:
    """How much was given up because its receiver was removed."""
    theirs = (Outgoing.state == OutgoingState.FAILED, Outgoing.error == REMOVED, *whose)
    return session.scalar(select(func.count()).select_from(Outgoing).where(*theirs)) or 0


def _due(services: Services, channel: str) -> Select[Outgoing]:
    pending = (Outgoing.state == OutgoingState.PENDING, Outgoing.channel == channel)
    return select(Outgoing).where(*pending, _is_due(services)).order_by(Outgoing.id).limit(1)


def _is_due(services: Services) -> ColumnElement[bool]:
    its_time = retry_times.due(Outgoing.next_try_at, services.settings.retry_minutes)
    return or_(Outgoing.next_try_at.is_(None), its_time)


def sent(services: Services, row: Outgoing) -> None:
    """Note that the row was taken; rows that wait for the same channel to work are due now."""
    with services.database.write() as session:
        mine = session.get(Outgoing, row.id)
        if mine is not None:
            mine.state, mine.sent_at, mine.next_try_at, mine.error = OutgoingState.SENT, now(), None, None
    hurry(services, row.channel)


def not_sent(services: Services, row: Outgoing, why: str, give_up_after: timedelta, wait: float = 0) -> None:
    """Note that the row was not taken: it is tried again after a pause (of `wait` seconds at least), or given up."""
    with services.database.write() as session:
        mine = session.get(Outgoing, row.id)
        if mine is None:
            return
        mine.error = why
        mine.is_refused, mine.others_taken = mine.others_taken, False
        if now() - mine.started_at >= give_up_after:
            mine.state, mine.next_try_at = OutgoingState.FAILED, None
            return
        pause = retry_times.retry_at(mine.tries, services.settings.retry_minutes)
        longest = now() + retry_times.longest_pause(services.settings.retry_minutes)
        mine.next_try_at = min(max(pause, now() + timedelta(seconds=wait)), longest)


def send_again(session: Session, number: int) -> Outgoing | None:
    """Send something once more, from the start; None when there is no such row, or it is on its way anyway."""
    row = session.get(Outgoing, number, with_for_update=True)
    if row is None or row.state == OutgoingState.PENDING:
        return None
    for name, value in anew().items():
        setattr(row, name, value)
    return row


def anew() -> dict[str, Any]:
    """The columns of something that is sent from the start."""
    tried = {"tries": 0, "next_try_at": None, "error": None, "others_taken": False, "is_refused": False}
    return {"state": OutgoingState.PENDING, "started_at": now(), **tried}

"""One breaker for each remote system, in the database, so that all processes and commands share it.

A system is down when a harmless call gets no answer (`probes`). The harmless call is then repeated until it is
answered, and the first answer makes everything that waited due at once.
"""

import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.orm import Session

from app.models import Notice, NoticeState, Order, OrderState, RemoteSystem, System, now
from app.remote import retry_times
from app.storage.database import connection_of, insert_if_new, rows_changed

SYSTEMS = RemoteSystem.__table__
IS_DOWN = exists().where(SYSTEMS.c.name == bindparam("system"), SYSTEMS.c.down_since.is_not(None))
"""A part of a statement. Asked before each call to a remote system, so built on the table: through the class it takes
ten times as long."""
DOWN = select(IS_DOWN)

LEASE = timedelta(seconds=45)
"""How long a harmless call may take before another one is made: as long as its timeouts. If the process that makes it
dies, no other process asks for this long, and everything that waits for the system stands still."""

ANEW_SECONDS = 3.0
"""While new orders come in, a system that is down is asked this often, however long its pauses have become."""


class Demand:
    """The systems that are down and that new orders or notices wait for here, and when each was asked last."""

    def __init__(self) -> None:
        self._wanted: set[System] = set()
        self._asked_at: dict[System, float] = {}
        self._lock = threading.Lock()

    def want(self, system: System) -> None:
        """Note that a new order or notice waits for the system."""
        with self._lock:
            self._wanted.add(system)

    def asked(self, system: System) -> None:
        """Note that the harmless call was made just now."""
        with self._lock:
            self._asked_at[system] = time.monotonic()

    def take(self, system: System) -> bool:
        """Whether the harmless call is to be made for what is new; the caller then has to make it."""
        with self._lock:
            paused = time.monotonic() - self._asked_at.get(system, -ANEW_SECONDS) >= ANEW_SECONDS
            if not paused or system not in self._wanted:
                return False
            self._wanted.remove(system)
            self._asked_at[system] = time.monotonic()
            return True


def least_lasted(row: RemoteSystem, minutes: Sequence[float]) -> timedelta:
    """How long at least a system has been down: the sum of the pauses between failed calls, not the clock's time."""
    pauses = [minutes[min(number, len(minutes) - 1)] for number in range(row.failures - 1)]
    return timedelta(minutes=sum(pauses))


def is_down(session: Session, system: System) -> bool:
    """Whether nobody but the harmless call may call the system now."""
    return bool(connection_of(session).scalar(DOWN, {"system": system}))


def next_probe_at(session: Session, system: System) -> datetime | None:
    """When a system that is down is asked next; None when it works."""
    row = session.get(RemoteSystem, system)
    return row.next_probe_at if row and row.down_since else None


def hold(session: Session, system: System) -> None:
    """Lock the system's row: until the transaction ends, no other one can report that the system is down or up.

    Otherwise, on PostgreSQL, an order that begins to wait would be missed when everything that waits is made due at
    that moment. Systems are always locked before orders.
    """
    session.execute(select(SYSTEMS.c.name).where(SYSTEMS.c.name == system).with_for_update(read=True))


def error_of(session: Session, system: System) -> str:
    """Why the last harmless call to a system that is down failed."""
    row = session.get(RemoteSystem, system)
    return (row.error if row else None) or "it did not when it was asked last"


def report_down(session: Session, system: System, error: str, minutes: Sequence[float]) -> datetime:
    """Record that a harmless call got no answer; returns when the system is asked next."""
    insert_if_new(session, RemoteSystem, "name", name=system, failures=0)
    row = session.get_one(RemoteSystem, system, with_for_update=True)
    if row.down_since is None:
        row.down_since, row.failures = now(), 0
    elif row.probe is None and row.next_probe_at is not None:  # several callers found it down at the same time
        return row.next_probe_at
    row.failures += 1
    row.error, row.probe = error, None
    row.next_probe_at = retry_times.retry_at(row.failures, minutes)
    _move_waiting(session, system, row.next_probe_at)
    return row.next_probe_at


def report_up(session: Session, system: System) -> bool:
    """Record an answer; returns whether the system was down before. Then everything that waited is due now."""
    row = session.get(RemoteSystem, system, with_for_update=True)
    if row is None or row.down_since is None:
        return False
    row.down_since = row.next_probe_at = row.probe = row.error = None
    row.up_since, row.failures = now(), 0
    _move_waiting(session, system, now())
    return True


def _move_waiting(session: Session, system: System, moment: datetime) -> None:
    """Make everything that waits for the system wait until this moment."""
    if system is System.MAIL:
        pending = (Notice.state == NoticeState.PENDING, Notice.waiting_for == system)
        session.execute(update(Notice).where(*pending).values(next_try_at=moment))
        return
    waiting = (Order.state == OrderState.WAITING, Order.waiting_for == system)
    session.execute(update(Order).where(*waiting).values(next_try_at=moment))


def is_due(session: Session, system: System, minutes: Sequence[float]) -> bool:
    """Whether it is time to ask a system that is down again."""
    down = select(RemoteSystem.name).where(RemoteSystem.name == system, RemoteSystem.down_since.is_not(None))
    return session.scalar(down.where(retry_times.due(RemoteSystem.next_probe_at, minutes))) is not None


def claim(session: Session, system: System, minutes: Sequence[float]) -> bool:
    """Claim the harmless call, when one is due and no other process has claimed it."""
    down = (RemoteSystem.name == system, RemoteSystem.down_since.is_not(None))
    mine = update(RemoteSystem).where(*down, retry_times.due(RemoteSystem.next_probe_at, minutes))
    return rows_changed(session, mine.values(probe=CLAIMED, next_probe_at=now() + LEASE)) > 0


CLAIMED = "claimed"
"""The value of the column `probe` while a process makes the call."""


def ask_now(session: Session) -> None:
    """Make every system that is down due: a person wants to go on, or the fault is mended.

    It locks the systems' rows. Call it before orders are locked: two transactions that lock both in different order
    would deadlock.
    """
    for row in session.scalars(select(RemoteSystem).order_by(RemoteSystem.name).with_for_update()):
        if row.down_since is not None:
            row.next_probe_at = now()


def wait_no_longer(session: Session) -> None:
    """Make everything that waits due now: the clock was wrong when the next tries were set."""
    ask_now(session)
    later = {"next_try_at": now()}
    session.execute(update(Order).where(Order.state == OrderState.WAITING).values(later))
    pending = (Notice.state == NoticeState.PENDING, Notice.next_try_at.is_not(None))
    session.execute(update(Notice).where(*pending).values(later))


def systems_down(session: Session) -> dict[str, RemoteSystem]:
    """The systems that don't answer, by name."""
    rows = session.scalars(select(RemoteSystem).order_by(RemoteSystem.name))
    return {row.name: row for row in rows if row.down_since is not None}

"""One breaker for each remote system, in the database, so that all processes and commands share it.

While a system is down, one order (or notice) probes it and the others wait for that probe. The first
answer closes the breaker and makes everything that waited due at once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import insert_if_new
from app.models import Notice, NoticeState, Order, OrderState, RemoteSystem, System, now

PROBE_LEASE = timedelta(minutes=3)
"""How long a probe may take before another one is sent: longer than the longest step."""


def retry_at(tries: int, minutes: Sequence[float]) -> datetime:
    """When to try again after `tries` failures (1, 2, ...); the last of `minutes` repeats."""
    return now() + timedelta(minutes=minutes[min(max(tries, 1), len(minutes)) - 1])


def admits(session: Session, system: System, who: str) -> bool:
    """Whether `who` may call the system now: it works, or `who` is its probe."""
    row = session.get(RemoteSystem, system, with_for_update=True)
    return row is None or row.down_since is None or row.probe == who


def next_probe_at(session: Session, system: System) -> datetime | None:
    """When a system that is down is tried next; None when it works."""
    row = session.get(RemoteSystem, system)
    return row.next_probe_at if row and row.down_since else None


def report_down(session: Session, system: System, who: str, error: str, minutes: Sequence[float]) -> datetime:
    """Record that a call did not get through; returns when the system is tried next."""
    insert_if_new(session, RemoteSystem, "name", name=system, failures=0)
    row = session.get_one(RemoteSystem, system, with_for_update=True)
    if row.down_since is None:
        row.down_since, row.failures = now(), 0
    elif row.probe != who and row.next_probe_at is not None:
        return row.next_probe_at
    row.failures += 1
    row.error, row.probe = error, None
    row.next_probe_at = retry_at(row.failures, minutes)
    _move_waiting(session, system, row.next_probe_at)
    return row.next_probe_at


def report_up(session: Session, system: System) -> bool:
    """Record an answer; whether the system was down before, in which case all that waited is due now."""
    row = session.get(RemoteSystem, system, with_for_update=True)
    if row is None or row.down_since is None:
        return False
    row.down_since = row.next_probe_at = row.probe = row.error = None
    row.up_since, row.failures = now(), 0
    _move_waiting(session, system, now())
    return True


def _move_waiting(session: Session, system: System, moment: datetime) -> None:
    """Everybody who waits for the system's probe waits until the same moment."""
    if system is System.MAIL:
        pending = (Notice.state == NoticeState.PENDING, Notice.waiting_for == system)
        session.execute(update(Notice).where(*pending).values(next_try_at=moment))
        return
    waiting = (Order.state == OrderState.WAITING, Order.waiting_for == system)
    session.execute(update(Order).where(*waiting).values(next_try_at=moment))


def claim_probe(session: Session, system: System, who: str) -> bool:
    """Make `who` the probe of a system that is down, if one is due and none is under way."""
    moment = now()
    due = (RemoteSystem.name == system, RemoteSystem.down_since.is_not(None), RemoteSystem.next_probe_at <= moment)
    claimed = session.execute(update(RemoteSystem).where(*due).values(probe=who, next_probe_at=moment + PROBE_LEASE))
    return bool(getattr(claimed, "rowcount", 0))


def release_probe(session: Session, system: System, who: str) -> None:
    """`who` was the probe and found out nothing: let another one be it at once."""
    mine = (RemoteSystem.name == system, RemoteSystem.probe == who)
    session.execute(update(RemoteSystem).where(*mine).values(probe=None, next_probe_at=now()))


def appoint_probe(session: Session, system: System, who: str) -> None:
    """Make `who` the probe because a person asked for it now, whoever else is due."""
    down = (RemoteSystem.name == system, RemoteSystem.down_since.is_not(None))
    session.execute(update(RemoteSystem).where(*down).values(probe=who, next_probe_at=now() + PROBE_LEASE))


def probe_now(session: Session, system: System) -> None:
    """What kept the system from answering is mended: let somebody try at once, unless somebody is trying."""
    idle = (RemoteSystem.name == system, RemoteSystem.down_since.is_not(None), RemoteSystem.probe.is_(None))
    moved = session.execute(update(RemoteSystem).where(*idle).values(next_probe_at=now()))
    if getattr(moved, "rowcount", 0):
        _move_waiting(session, system, now())


def systems_down(session: Session, *, lock: bool = False) -> dict[str, RemoteSystem]:
    """The systems that don't answer, by name.

    `lock`: nobody else reports or claims meanwhile. Always before orders are locked: two transactions that take
    both in different order would wait for each other.
    """
    query = select(RemoteSystem).order_by(RemoteSystem.name)
    rows = session.scalars(query.with_for_update() if lock else query)
    return {row.name: row for row in rows if row.down_since is not None}

"""What the morning mail says, as it is at its time. No customer's data is in it: references, causes and counts."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.aftercare.open_counts import open_counts
from app.alerts import alert_words, backups, records
from app.digest import run_json as digests
from app.digest.schedule import last_due
from app.models import FIRST_ORDER, STANDING, SYSTEM_NAMES, Notice, NoticeState, Order, OrderState, System, now
from app.provisioning import written_parts
from app.provisioning.causes.open_causes import OpenCause, open_causes
from app.provisioning.causes.put_off_orders import how_many
from app.remote import breaker
from config import Settings

DONE = {
    OrderState.COMPLETED: "completed",
    OrderState.EXISTS: "exists",
    OrderState.NOT_OURS: "not_ours",
    OrderState.DISMISSED: "closed",
}
MOST_CAUSES = 12
WEEK = timedelta(days=8)
A_YEAR = timedelta(days=330)
When = Callable[[datetime | None], str | None]


def summary(session: Session, settings: Settings, moment: datetime) -> dict[str, Any]:
    """The content of the mail of `moment`; times are words, in TIMEZONE."""
    when = partial(_when, settings.zone)
    since, until = _days(settings, moment)
    causes = list(open_causes(session, listed=1))
    return {
        "days": _in_words(since, until),
        "done": _done(session, since, until),
        "needs": [_cause(one, when) for one in causes[:MOST_CAUSES]],
        "causes": len(causes),
        "orders_needing": sum(one.count for one in causes),
        "put_away": _put_away(session, settings.zone),
        "unsent": _unsent(session),
        "waiting": list(_waiting(session, when)),
        "systems": list(_systems(session, settings, moment, when)),
        "alerts": [
            {"title": alert_words.title(alert), "since": when(alert.began_at)} for alert in records.open_alerts(session)
        ],
        "oldest": _oldest(session, when),
        "digest": _digest(session, settings, when),
        "aftercare": asdict(open_counts(session, settings, moment)),
    }


def _days(settings: Settings, moment: datetime) -> tuple[datetime, datetime]:
    """The days reported: from the day of the previous mail to yesterday; on a Monday, Friday to Sunday."""
    schedule, zone = settings.morning_summary or "", settings.zone
    midnight = datetime.combine(moment.astimezone(zone).date(), time(), zone)
    before = last_due(schedule, zone, midnight - WEEK, midnight - timedelta(microseconds=1))
    first = (before or midnight - timedelta(days=1)).astimezone(zone).date()
    return datetime.combine(first, time(), zone), midnight


def _in_words(since: datetime, until: datetime) -> str:
    last = until.date() - timedelta(days=1)
    return "yesterday" if since.date() == last else f"from {since:%A} to {last:%A}"


def _done(session: Session, since: datetime, until: datetime) -> dict[str, int]:
    """How many of each; `completed` are accounts made, `added` what a customer got who existed."""
    then = (Order.finished_at >= since, Order.finished_at < until)
    ended = select(Order.state, func.count()).where(*then)
    counts = Counter(dict(session.execute(ended.group_by(Order.state)).all()))
    added = len(written_parts.added_to_customers(session, *then))
    counts[OrderState.COMPLETED] -= added
    came = select(func.count()).where(Order.received_at >= since, Order.received_at < until)
    return {"came": session.scalar(came) or 0, "added": added, **{name: counts[state] for state, name in DONE.items()}}


def _cause(one: OpenCause, when: When) -> dict[str, Any]:
    first = one.orders[0].orderref if one.orders else None
    return {"title": one.title, "since": when(one.since), "orderref": first if one.count == 1 else None}


def _put_away(session: Session, zone: ZoneInfo) -> dict[str, Any]:
    """How many orders somebody put off, and the day on which the first of them comes back."""
    found = how_many(session)
    there = found.first.astimezone(zone) if found.first else None
    return {"count": found.count, "first": f"{there:%A} {there.day} {there:%B}" if there else None}


def _unsent(session: Session) -> int:
    """Mails to staff that could not be sent: a person decides about each."""
    return session.scalar(select(func.count()).where(Notice.state == NoticeState.FAILED)) or 0


def _waiting(session: Session, when: When) -> Iterator[dict[str, Any]]:
    columns = (Order.waiting_for, func.count(), func.min(Order.waiting_since))
    for_systems = (Order.state == OrderState.WAITING, Order.waiting_for != FIRST_ORDER)
    waiting = select(*columns).where(*for_systems)
    for system, count, since in session.execute(waiting.group_by(Order.waiting_for)):
        yield {"system": SYSTEM_NAMES.get(system or "", system or ""), "count": count, "since": when(since)}


def _systems(session: Session, settings: Settings, moment: datetime, when: When) -> Iterator[Mapping[str, Any]]:
    """Each system, and since when it has not answered; the state of the backup, and the time of the last one."""
    down = breaker.systems_down(session)
    for system in System:
        row = down.get(system)
        yield {"name": SYSTEM_NAMES[system], "word": None, "since": when(row.down_since) if row else None}
    backup = backups.standing(session, settings, moment)
    if settings.backup_alert_hours:
        yield {"name": "the backup", "word": backup.word, "since": when(backup.made_at)}


def _oldest(session: Session, when: When) -> dict[str, Any] | None:
    """The order that has been unfinished for the longest time."""
    open_ones = or_(and_(Order.state.in_(STANDING), Order.cause.is_not(None)), Order.state == OrderState.WAITING)
    order = session.scalar(select(Order).where(open_ones).order_by(Order.received_at, Order.id).limit(1))
    if order is None:
        return None
    return {"orderref": order.orderref, "state": order.state, "since": when(order.received_at)}


def _digest(session: Session, settings: Settings, when: When) -> dict[str, Any] | None:
    overview = digests.overview(session, settings)
    if overview.source is None:
        return None
    last = {"run": overview.last.id if overview.last else None, "customers": overview.told}
    return {"next": when(overview.next_due), "unknown": overview.unknown, **last}


def _when(zone: ZoneInfo, moment: datetime | None) -> str | None:
    """As people say it in the morning: `Fri 20 Nov, 14:10`."""
    if moment is None:
        return None
    there = moment.astimezone(zone)
    return f"{there:%a} {there.day} {there:%b}{'' if now() - moment < A_YEAR else f' {there.year}'}, {there:%H:%M}"

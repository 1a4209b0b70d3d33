"""The chart of the first page: the orders of each day, and how long an order takes to become an account."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, select
from sqlalchemy.orm import Session

from app.models import STANDING, Order, OrderDecision, OrderState, now
from app.provisioning import written_parts
from app.provisioning.actions import FORGET, SUBMIT, TOLD_ONLY
from config import Settings

CHART_DAYS = 30
MOST_TIMED = 200


def _completed_between(begins: str, ends: str) -> ScalarSelect[int]:
    """Counts the orders completed between the values of two parameters."""
    completed = (Order.state == OrderState.COMPLETED, Order.finished_at >= bindparam(begins))
    return select(func.count()).where(*completed, Order.finished_at < bindparam(ends)).scalar_subquery()


COMPLETED_EACH_DAY = select(*(_completed_between(f"day{n}", f"day{n + 1}") for n in range(CHART_DAYS)))
"""Made once, as making this statement takes four times as long as the database takes to answer it."""


@dataclass(frozen=True)
class Day:
    """How many orders were completed on a day, and how many needed a person."""

    day: date
    completed: int
    stopped: int = 0


def chart(session: Session, settings: Settings) -> dict[str, Any]:
    """The chart's numbers, with the median time from an order to its account, in seconds, as `median`."""
    midnight = datetime.combine(now().astimezone(settings.zone).date(), time(), settings.zone)
    month = days(session, settings)
    begins = datetime.combine(month[0].day, time(), settings.zone)
    added = [order.finished_at for order in written_parts.added_to_customers(session, Order.finished_at >= begins)]
    added_today = sum(1 for moment in added if moment and moment >= midnight)
    took = _seconds_taken(session, begins)
    took_today = [seconds for finished, seconds in took if finished >= midnight]
    return {
        "days": month,
        "most": max(each.completed + each.stopped for each in month),
        "completed": sum(each.completed for each in month),
        "stopped": sum(each.stopped for each in month),
        "added": len(added),
        "added_today": added_today,
        "made_today": month[-1].completed - added_today,
        "median": median(seconds for _, seconds in took) if took else None,
        "median_today": median(took_today) if took_today else None,
    }


def days(session: Session, settings: Settings) -> list[Day]:
    """The last CHART_DAYS days in TIMEZONE, the oldest first.

    An order that needed a person counts once: while it stands, on the day it stopped; later, on the last decision's.
    """
    last = now().astimezone(settings.zone).date()
    those = [last - timedelta(days=back) for back in range(CHART_DAYS - 1, -1, -1)]
    midnights = [datetime.combine(each, time(), settings.zone) for each in (*those, last + timedelta(days=1))]
    completed = session.execute(COMPLETED_EACH_DAY, {f"day{n}": each for n, each in enumerate(midnights)}).one()
    stopped = _stopped(session, settings, midnights[0])
    return [Day(day, count, stopped[day]) for day, count in zip(those, completed, strict=True)]


def _stopped(session: Session, settings: Settings, since: datetime) -> Counter[date]:
    standing = select(Order.stopped_at).where(Order.state.in_(STANDING), Order.stopped_at >= since)
    decided = select(func.max(OrderDecision.made_at)).join(Order, Order.id == OrderDecision.order_id)
    settled = decided.where(
        OrderDecision.made_at >= since,
        OrderDecision.action.not_in((SUBMIT.kept_as, FORGET.kept_as, *TOLD_ONLY)),
        Order.state.not_in(STANDING),
    )
    moments: Iterable[Any] = [*session.scalars(standing), *session.scalars(settled.group_by(OrderDecision.order_id))]
    return Counter(moment.astimezone(settings.zone).date() for moment in moments)


def _seconds_taken(session: Session, since: datetime) -> list[tuple[datetime, float]]:
    """The newest accounts since then, up to `MOST_TIMED`: when each was made, and its seconds since the callback."""
    finished = (Order.state == OrderState.COMPLETED, Order.finished_at >= since)
    newest = select(Order.received_at, Order.finished_at).where(*finished).order_by(Order.finished_at.desc())
    made = session.execute(newest.limit(MOST_TIMED))
    return [(ended, (ended - came).total_seconds()) for came, ended in made if ended]

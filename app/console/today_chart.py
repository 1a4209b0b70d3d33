"""The chart of the first page: the orders of each day, and how long an order takes to become an account."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from app.models import Order, OrderDecision, OrderState, now
from app.provisioning import written_parts
from app.provisioning.actions import FORGET, SUBMIT, TOLD_ONLY
from app.provisioning.lifecycle import NEED_SOMEBODY
from config import Settings

CHART_DAYS = 30
MOST_TIMED = 500


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
    return {
        "days": month,
        "most": max(each.completed + each.stopped for each in month),
        "completed": sum(each.completed for each in month),
        "stopped": sum(each.stopped for each in month),
        "added": len(added),
        "added_today": added_today,
        "made_today": month[-1].completed - added_today,
        "median": median_seconds(session),
        "median_today": median_seconds(session, midnight),
    }


def days(session: Session, settings: Settings) -> list[Day]:
    """The last CHART_DAYS days in TIMEZONE, the oldest first.

    An order that needed a person counts once: while it stands, on the day it stopped; later, on the last decision's.
    """
    last = now().astimezone(settings.zone).date()
    those = [last - timedelta(days=back) for back in range(CHART_DAYS - 1, -1, -1)]
    completed = session.execute(select(*(_completed_on(each, settings) for each in those))).one()
    stopped = _stopped(session, settings, datetime.combine(those[0], time(), settings.zone))
    return [Day(day, count, stopped[day]) for day, count in zip(those, completed, strict=True)]


def _completed_on(each: date, settings: Settings) -> ScalarSelect[int]:
    begins, ends = (datetime.combine(day, time(), settings.zone) for day in (each, each + timedelta(days=1)))
    return (
        select(func.count())
        .where(Order.state == OrderState.COMPLETED, Order.finished_at >= begins, Order.finished_at < ends)
        .scalar_subquery()
    )


def _stopped(session: Session, settings: Settings, since: datetime) -> Counter[date]:
    standing = select(Order.stopped_at).where(Order.state.in_(NEED_SOMEBODY), Order.stopped_at >= since)
    decided = select(func.max(OrderDecision.made_at)).join(Order, Order.id == OrderDecision.order_id)
    settled = decided.where(
        OrderDecision.made_at >= since,
        OrderDecision.action.not_in((SUBMIT.kept_as, FORGET.kept_as, *TOLD_ONLY)),
        Order.state.not_in(NEED_SOMEBODY),
    )
    moments: Iterable[Any] = [*session.scalars(standing), *session.scalars(settled.group_by(OrderDecision.order_id))]
    return Counter(moment.astimezone(settings.zone).date() for moment in moments)


def median_seconds(session: Session, since: datetime | None = None) -> float | None:
    """Median seconds from callback to account, of the newest `MOST_TIMED` since then or in the chart; None for none."""
    since = since or now() - timedelta(days=CHART_DAYS)
    finished = (Order.state == OrderState.COMPLETED, Order.finished_at >= since)
    newest = select(Order.received_at, Order.finished_at).where(*finished).order_by(Order.finished_at.desc())
    took = [(ended - came).total_seconds() for came, ended in session.execute(newest.limit(MOST_TIMED)) if ended]
    return median(took) if took else None

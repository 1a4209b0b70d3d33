"""Tells the office, once each, of orders that have waited for long."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import notices
from app.alerts import outages
from app.alerts.outages import Waiting
from app.models import SYSTEM_NAMES, NoticeKind, Order, OrderState, RemoteSystem, now
from app.remote import breaker
from app.services import Services

AT_ONCE = 500


def tell(services: Services) -> None:
    """One notice for each system that has kept orders waiting for `NOTICE_AFTER_MINUTES`; each wait is told once.

    For a system that is down, it opens the alert; `outages.conditions` finds out when the outage is over.
    """
    long_ago = now() - timedelta(minutes=services.settings.notice_after_minutes)
    with services.database.read() as session:
        columns = (Order.id, Order.orderref, Order.waiting_for, Order.waiting_since, Order.reason)
        waiting = select(*columns).where(
            Order.state == OrderState.WAITING,
            Order.waiting_since < long_ago,
            Order.told_of_wait_since.is_distinct_from(Order.waiting_since),
        )
        orders = [Waiting(*row) for row in session.execute(waiting.order_by(Order.id))]
        down = breaker.systems_down(session)
    for system in sorted({order.waiting_for for order in orders if order.waiting_for}):
        those = [order for order in orders if order.waiting_for == system]
        _tell(services, system, those, down.get(system))


def _tell(services: Services, system: str, orders: list[Waiting], down: RemoteSystem | None) -> None:
    """Tell once of a system that is down, and once each of orders that wait for another reason."""
    since = min(order.waiting_since for order in orders if order.waiting_since)
    for group in [orders] if down else [[order] for order in orders]:
        with services.database.write() as session:
            for start in range(0, len(group), AT_ONCE):
                told = update(Order).where(Order.id.in_([order.id for order in group[start : start + AT_ONCE]]))
                session.execute(told.values(told_of_wait_since=Order.waiting_since))
            if down:
                outages.tell(services, session, down, group, since)
            else:
                _tell_of_one(services, session, system, group[0], since)


def _tell_of_one(services: Services, session: Session, system: str, order: Waiting, since: datetime) -> None:
    notices.record(
        services.work_queue,
        session,
        NoticeKind.STILL_WAITING,
        f"{NoticeKind.STILL_WAITING}:{order.orderref}:{order.waiting_since}",
        system=SYSTEM_NAMES[system],
        since=since.isoformat(),
        orders=[order.orderref],
        reason=order.reason,
        works=True,
    )

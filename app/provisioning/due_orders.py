"""What the scheduler does for orders: wakes those that wait, and picks up those that nothing works on."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from app.models import AT_WORK, FIRST_ORDER, HELD_BACK, Order, OrderState
from app.observability import order_context
from app.provisioning import intake, lifecycle, order_waits
from app.provisioning.problems import PROGRAM_FAULT
from app.provisioning.run_endings import NeedsReview
from app.remote import breaker, retry_times
from app.services import Services

log = logging.getLogger(__name__)

AT_A_TIME = 100
MOST_RESTARTS = 5
SET_BACK_SECONDS = 5.0


def wake_due_orders(services: Services) -> int:
    """Start orders whose time has come, except those that wait for a system that is down; returns how many.

    After an outage, thousands of orders may be due. No more than a few are in the engine's queues at a time, the newest
    and the oldest in turn, so that a new order never waits behind them.
    """
    with services.database.read() as session:
        chosen = choose(services, session)
    if not chosen:
        return 0
    with services.database.write() as session:
        orders = intake.taken(session, chosen, *_due(services, session))
        for order in orders:
            lifecycle.next_run(services, session, order)
        return len(orders)


def choose(services: Services, session: Session) -> list[int]:
    """The ids of the orders that are started next."""
    due = _due(services, session)
    if session.scalar(select(Order.id).where(*due).limit(1)) is None:
        return []
    chosen = []
    for stage in lifecycle.QUEUE_OF_STAGE:  # as many as there is room for, besides those that run in it or are queued
        room = intake.room_at(services, session, stage, intake.WOKEN_PER_SLOT)
        chosen += intake.in_turn(session, room, *due, Order.stage == stage)
    return chosen


def _due(services: Services, session: Session) -> Sequence[ColumnElement[bool]]:
    down = list(breaker.systems_down(session))
    its_time = retry_times.due(Order.next_try_at, services.settings.retry_minutes)
    return (Order.state == OrderState.WAITING, its_time, Order.waiting_for.not_in([*down, FIRST_ORDER]))


class Clock:
    """Notices that the clock was set back: compares it with the monotonic clock."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()

    def was_set_back(self) -> bool:
        """Whether the clock was set back since the last call, by more than a correction of seconds."""
        before, self._ahead = self._ahead, time.time() - time.monotonic()
        return self._ahead < before - SET_BACK_SECONDS


_clock = Clock()


def go_on_when_set_back(services: Services) -> None:
    """Make all waits end now if the clock was set back: otherwise, each would last that much longer."""
    if _clock.was_set_back():
        log.warning("The clock was set back: whatever waits is tried now")
        with services.database.write() as session:
            breaker.wait_no_longer(session)


def give_up_after_outage(services: Services) -> None:
    """Orders that have waited for `GIVE_UP_AFTER_HOURS` for a system that has been down for as long go to a person.

    The system's failed calls tell how long it has been down, so a clock that steps ahead makes no order give up.
    """
    limit = timedelta(hours=services.settings.give_up_after_hours)
    with services.database.read() as session:
        down = breaker.systems_down(session).values()
        lasting = [row for row in down if breaker.least_lasted(row, services.settings.retry_minutes) >= limit]
        long_since = Order.waiting_since <= order_waits.longest_ago(services)
        those = (Order.state == OrderState.WAITING, Order.waiting_for.in_([row.name for row in lasting]), long_since)
        if not lasting or session.scalar(select(Order.id).where(*those).limit(1)) is None:
            return
    errors = {row.name: row.error for row in lasting}
    with services.database.write() as session:
        for order in session.scalars(select(Order).where(*those).limit(AT_A_TIME).with_for_update(skip_locked=True)):
            order.run += 1
            lifecycle.stop(services, session, order, order_waits.given_up(services, errors[str(order.waiting_for)]))


def pick_up_stranded_orders(services: Services) -> int:
    """Start orders again that should be running but that the engine doesn't know; returns how many.

    An order and its workflow begin in one commit, so an order without a workflow is stranded: no need to wait and see.
    """
    picked_up = 0
    with services.database.read() as session:
        active = select(Order).where(Order.state.in_(AT_WORK), ~and_(*HELD_BACK))
        candidates = session.scalars(active).all()
    going = services.work_queue.going([lifecycle.workflow_id(candidate) for candidate in candidates])
    for candidate in candidates:
        if lifecycle.workflow_id(candidate) in going:
            continue
        with services.database.write() as session, order_context(candidate.orderref):
            order = lifecycle.current(session, candidate.orderref, candidate.run)
            if order is not None and order.stage == candidate.stage:
                _pick_up(services, session, order)
                picked_up += 1
    return picked_up


def _pick_up(services: Services, session: Session, order: Order) -> None:
    order.restarts += 1
    if order.restarts > MOST_RESTARTS:
        stranded = NeedsReview(PROGRAM_FAULT, "The work on this order broke off several times; see the log")
        lifecycle.stop(services, session, order, stranded)
    else:
        log.warning("Nothing was working on this order; it is started again")
        lifecycle.next_run(services, session, order)

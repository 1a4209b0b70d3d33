"""One look, every second, at whether there is anything to do: what is due by now, and what other processes enqueued.

Each job makes several queries through the mapped classes, and each look of the engine at one of its queues is a
transaction of its own. Running all of them all the time kept an idle service busy; this look is two narrow statements,
built once.
"""

import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from app import notices
from app.channels import delivery
from app.digest import run_starts
from app.models import (
    HELD_BACK,
    DigestRun,
    JointDecision,
    Notice,
    NoticeState,
    Order,
    OrderState,
    Outgoing,
    OutgoingState,
    PlanTrial,
    RemoteSystem,
    RunState,
    System,
)
from app.outgoing import events
from app.provisioning import due_orders, intake
from app.provisioning.causes import joint_decisions, trial_orders
from app.provisioning.plans import trials
from app.remote import probes, retry_times
from app.services import Services
from app.storage.database import connection_of

EVERY_SECONDS = 1.0

Job = Callable[[Services], object]


def _is_down(system: System) -> ColumnElement[bool]:
    return exists().where(RemoteSystem.name == system, RemoteSystem.down_since.is_not(None))


def _is_waiting(*those: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an event or a message is to be sent, now or once more."""
    its_time = or_(Outgoing.next_try_at.is_(None), retry_times.due_as_of(Outgoing.next_try_at))
    return exists().where(Outgoing.state == OutgoingState.PENDING, its_time, *those)


DUE: dict[Job, ColumnElement[bool]] = {
    due_orders.wake_due_orders: exists().where(
        Order.state == OrderState.WAITING, retry_times.due_as_of(Order.next_try_at)
    ),
    intake.start_next: exists().where(*HELD_BACK),
    notices.wake_due_notices: exists().where(
        Notice.state == NoticeState.PENDING,
        or_(
            retry_times.due_as_of(Notice.next_try_at),
            and_(Notice.waiting_for == System.MAIL, ~_is_down(System.MAIL)),
        ),
    ),
    probes.ask_utopia: _is_down(System.UTOPIA),
    probes.ask_powercode: _is_down(System.POWERCODE),
    probes.ask_mail: _is_down(System.MAIL),
    trial_orders.go_on: or_(exists().where(PlanTrial.key.is_not(None)), exists().where(*trials.FOLLOWS)),
    joint_decisions.go_on: exists().where(JointDecision.done_at.is_(None)),
    events.send_due: _is_waiting(Outgoing.channel == events.CHANNEL),
    delivery.send_due: _is_waiting(Outgoing.channel != events.CHANNEL),
    run_starts.go_on: exists().where(or_(DigestRun.state == RunState.RUNNING, DigestRun.state == RunState.WAITING)),
}
"""The condition under which each job may have something to do; the job itself finds out what."""


class Glance:
    """Looks, and wakes the jobs that may have something to do."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._any_due: Any = select(*(condition.label(f"job{number}") for number, condition in enumerate(DUE.values())))
        self.woken = {job: threading.Event() for job in DUE}
        """By job: set when it may have something to do; the job clears it before it begins."""

    def look(self, _services: Services) -> None:
        """Look once."""
        moments = retry_times.moments(self._services.settings.retry_minutes)
        with self._services.database.read() as session:
            connection = connection_of(session)
            due = connection.execute(self._any_due, moments).one()
            enqueued = self._services.work_queue.enqueued(connection)
        for job, is_due in zip(DUE, due, strict=True):
            if is_due:
                self.woken[job].set()
        for queue in enqueued:
            self._services.work_queue.bells.ring(queue)

    def wake_all(self) -> None:
        """Wake all jobs that wait, so that they look whether to stop."""
        for event in self.woken.values():
            event.set()

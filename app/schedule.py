"""What runs when, by APScheduler, in the one process that executes.

No job store: what is due is always read from the database, so a missed beat is made up by the next.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import delete, select

from app import notices
from app.digest import preview_requests, starting
from app.digest.timetable import trigger
from app.models import Callback, DigestRun, DigestSetAside, Order, now
from app.provisioning import waking
from app.services import Services

log = logging.getLogger(__name__)

FINISHED_WORKFLOWS_KEPT = timedelta(days=30)
UNCLAIMED_KEPT = timedelta(days=90)
MOST_UNCLAIMED_CALLBACKS = 20_000
OF_NO_ORDER = ~select(Order.orderref).where(Order.orderref == Callback.orderref).exists()
FIRST_PRUNING = timedelta(minutes=5)
"""After a start: a server that is restarted every day would never come to it."""


class Schedule:
    """The service's recurring work."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scheduler: BackgroundScheduler | None = None

    @property
    def running(self) -> bool:
        """Whether jobs are being started."""
        return self._scheduler is not None and bool(self._scheduler.running)

    @contextmanager
    def while_running(self) -> Iterator[None]:
        """Run the jobs during the block; a job that is running at its end is waited for."""
        for make_up in (waking.pick_up_stranded_orders, starting.start_when_due, starting.go_on):
            _safely(make_up)(self._services)
        self._scheduler = self._with_jobs()
        self._scheduler.start()
        try:
            yield
        finally:
            self._scheduler.shutdown(wait=True)

    def _with_jobs(self) -> BackgroundScheduler:
        """A new scheduler: one that was shut down has lost its jobs."""
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
        for work, seconds in JOBS.items():
            first = {"next_run_time": now() + FIRST_PRUNING} if work is prune else {}
            scheduler.add_job(
                _safely(work), "interval", seconds=seconds, args=[self._services], id=work.__name__, **first
            )
        settings = self._services.settings
        if settings.report_source:
            due = trigger(settings.digest_schedule, settings.zone)
            scheduler.add_job(_safely(starting.start_when_due), due, args=[self._services], id="digest")
        return scheduler


def prune(services: Services) -> None:
    """Delete what nobody will ask for; orders, their callbacks and what customers were told are kept."""
    moment = (now() - FINISHED_WORKFLOWS_KEPT).isoformat()
    while finished := services.work_queue.finished_before(moment):
        services.work_queue.forget(finished)
    old = now() - UNCLAIMED_KEPT
    long_over = select(DigestRun.id).where(DigestRun.started_at < old)
    with services.database.write() as session:
        session.execute(delete(Callback).where(OF_NO_ORDER, Callback.received_at < old))
        session.execute(delete(DigestSetAside).where(DigestSetAside.run_id.in_(long_over)))


def limit_unclaimed_callbacks(services: Services) -> None:
    """Anybody can send callbacks that belong to no order: of very many, keep the newest."""
    beyond = select(Callback.id).where(OF_NO_ORDER).order_by(Callback.id.desc()).offset(MOST_UNCLAIMED_CALLBACKS)
    with services.database.read() as session:
        newest_dropped = session.scalar(beyond.limit(1))
    if newest_dropped is not None:
        with services.database.write() as session:
            session.execute(delete(Callback).where(OF_NO_ORDER, Callback.id <= newest_dropped))


JOBS: dict[Callable[[Services], object], float] = {
    waking.wake_due_orders: 0.5,
    notices.wake_due_notices: 0.5,
    waking.tell_of_long_waits: 15,
    waking.pick_up_stranded_orders: 60,
    notices.pick_up_stranded_notices: 60,
    starting.start_when_due: 60,
    starting.go_on: 1,
    preview_requests.fail_broken_off: 60,
    limit_unclaimed_callbacks: 600,
    prune: 24 * 3600,
}


def _safely(work: Callable[[Services], object]) -> Callable[[Services], None]:
    def job(services: Services) -> None:
        try:
            work(services)
        except Exception:
            log.exception("The scheduled work %s failed; it is tried again at its next time", work.__name__)

    return job

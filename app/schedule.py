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
from app.digest import starting
from app.digest.timetable import trigger
from app.models import Callback, CallbackOutcome, now
from app.provisioning import waking
from app.services import Services

log = logging.getLogger(__name__)

FINISHED_WORKFLOWS_KEPT = timedelta(days=30)
REFUSED_CALLBACKS_KEPT = timedelta(days=90)
MOST_REFUSED_CALLBACKS = 20_000


class Schedule:
    """The service's recurring work."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for work, seconds in JOBS.items():
            self._scheduler.add_job(_safely(work), "interval", seconds=seconds, args=[services], id=work.__name__)

        settings = services.settings
        if settings.report_source:
            due = trigger(settings.digest_schedule, settings.zone)
            self._scheduler.add_job(_safely(starting.start_when_due), due, args=[services], id="digest")

    @property
    def running(self) -> bool:
        """Whether jobs are being started."""
        return bool(self._scheduler.running)

    @contextmanager
    def while_running(self) -> Iterator[None]:
        """Run the jobs during the block; a job that is running at its end is waited for."""
        for make_up in (waking.pick_up_stranded_orders, starting.start_when_due, starting.go_on):
            _safely(make_up)(self._services)
        self._scheduler.start()
        try:
            yield
        finally:
            self._scheduler.shutdown(wait=True)


def prune(services: Services) -> None:
    """Delete the engine's record of work long finished, and old refused callbacks; orders are kept."""
    moment = (now() - FINISHED_WORKFLOWS_KEPT).isoformat()
    while finished := services.work_queue.finished_before(moment):
        services.work_queue.forget(finished)
    with services.database.write() as session:
        refused = Callback.outcome == CallbackOutcome.REJECTED
        session.execute(delete(Callback).where(refused, Callback.received_at < now() - REFUSED_CALLBACKS_KEPT))
        oldest_kept = select(Callback.id).where(refused).order_by(Callback.id.desc()).offset(MOST_REFUSED_CALLBACKS)
        newest_dropped = session.scalar(oldest_kept.limit(1))
        if newest_dropped is not None:
            session.execute(delete(Callback).where(refused, Callback.id <= newest_dropped))


JOBS: dict[Callable[[Services], object], float] = {
    waking.wake_due_orders: 0.5,
    notices.wake_due_notices: 0.5,
    waking.tell_of_long_waits: 15,
    waking.pick_up_stranded_orders: 60,
    notices.pick_up_stranded_notices: 60,
    starting.start_when_due: 60,
    starting.go_on: 1,
    prune: 24 * 3600,
}


def _safely(work: Callable[[Services], object]) -> Callable[[Services], None]:
    def job(services: Services) -> None:
        try:
            work(services)
        except Exception:
            log.exception("The scheduled work %s failed; it is tried again at its next time", work.__name__)

    return job

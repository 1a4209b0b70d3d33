"""What runs when, by APScheduler, in the one process that executes.

No job store: what is due is always read from the database, so a missed beat is made up by the next.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler

from app import notices, probing, pruning
from app.alerts.certificate import look_at_certificate
from app.alerts.watch import watch_for_alerts
from app.digest import preview_requests, starting
from app.digest.timetable import trigger
from app.models import now
from app.provisioning import intake, waking
from app.services import Services

log = logging.getLogger(__name__)

FIRST_PRUNING_SECONDS = 300
"""After a start: a server that is restarted every day would never come to it."""


class Schedule:
    """The service's recurring work."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scheduler: BackgroundScheduler | None = None
        self._stopping = threading.Event()

    @property
    def running(self) -> bool:
        """Whether jobs are being started."""
        return self._scheduler is not None and bool(self._scheduler.running)

    @contextmanager
    def while_running(self) -> Iterator[None]:
        """Run the jobs during the block; a job that is running at its end is waited for."""
        for make_up in (waking.pick_up_stranded_orders, starting.start_when_due, starting.go_on):
            _safely(make_up)(self._services)
        self._stopping.clear()
        self._scheduler = self._with_jobs()
        self._scheduler.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._scheduler.shutdown(wait=True)

    def _with_jobs(self) -> BackgroundScheduler:
        """A new scheduler: one that was shut down has lost its jobs."""
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
        for work, seconds in JOBS.items():
            named = {"id": work.__name__, "name": work.__name__}
            scheduler.add_job(_safely(work), "interval", seconds=seconds, args=[self._services], **named)
        for pruned, (seconds, first) in PRUNING.items():
            job, due = partial(_safely(pruned), stopping=self._stopping), now() + timedelta(seconds=first)
            scheduler.add_job(
                job, "interval", seconds=seconds, next_run_time=due, args=[self._services], id=pruned.__name__
            )
        settings = self._services.settings
        if settings.report_source:
            due = trigger(settings.digest_schedule, settings.zone)
            scheduler.add_job(_safely(starting.start_when_due), due, args=[self._services], id="digest")
        return scheduler


JOBS: dict[Callable[[Services], object], float] = {
    waking.wake_due_orders: 0.5,
    intake.start_next: 0.5,
    notices.wake_due_notices: 0.5,
    probing.ask_utopia: 0.5,
    probing.ask_powercode: 0.5,
    probing.ask_mail: 0.5,
    waking.tell_of_long_waits: 15,
    waking.give_up_after_outage: 15,
    watch_for_alerts: 30,
    look_at_certificate: 60,
    waking.pick_up_stranded_orders: 20,
    notices.pick_up_stranded_notices: 60,
    starting.start_when_due: 60,
    starting.go_on: 1,
    preview_requests.fail_broken_off: 60,
}
PRUNING: dict[Callable[..., None], tuple[float, float]] = {
    pruning.limit_unclaimed_callbacks: (600, 600),
    pruning.prune: (24 * 3600, FIRST_PRUNING_SECONDS),
}
"""Every so many seconds, and after so many for the first time. It ends between two batches when the service stops."""


def _safely(work: Callable[..., object]) -> Callable[..., None]:
    def job(services: Services, **options: threading.Event) -> None:
        try:
            work(services, **options)
        except Exception:
            log.exception("The scheduled work %s failed; it is tried again at its next time", work.__name__)

    return job

"""What runs when, in the one process that executes.

What is due is always read from the database, so the next beat makes up for a missed one.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from app import notices
from app.aftercare import cases, customer_statuses, reconciliation, unknown_writes
from app.alerts import long_waits
from app.alerts.certificate import look_at_certificate
from app.alerts.watch import watch_for_alerts
from app.channels import messages
from app.digest import preview_requests, run_starts
from app.digest.schedule import trigger
from app.morning import schedule as morning
from app.provisioning import due_orders, intake
from app.provisioning.causes import cause_mails
from app.running import glance
from app.safekeeping import pruning
from app.services import Services

log = logging.getLogger(__name__)

FIRST_PRUNING_SECONDS = 300
"""How long after a start it runs first: otherwise, a server that is restarted every day would never do it."""


class Schedule:
    """The service's recurring work: a thread for each job, so that a long job delays no other.

    The jobs of `glance.DUE` sleep until there is something to do; the others have a beat.

    The pauses are measured by the monotonic clock. Only the digest goes by the time of day; it has a beat as well.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._looking = glance.Glance(services)

    @property
    def running(self) -> bool:
        """Whether all jobs are being done."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def start_more(self) -> None:
        """Let the intake start more orders: there is room in PowerCode."""
        self._looking.woken[intake.start_next].set()

    @contextmanager
    def while_running(self) -> Iterator[None]:
        """Do the jobs during the block; a job that is at work at its end is waited for."""
        for make_up in (due_orders.pick_up_stranded_orders, run_starts.start_when_due, run_starts.go_on):
            _safely(make_up)(self._services)
        self._stopping.clear()
        self._threads = self._beats()
        for thread in self._threads:
            thread.start()
        try:
            with self._by_the_time_of_day():
                yield
        finally:
            self._stopping.set()
            self._looking.wake_all()
            for thread in self._threads:
                thread.join()
            self._threads = []

    def _beats(self) -> list[threading.Thread]:
        jobs: list[tuple[Callable[..., object], float, float]] = [
            *((work, seconds, seconds) for work, seconds in JOBS.items()),
            *((partial(work, stopping=self._stopping), *times) for work, times in PRUNING.items()),
        ]
        jobs.append((self._looking.look, glance.EVERY_SECONDS, 0.0))
        sleepers = [_thread(self._when_woken, *each) for each in self._looking.woken.items()]
        return [*sleepers, *(_thread(self._repeat, *job) for job in jobs)]

    def _when_woken(self, work: Callable[..., object], woken: threading.Event) -> None:
        job = _safely(work)
        while woken.wait():
            woken.clear()
            if self._stopping.is_set():
                return
            job(self._services)

    def _repeat(self, work: Callable[..., object], seconds: float, first: float) -> None:
        pause, job = first, _safely(work)
        while not self._stopping.wait(pause):
            job(self._services)
            pause = seconds

    @contextmanager
    def _by_the_time_of_day(self) -> Iterator[None]:
        settings = self._services.settings
        if not settings.report_source:
            yield
            return
        # Only for a digest: it reads the descriptions of all installed packages, 15 ms of a start.
        from apscheduler.schedulers.background import BackgroundScheduler  # noqa: PLC0415

        scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None})
        due = trigger(settings.digest_schedule, settings.zone)
        scheduler.add_job(_safely(run_starts.start_when_due), due, args=[self._services], id="digest")
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=True)


JOBS: dict[Callable[[Services], object], float] = {
    cause_mails.tell_of_those_who_joined: 60,
    long_waits.tell: 15,
    due_orders.give_up_after_outage: 15,
    due_orders.go_on_when_set_back: 5,
    watch_for_alerts: 30,
    look_at_certificate: 60,
    due_orders.pick_up_stranded_orders: 20,
    notices.pick_up_stranded_notices: 20,
    run_starts.start_when_due: 60,
    reconciliation.start_when_due: 60,
    reconciliation.go_on: 5,
    cases.tell_of_due: 600,
    customer_statuses.take_up: 300,
    customer_statuses.read_due: 5,
    unknown_writes.settle: 5,
    preview_requests.fail_broken_off: 60,
    morning.tell_when_due: 60,
    messages.look: 10,
}
PRUNING: dict[Callable[..., None], tuple[float, float]] = {
    pruning.limit_unclaimed_callbacks: (600, 600),
    pruning.prune: (24 * 3600, FIRST_PRUNING_SECONDS),
}
"""The seconds between two runs, and before the first one. A run ends between two batches when the service stops."""


def _thread(repeat: Callable[..., None], work: Callable[..., object], *when: Any) -> threading.Thread:
    return threading.Thread(target=repeat, args=(work, *when), name=_name_of(work), daemon=True)


def _safely(work: Callable[..., object]) -> Callable[[Services], None]:
    def job(services: Services) -> None:
        try:
            work(services)
        except Exception:
            log.exception("The scheduled work %s failed; it is tried again at its next time", _name_of(work))

    return job


def _name_of(work: Callable[..., object]) -> str:
    name: str = getattr(work, "func", work).__name__
    return name

"""Numbers for Prometheus: callbacks and remote calls, counted in the process, and orders and notices, read at scrape.

With several gunicorn workers, `PROMETHEUS_MULTIPROC_DIR` (set before this module is imported) makes each worker count
into files of that folder, and any worker answers for all.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.models import AlertKind, CallbackOutcome, NoticeState, OrderState, System

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series of creation times beside each counter, which workers can't share

OTHER = "other"
"""The label value for everything that is not known: values from outside must not make new series."""

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

CONTRACT_NOT_READY = "contract_not_ready"
"""The name for a notice that waits for UTOPIA's contract, and not for the mail server."""
NOTICE_STATES = frozenset({*NoticeState, CONTRACT_NOT_READY})

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """What the database and this host's disks say at one moment. Ages are in seconds, None where there is nothing.

    `executing` counts the processes that work on orders, `alerts` what is wrong by kind, `down` the systems that don't
    answer. `oldest_notice_seconds` is of those that only wait for the mail server. `digest_succeeded_at` is when the
    last run of the digest was completed (Unix time), `digest_due_since` since when its schedule is kept. `backup_ok` is
    False when the last backup failed or is late, None where nobody looks; `backup_made_at` is when the last good one
    was made. `disks` are free and all bytes, by what is kept there.
    """

    orders: Mapping[str, int] = field(default_factory=dict)
    oldest_waiting_seconds: float | None = None
    notices: Mapping[str, int] = field(default_factory=dict)
    executing: int = 0
    oldest_review_seconds: float | None = None
    oldest_notice_seconds: float | None = None
    digest_succeeded_at: float | None = None
    digest_due_since: float | None = None
    backup_ok: bool | None = None
    backup_made_at: float | None = None
    alerts: Mapping[str, int] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    disks: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Metrics:
    """The service's metrics; each object has its own registry.

    In multi-process mode a process makes one object only, as all its objects would write the same file.
    """

    def __init__(self, *, version: str = "unknown", commit: str = "unknown") -> None:
        """Make the metrics. `version` and `commit` are shown as `utopia_handler_build_info`."""
        self._build = (version, commit)
        self._folder = _multiprocess_folder()
        self.registry = CollectorRegistry()
        self._callbacks = Counter(
            "utopia_handler_callbacks", "Callbacks from UTOPIA, by outcome.", ["outcome"], registry=self.registry
        )
        for outcome in CallbackOutcome:  # from 0 on: a series that begins at 1 shows no increase
            self._callbacks.labels(outcome)
        self._calls = Counter(
            "utopia_handler_remote_calls",
            "Calls to remote systems, by outcome.",
            ["system", "action", "outcome"],
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "utopia_handler_remote_call_seconds",
            "Duration of calls to remote systems.",
            ["system", "action"],
            buckets=_SECONDS,
            registry=self.registry,
        )

        self._series_of_call = cache(self._labelled)  # to look them up takes as long as to count

    def callback(self, outcome: str) -> None:
        """Count one callback; `outcome` is a `CallbackOutcome`."""
        self._callbacks.labels(_known(outcome, frozenset(CallbackOutcome))).inc()

    def remote_call(self, system: str, action: str, outcome: str, seconds: float) -> None:
        """Count one call to a remote system and how long it took; the three names are the program's own."""
        calls, duration = self._series_of_call(system, action, outcome)
        calls.inc()
        duration.observe(max(seconds, 0.0))

    def _labelled(self, system: str, action: str, outcome: str) -> tuple[Counter, Histogram]:
        return self._calls.labels(system, action, outcome), self._call_seconds.labels(system, action)

    def render(self, snapshot: Callable[[], Snapshot]) -> tuple[bytes, str]:
        """Return the body and the content type for Prometheus; `snapshot` reads the database.

        When `snapshot` raises, the process's own counters are still shown, without the database's numbers and with
        `utopia_handler_database_up 0`.
        """
        registry = CollectorRegistry()
        registry.register(_Scrape(self._counted, _read(snapshot), self._build))
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def _counted(self) -> Iterable[Metric]:
        if self._folder is None:
            return self.registry.collect()
        counted: Iterable[Metric] = MultiProcessCollector(None, str(self._folder)).collect()  # type: ignore[no-untyped-call]
        return counted


class _Scrape(Collector):
    """One answer: the counts of all workers, and the database's numbers once, not once for each worker."""

    def __init__(
        self, counted: Callable[[], Iterable[Metric]], snapshot: Snapshot | None, build: tuple[str, str]
    ) -> None:
        self._counted, self._snapshot, self._build = counted, snapshot, build

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not read anything."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of one scrape."""
        yield from self._counted()
        build = GaugeMetricFamily("utopia_handler_build_info", "The version that runs.", labels=["version", "commit"])
        build.add_metric(self._build, 1)
        yield build
        up = self._snapshot is not None
        yield GaugeMetricFamily("utopia_handler_database_up", "Whether the database could be read.", value=float(up))
        if self._snapshot is not None:
            yield from self._database(self._snapshot)

    def _database(self, snapshot: Snapshot) -> Iterator[Metric]:
        for name, text, value in _numbers(snapshot):
            if value is not None:
                yield GaugeMetricFamily(f"utopia_handler_{name}", text, value=float(value))
        yield _by_label("state", "orders", "Orders by state.", snapshot.orders, frozenset(OrderState))
        yield _by_label("state", "notices", "Notices by state.", snapshot.notices, NOTICE_STATES)
        wrong = "What is wrong with the system itself, by kind."
        yield _by_label("kind", "alerts", wrong, snapshot.alerts, frozenset(AlertKind))
        down = "1 for a remote system that does not answer, or refuses our API key."
        yield _by_label("system", "system_down", down, dict.fromkeys(snapshot.down, 1), frozenset(System))
        yield from _disks(snapshot.disks)


def _numbers(snapshot: Snapshot) -> tuple[tuple[str, str, float | None], ...]:
    """Each single number: its name, what it says, and its value, None where it is missing."""
    return (
        (
            "executing_processes",
            "Processes that work on orders now; 0 means that orders are only stored.",
            snapshot.executing,
        ),
        (
            "oldest_waiting_order_seconds",
            "Age of the order that waits longest; 0 when none waits.",
            snapshot.oldest_waiting_seconds or 0.0,
        ),
        (
            "oldest_review_order_seconds",
            "For how long the order that needs a person longest has done so; 0 when none does.",
            snapshot.oldest_review_seconds or 0.0,
        ),
        (
            "oldest_pending_notice_seconds",
            "Age of the oldest mail to staff that could go out; 0 when there is none.",
            snapshot.oldest_notice_seconds or 0.0,
        ),
        (
            "digest_last_success_timestamp_seconds",
            "When a run of the weekly digest was completed last; missing before the first.",
            snapshot.digest_succeeded_at,
        ),
        (
            "digest_due_since_timestamp_seconds",
            "Since when the schedule of the weekly digest is kept; missing where there is none.",
            snapshot.digest_due_since,
        ),
        ("backup_ok", "0 when the last backup failed, or when there is no new one.", snapshot.backup_ok),
        (
            "backup_last_success_timestamp_seconds",
            "When the last good backup was made; missing before the first.",
            snapshot.backup_made_at,
        ),
    )


def _disks(disks: Mapping[str, tuple[int, int]]) -> Iterator[Metric]:
    free = GaugeMetricFamily("utopia_handler_disk_free_bytes", "Free on the disk of a folder.", labels=["folder"])
    total = GaugeMetricFamily("utopia_handler_disk_size_bytes", "Size of the disk of a folder.", labels=["folder"])
    for folder, (free_bytes, size_bytes) in disks.items():
        free.add_metric([folder], free_bytes)
        total.add_metric([folder], size_bytes)
    yield free
    yield total


def _by_label(label: str, name: str, text: str, numbers: Mapping[str, int], known: frozenset[str]) -> GaugeMetricFamily:
    """A gauge with every known value of its label, also those with none, so that an alert sees a 0 and not a gap."""
    totals = dict.fromkeys(sorted(known), 0)
    for value, number in numbers.items():
        counted_as = _known(value, known)
        totals[counted_as] = totals.get(counted_as, 0) + number
    family = GaugeMetricFamily(f"utopia_handler_{name}", text, labels=[label])
    for value, number in totals.items():
        family.add_metric([value], number)
    return family


def _known(value: str, known: frozenset[str]) -> str:
    return value if value in known else OTHER


def _read(snapshot: Callable[[], Snapshot]) -> Snapshot | None:
    try:
        return snapshot()
    except Exception as problem:
        _log.warning("the database's numbers are missing from the metrics: %s", type(problem).__name__)
        return None


def _multiprocess_folder() -> Path | None:
    """The folder that workers share, made if missing; None with one process."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return None
    path = Path(folder)
    path.mkdir(mode=0o750, parents=True, exist_ok=True)
    return path

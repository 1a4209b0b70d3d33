"""The service and the plain synchronous design under the same burst of orders, against the same simulated systems.

Each runs under gunicorn with one worker and 16 threads; everything is started anew for each burst.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import synchronous
from benchmarks.accounts import add_orders, calls_of, left_behind, settled
from benchmarks.load import Answers, post_each
from benchmarks.running import service_with, settings_for
from benchmarks.usage import cpu_seconds
from sandbox.process import SandboxProcess
from tests.tools.promises import TAGS

CLIENTS = 16
WARM_UP = 4


@dataclass(frozen=True)
class Design:
    """What receives the burst: the service, with so many orders in PowerCode at once; None: the synchronous design."""

    concurrency: int | None

    @contextmanager
    def serving(self, sandbox: SandboxProcess, folder: Path) -> Iterator[tuple[int, int]]:
        """The port for callbacks, and the id of the first process."""
        if self.concurrency is None:
            with synchronous.serving(settings_for(sandbox, folder), folder) as served:
                yield served
        else:
            settings = settings_for(sandbox, folder, powercode_concurrency=self.concurrency)
            with service_with(settings, folder) as service:
                service.start()
                yield service.port, service.pid


PLAIN = Design(None)


@dataclass(frozen=True)
class Burst:
    """What came of it: the answers, whole accounts a second from the first callback on, processor time an order in ms
    until nothing was left to do, and what was left behind."""

    answers: Answers
    rate: float
    cpu_ms: float
    left: Counter[str]


def burst(design: Design, milliseconds: int, orders: int) -> Burst:
    """Post so many orders at once, with this latency for each call of UTOPIA and PowerCode."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SandboxProcess() as sandbox,
        design.serving(sandbox, Path(folder)) as (port, pid),
    ):
        control = sandbox.control
        post_each(port, add_orders(control, range(orders, orders + WARM_UP)), clients=CLIENTS)
        settled(control)
        orderrefs, (_, tags) = add_orders(control, range(orders)), calls_of(control)
        for system in ("utopia", "powercode"):
            control.latency(system, milliseconds / 1000)
        before, began = cpu_seconds(pid), time.perf_counter()
        answers = post_each(port, orderrefs, clients=CLIENTS)
        seconds = settled(control, tags + len(TAGS) * orders) - began
        settled(control)
        cpu_ms = 1000 * (cpu_seconds(pid) - before) / orders
        left = left_behind(control.state(), orderrefs)
        return Burst(answers, left["whole"] / seconds, cpu_ms, left)

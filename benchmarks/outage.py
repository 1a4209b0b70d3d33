"""An outage of PowerCode under a load of callbacks: what the queue takes, and whether a new order waits behind it.

`python -m benchmarks.outage [--orders 10000] [--new 5] [--to-the-end]` takes PowerCode away, posts the callbacks of so
many orders, brings it back, and lets new orders come in at once, one after the other. It prints the memory of all
processes, the seconds from PowerCode's return to the first new order's account, and those from each later new order's
callback to its account. It exits with 1 when more than 250 MB or 5 seconds were needed.

With `--to-the-end` it waits until all orders and their notices are done, lets a new order come in every 10 seconds
meanwhile, and prints how far the notices were behind. The pauses between harmless calls are the default ones, so that
the outage outlasts the first of them.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from sqlalchemy import func, select

from app.models import Notice, NoticeKind, NoticeState, Order, OrderState
from app.storage.database import Database
from benchmarks.load import post_each
from benchmarks.running import settings_for
from benchmarks.usage import all_megabytes
from sandbox.process import SandboxProcess
from tests.tools.processes import ServiceProcess
from tests.tools.promises import contract_of

CLIENTS = 8
MOST_MEGABYTES = 250.0
LONGEST_SECONDS = 5.0
PATIENCE_SECONDS = 300.0
LOOK_EVERY_SECONDS = 0.05
NEW_EVERY_SECONDS = 10.0
DONE = (OrderState.COMPLETED, OrderState.NEEDS_REVIEW, OrderState.EXISTS, OrderState.NOT_OURS)


class Rows:
    """Queries the service's database in a way that hardly slows the service down."""

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def wait_for_account(self, orderref: str) -> float:
        """Wait until the order is completed; returns the time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.state_of(orderref) != OrderState.COMPLETED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{orderref} is {self.state_of(orderref)} after {PATIENCE_SECONDS:g} s")
            time.sleep(LOOK_EVERY_SECONDS)
        return time.monotonic()

    def state_of(self, orderref: str) -> str | None:
        """The order's state."""
        with self._database.read() as session:
            return session.scalar(select(Order.state).filter_by(orderref=orderref))

    def done(self) -> tuple[int, int]:
        """How many orders are done, and how many of the notices about them are not sent yet."""
        with self._database.read() as session:
            orders = session.scalar(select(func.count()).where(Order.state.in_(DONE))) or 0
            unsent = (Notice.state == NoticeState.PENDING, Notice.kind != NoticeKind.CONTRACT)
            return orders, session.scalar(select(func.count()).where(*unsent)) or 0

    def close(self) -> None:
        """Close the database."""
        self._database.dispose()


@dataclass
class Memory:
    """The memory of all processes in MB, measured repeatedly."""

    service: ServiceProcess
    most: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        """All processes' at this moment; pages that they share count once."""
        megabytes = all_megabytes(self.service.pid)
        self.most = max(self.most, megabytes)
        return megabytes

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Measure every second during the block."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()

    def _watch(self) -> None:
        while not self.over.wait(1):
            self.now()


def run(service: ServiceProcess, sandbox: SandboxProcess, rows: Rows, options: argparse.Namespace) -> bool:
    """Print the figures; whether the bounds were kept."""
    waiting, news = orderrefs_of(options)
    memory = Memory(service)
    print(f"memory idle, MB                        {memory.now():>8.0f}")
    sandbox.control.down("powercode")
    with memory.watched():
        answers = post_each(service.port, waiting, clients=CLIENTS)
        print(f"callbacks                              {len(waiting):>8}, {answers.rate:.0f} a second,", end=" ")
        print(f"{answers.other_than_200} of them not answered 200")
        time.sleep(options.outage)
        print(f"memory with all queued, MB             {memory.now():>8.0f}", flush=True)
        sandbox.control.up("powercode")
        began = time.monotonic()
        seconds = [seconds_to_account(service, rows, news[0], began)]
        seconds += [seconds_to_account(service, rows, orderref) for orderref in news[1 : options.new]]
        if options.to_the_end:
            seconds += follow(service, rows, began, news[options.new :], options.orders)
    print(f"memory at most, MB                     {memory.most:>8.0f}")
    print(f"the first new order, s from the return {seconds[0]:>8.1f}")
    print(f"{len(seconds)} new orders, s: median {statistics.median(seconds):.1f}, longest {max(seconds):.1f}")
    return memory.most <= MOST_MEGABYTES and max(seconds) <= LONGEST_SECONDS


def seconds_to_account(service: ServiceProcess, rows: Rows, orderref: str, began: float | None = None) -> float:
    """From the callback, or from an earlier moment, to the account."""
    began = began or time.monotonic()
    service.post_callback(orderref)
    return rows.wait_for_account(orderref) - began


def follow(service: ServiceProcess, rows: Rows, began: float, news: Sequence[str], orders: int) -> list[float]:
    """Wait until all is done, with new orders coming in; what each of them took."""
    seconds, behind, known, done = [], [], iter(news), 0
    while done < orders:
        next_at = time.monotonic() + NEW_EVERY_SECONDS
        orderref = next(known, None)
        if orderref is not None:
            seconds.append(seconds_to_account(service, rows, orderref))
        done, unsent = rows.done()
        behind.append(unsent)
        print(f"  after {time.monotonic() - began:>5.0f} s: {done} orders done, {unsent} notices to come", end="")
        print(f", a new order took {seconds[-1]:.1f} s" if orderref is not None else "", flush=True)
        time.sleep(max(0.0, next_at - time.monotonic()))
    print(f"all orders done, s from the return     {time.monotonic() - began:>8.0f}")
    while rows.done()[1]:
        time.sleep(LOOK_EVERY_SECONDS)
    print(f"all notices sent, s from the return    {time.monotonic() - began:>8.0f}, at most {max(behind)} behind")
    return seconds


def orderrefs_of(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The references of the waiting orders, and of the new ones."""
    orderrefs = [f"UIA202411-{number:06}" for number in range(2 * options.orders + options.new)]
    return orderrefs[: options.orders], orderrefs[options.orders :]


def main() -> None:
    """Run, print, and exit with 1 when a bound was not kept."""
    parser = argparse.ArgumentParser(description="Queue callbacks while PowerCode is down")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=5, help="orders that come in when PowerCode is back")
    parser.add_argument("--outage", type=float, default=10.0, help="seconds that it goes on after the last callback")
    parser.add_argument("--to-the-end", action="store_true", help="wait until all orders and notices are done")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, SandboxProcess() as sandbox:
        folder = Path(name)
        for number, orderref in enumerate(chain(*orderrefs_of(options))):
            sandbox.control.add_order(orderref, **contract_of(number))
        settings = settings_for(sandbox, folder)
        with ServiceProcess(settings, folder) as service:
            service.start()
            rows = Rows(settings.database_url)
            try:
                kept = run(service, sandbox, rows, options)
            finally:
                rows.close()
    sys.exit(not kept)


if __name__ == "__main__":
    main()

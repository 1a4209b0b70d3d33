"""What an order and an idle service cost, beside a floor and beside the plain synchronous design in the same run.

`python -m benchmarks.cost [--quick] [--only PART...] [--postgresql] [--workers N]` prints a row for each figure, with
what it is to reach. `--postgresql` starts a server whose commits last, and gives each service a database in it. The
floor is a process that makes an order's calls with `requests` and sends the mail, and nothing else
(`benchmarks.floor`); the synchronous design does the whole order in the callback's request and remembers nothing
(`benchmarks.synchronous`). Other programs on the machine move everything but the ratios, and processor time a little.

The own time of an order is the time from the beginning of its first step to the end of its last, less that of its
remote calls and of the queue between its stages. Exits with 1 when an order is lost, double or not whole.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from benchmarks import callbacks, floor
from benchmarks.accounts import add_orders
from benchmarks.designs import CLIENTS, PLAIN, Burst, Design, burst
from benchmarks.load import Answers, post, post_each
from benchmarks.running import SETUP, service_with, settings_for, settings_with
from benchmarks.synchronous import THREADS
from benchmarks.usage import all_megabytes, cpu_seconds
from config import Settings
from sandbox.http_messages import Answer, Request, json_answer
from sandbox.http_server import SimulatedServer
from sandbox.process import SandboxProcess
from tests.tools.office import Office
from tests.tools.postgres import PostgresServer
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import broken

MOST_CALLS = 13
LASTING = {"fsync": "on", "shared_buffers": "64MB"}
"""PostgreSQL's settings: as it is installed, but for its memory."""
CALM_SECONDS = 3.0
"""How long to wait after a start or an order, until all work that it leaves is done."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    burst: int
    one_by_one: int
    starts: int
    idle_seconds: float
    wakings: int
    rounds: int


FULL = Sizes(burst=500, one_by_one=60, starts=5, idle_seconds=30, wakings=40, rounds=4)
QUICK = Sizes(burst=100, one_by_one=15, starts=2, idle_seconds=10, wakings=15, rounds=2)


@dataclass
class Table:
    """Prints a row for each figure at once, and collects the promises that were broken."""

    broken: list[str] = field(default_factory=list)

    def row(self, what: str, measured: str, reach: str = "") -> None:
        """Print one figure, and its aim."""
        print(f"{what:<72}{measured:>12}  {reach}", flush=True)

    def check(self, faults: Sequence[str]) -> None:
        """Collect promises that were broken."""
        self.broken += faults
        for fault in faults:
            print(f"NOT KEPT  {fault}", flush=True)


# Bursts


def bursts(table: Table, sizes: Sizes) -> None:
    """Both designs under a burst: without latency with the default settings, then with 16 orders in PowerCode."""
    pair = _pair(table, Design(4), 0, sizes.burst)
    table.row(f"burst of {sizes.burst}, no latency: orders a second", f"{pair[0].rate:.1f}")
    table.row("  over the synchronous design", f"{pair[0].rate / pair[1].rate:.2f}", "0.7")
    bare_ms = _floor_ms(sizes.burst // 2)
    table.row("  processor time an order", f"{pair[0].cpu_ms:.1f} ms")
    table.row("  processor time of its bare calls", f"{bare_ms:.1f} ms")
    table.row("  over that of its bare calls", f"{pair[0].cpu_ms / bare_ms:.1f}", "4 or less")
    table.row("  over that of the synchronous design", f"{pair[0].cpu_ms / pair[1].cpu_ms:.1f}")
    pair = _pair(table, Design(THREADS), 100, sizes.burst)
    table.row(f"burst of {sizes.burst}, 100 ms latency, 16 at a time: orders a second", f"{pair[0].rate:.1f}")
    table.row("  over the synchronous design with 16 threads", f"{pair[0].rate / pair[1].rate:.2f}", "0.8")
    medians = pair[1].answers.median_ms / pair[0].answers.median_ms
    table.row("  callbacks answered, times as fast", f"{medians:.0f}")


def _pair(table: Table, design: Design, latency: int, orders: int) -> tuple[Burst, Burst]:
    """The service and the synchronous design; every order of the service has to be there, once and whole."""
    ours, plain = burst(design, latency, orders), burst(PLAIN, latency, orders)
    spoilt = ours.left - Counter(whole=orders)
    table.check([f"{number} orders of a burst at {latency} ms are {how}" for how, number in spoilt.items()])
    return ours, plain


def _floor_ms(orders: int) -> float:
    with tempfile.TemporaryDirectory() as folder, SandboxProcess() as sandbox:
        orderrefs = add_orders(sandbox.control, range(orders))
        return floor.milliseconds_of(settings_for(sandbox, Path(folder)), orderrefs)


# One after the other


def one_by_one(table: Table, sizes: Sizes) -> None:
    """Starts, an idle service, and orders that come one after the other, each with two plans, two tags, a contract."""
    with tempfile.TemporaryDirectory() as name, SandboxProcess() as sandbox, ExitStack() as stack:
        settings = settings_for(sandbox, Path(name))
        service = stack.enter_context(service_with(settings, Path(name)))
        table.row("start to /readyz, median", f"{statistics.median(_starts(service, sizes.starts)):.2f} s", "1.0 s")
        office = stack.enter_context(closing(Office(settings, sandbox.control.state)))
        calls, own = _orders(sandbox, service, office, sizes.one_by_one)
        table.row("remote calls of an order, most", f"{calls}", f"{MOST_CALLS}")
        table.row("own time of an order besides its remote calls, median", f"{statistics.median(own):.1f} ms", "20 ms")
        table.row("memory, all processes, proportional", f"{all_megabytes(service.pid):.0f} MB", "160 MB")
        time.sleep(CALM_SECONDS)
        before, began = cpu_seconds(service.pid), time.monotonic()
        time.sleep(sizes.idle_seconds)
        idle = (cpu_seconds(service.pid) - before) / (time.monotonic() - began)
        table.row("idle, of a core", f"{100 * idle:.2f} %", "0.5 %")
        table.check(broken(sandbox.control.state(), office.orders()))


def _starts(service: ServiceProcess, times: int) -> list[float]:
    """Seconds from the start of the process to `/readyz`, each after a clean stop; it runs afterwards."""
    seconds = []
    for number in range(times):
        if number:
            service.terminate()
            service.ended()
        seconds.append(service.start())
    return seconds


def _orders(sandbox: SandboxProcess, service: ServiceProcess, office: Office, orders: int) -> tuple[int, list[float]]:
    """The most remote calls of an order, and each one's own milliseconds; the first warms up."""
    most, own = 0, []
    for orderref in add_orders(sandbox.control, range(orders + 1)):
        calls, remote = _calls(sandbox), _remote_ms(service)
        assert service.post_callback(orderref) == 200
        (order,) = office.rested([orderref])
        most = max(most, _calls(sandbox) - calls)
        own.append(_story_ms(order) - (_remote_ms(service) - remote))
    return most, own[1:]


def _calls(sandbox: SandboxProcess) -> int:
    calls: dict[str, dict[str, int]] = sandbox.control.counts()["calls"]
    return sum(calls["utopia"].values()) + sum(calls["powercode"].values())


def _story_ms(order: Mapping[str, Any]) -> float:
    """From the beginning of the first step to the end of the last, less the wait in the queue between the stages."""
    began = {step["name"]: datetime.fromisoformat(step["started_at"]) for step in order["steps"]}
    ended = {step["name"]: datetime.fromisoformat(step["finished_at"]) for step in order["steps"]}
    queued = began["find_customer"] - ended["hand_over"]
    return 1000 * (max(ended.values()) - min(began.values()) - queued).total_seconds()


def _remote_ms(service: ServiceProcess) -> float:
    """The time of all orders' calls so far, as the service measured it; the contract's counts with the notice."""
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    sums = re.findall(r'^utopia_handler_remote_call_seconds_sum\{action="([^"]+)",[^}]*\} (\S+)', text, re.MULTILINE)
    return 1000 * sum(float(seconds) for action, seconds in sums if action != "contractdownload")


# How soon an idle service starts to work


class Utopia(SimulatedServer):
    """Records when it was called, and knows no order."""

    asked_at = 0.0

    def action_of(self, request: Request) -> str:
        """One name for all requests."""
        return request.path

    def fields_of(self, _request: Request) -> dict[str, Any]:
        """Nothing, as no field matters here."""
        return {}

    def answer(self, _request: Request) -> Answer:
        """Answers that the order is not ours."""
        self.asked_at = time.perf_counter()
        return json_answer({"error": "No valid records found for this ISP"})


def wakings(table: Table, sizes: Sizes) -> None:
    """From a callback to the first call to UTOPIA, in an idle service."""
    with tempfile.TemporaryDirectory() as folder, _asked_service(Path(folder)) as (utopia, service):
        waited = [_waking_ms(utopia, service, number) for number in range(sizes.wakings + 1)][1:]
    middle, slowest = statistics.median(waited), max(waited)
    table.row("callback to the first call to UTOPIA, idle, median", f"{middle:.1f} ms", "15 ms")
    table.row("  slowest", f"{slowest:.1f} ms")


@contextmanager
def _asked_service(folder: Path) -> Iterator[tuple[Utopia, ServiceProcess]]:
    utopia = Utopia()
    utopia.up()
    settings = settings_with(folder, utopia_url_endpoint=utopia.url, pc_url="http://127.0.0.1:9")
    try:
        with service_with(settings, folder) as service:
            service.start()
            until(lambda: service.executing)
            yield utopia, service
    finally:
        utopia.down()


def _waking_ms(utopia: Utopia, service: ServiceProcess, number: int) -> float:
    time.sleep(0.3)
    utopia.asked_at, began = 0.0, time.perf_counter()
    answers = post_each(service.port, [f"UIA202411-{number:06}"], clients=1)
    assert not answers.other_than_200
    until(lambda: utopia.asked_at)
    return 1000 * (utopia.asked_at - began)


# Callbacks


def callback_rate(table: Table, sizes: Sizes) -> None:
    """Callbacks of one client and of 16, beside a bare endpoint that commits a row, while all systems hang."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings: Settings = stack.enter_context(callbacks.all_hang(folder))
        service = stack.enter_context(service_with(settings, folder))
        service.start()
        bare = stack.enter_context(callbacks.bare_endpoint(folder))
        post(service.port, "warm", clients=1, seconds=0.5)
        one, _ = callbacks.side_by_side(service.port, bare, 1, sizes.rounds, callbacks.SECONDS)
        ours, theirs = callbacks.side_by_side(service.port, bare, CLIENTS, sizes.rounds, callbacks.SECONDS)
    table.row("callback, 1 client, median", f"{statistics.median(each.median_ms for each in one):.1f} ms", "1.1 ms")
    whole = sum(ours, Answers())
    table.row(f"callback, {CLIENTS} clients, p99", f"{whole.p99_ms:.0f} ms", "100 ms")
    share = statistics.median(each.rate for each in ours) / statistics.median(each.rate for each in theirs)
    table.row("  answers a second, over a bare durable endpoint", f"{share:.2f}", "0.35")
    refused = whole.other_than_200 + sum(one, Answers()).other_than_200
    table.check([f"{refused} callbacks were not answered 200"] if refused else [])


PARTS: Mapping[str, Callable[[Table, Sizes], None]] = {
    "bursts": bursts,
    "orders": one_by_one,
    "wakings": wakings,
    "callbacks": callback_rate,
}


def main() -> None:
    """Measure, print, and exit with 1 when an order is lost, double or not whole."""
    parser = argparse.ArgumentParser(description="What an order and an idle service cost")
    parser.add_argument("--quick", action="store_true", help="smaller bursts and fewer orders")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts of the table")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of gunicorn; more need PostgreSQL")
    options = parser.parse_args()
    table = Table()
    table.row("", "measured", "reach")
    with ExitStack() as stack:
        SETUP.workers = options.workers
        SETUP.postgresql = stack.enter_context(PostgresServer(settings=LASTING)) if options.postgresql else None
        for part in options.only:
            PARTS[part](table, QUICK if options.quick else FULL)
    sys.exit(1 if table.broken else 0)


if __name__ == "__main__":
    main()

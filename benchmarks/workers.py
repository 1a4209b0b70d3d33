"""How many orders a second the service completes on SQLite and on PostgreSQL, with one, two and three workers.

`python -m benchmarks.workers [--quick]` posts a burst of orders at each remote latency (UTOPIA and PowerCode, a call)
and each POWERCODE_CONCURRENCY, with everything started anew, and takes the time from the first callback until the last
account is complete. On SQLite one process does everything; on PostgreSQL one takes the callbacks and the workers do the
rest. Beside the pace stands what the settings allow at most (an order has 8 calls of PowerCode, one after the other),
and how many processor cores each part used. All parts share the machine. Exits with 1 when an order isn't whole.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from benchmarks.accounts import NEVER, add_orders, calls_of, left_behind, set_latency, settled
from benchmarks.load import post_each
from benchmarks.running import settings_for
from benchmarks.usage import cpu_seconds
from config import Settings
from sandbox.process import SandboxProcess
from tests.tools.postgres import PostgresServer
from tests.tools.processes import ServiceProcess, until

LATENCIES_MS = (0, 50, 200)
CONCURRENCIES = (4, 16)
POWERCODE_CALLS = 8
CLIENTS = 16
WARM_UP = 4
DURABLE = {"max_connections": "200"}
"""Otherwise PostgreSQL's defaults, so that each commit is on the disk."""


@dataclass(frozen=True)
class Setup:
    """A database, and how many processes execute on it."""

    workers: int
    postgresql: bool = True

    @property
    def name(self) -> str:
        """The setup's name in the table."""
        if not self.postgresql:
            return "SQLite, 1 process"
        return f"PostgreSQL, {self.workers} worker{'s' if self.workers > 1 else ''}"


SETUPS = (Setup(1, postgresql=False), Setup(1), Setup(2), Setup(3))


def server_pid(url: str) -> int:
    """The process id of the PostgreSQL server behind an address on this machine."""
    with psycopg.connect(url) as connection:
        pid = connection.info.backend_pid
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def running(setup: Setup, settings: Settings, folder: Path) -> Iterator[tuple[int, dict[str, list[int]]]]:
    """The port for callbacks, and the process ids by part."""
    with ExitStack() as stack:
        role = "web" if setup.postgresql else "all"
        front = stack.enter_context(_process(settings, folder, role, role))
        front.start()
        names = [f"worker{number}" for number in range(setup.workers)] if setup.postgresql else []
        workers = [stack.enter_context(_process(settings, folder, "worker", name)) for name in names]
        for worker in workers:
            worker.start()
        for executing in workers or [front]:
            until(lambda executing=executing: executing.executing)  # type: ignore[misc]
        yield front.port, {"callbacks": [front.pid], "workers": [worker.pid for worker in workers]}


def _process(settings: Settings, folder: Path, role: str, name: str) -> ServiceProcess:
    """A process of its own name, with a log of its own; a worker answers on the port that the process has."""
    own = folder / name
    own.mkdir()
    changed = {"role": role, "executor_id": name, "log_file": own / "api_class.log"}
    process = ServiceProcess(settings.model_copy(update=changed), own)
    process.environment["WORKER_PORT"] = str(process.port)
    return process


@dataclass(frozen=True)
class Pace:
    """Orders a second, the cores that each part used, and the orders that are not whole."""

    rate: float
    cores: Mapping[str, float]
    spoilt: int


def pace(setup: Setup, server: PostgresServer, milliseconds: int, concurrency: int, orders: int) -> Pace:
    """Measure one burst, with a new database, sandbox and service."""
    with tempfile.TemporaryDirectory() as name, SandboxProcess() as sandbox, ExitStack() as stack:
        folder, control = Path(name), sandbox.control
        url = server.database_for(folder) if setup.postgresql else f"sqlite:///{folder}/handler.db"
        settings = settings_for(sandbox, folder, database_url=url, powercode_concurrency=concurrency)
        port, parts = stack.enter_context(running(setup, settings, folder))
        parts |= {"database": [server_pid(url)] if setup.postgresql else [], "sandbox": [sandbox.pid]}
        post_each(port, add_orders(control, range(orders, orders + WARM_UP)), clients=1)
        settled(control, NEVER)
        orderrefs, through = add_orders(control, range(orders)), calls_of(control).and_orders(orders)
        set_latency(control, milliseconds)
        before, began = _used(parts), time.perf_counter()
        post_each(port, orderrefs, clients=CLIENTS)
        seconds = settled(control, replace(through, total=math.inf)) - began
        cores = {part: (used - before[part]) / seconds for part, used in _used(parts).items()}
        settled(control, NEVER)
        whole = left_behind(control.state(), orderrefs)["whole"]
        return Pace(whole / seconds, cores, orders - whole)


def _used(parts: Mapping[str, list[int]]) -> dict[str, float]:
    return {part: sum(map(cpu_seconds, pids)) for part, pids in parts.items()}


def main() -> None:
    """Measure, print, and exit with 1 when an order isn't whole."""
    parser = argparse.ArgumentParser(description="Orders a second with one, two and three workers")
    parser.add_argument("--quick", action="store_true", help="smaller bursts")
    orders = 24 if parser.parse_args().quick else 80
    print(f"{orders} orders{'':>37}at most{'':>9}cores used by")
    print("latency  at a time  set-up                 orders/s  orders/s  callbacks  workers  database  sandbox")
    spoilt = 0
    with PostgresServer(settings=DURABLE) as server:
        for milliseconds in LATENCIES_MS:
            for concurrency in CONCURRENCIES:
                for setup in SETUPS:
                    measured = pace(setup, server, milliseconds, concurrency, orders)
                    spoilt += measured.spoilt
                    print(_line(milliseconds, concurrency, setup, measured), flush=True)
    sys.exit(f"{spoilt} orders are not whole" if spoilt else 0)


def _line(milliseconds: int, concurrency: int, setup: Setup, measured: Pace) -> str:
    most = f"{1000 * concurrency / POWERCODE_CALLS / milliseconds:.1f}" if milliseconds else "-"
    cores = "".join(f"{measured.cores[part]:>{width}.2f}" for part, width in CORES)
    return f"{milliseconds:>4} ms{concurrency:>11}  {setup.name:<23}{measured.rate:>8.1f}{most:>10}{cores}"


CORES = (("callbacks", 11), ("workers", 9), ("database", 10), ("sandbox", 9))


if __name__ == "__main__":
    main()

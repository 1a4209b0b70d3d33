"""Orders under fire on several hosts: 3 workers and 2 web processes with one PostgreSQL, all of which are killed.

`python -m benchmarks.soak_hosts [--orders 1000] [--kills 200] [--seed N]` does what `soak_orders` does, with more: each
kill hits one of the five processes, which comes back by itself as under systemd; the database is restarted twice, once
in order and once as after a crash; and one worker's host is cut off from the database for a while (as root only: hosts
are network namespaces then, each with its own address). It prints the counts, and exits with 1 when an acknowledged
order is lost, anything is there twice, a notice is missing, or anything stood still.
"""

import argparse
import itertools
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.running import settings_for
from benchmarks.soak_orders import IMPATIENT, Soak, conclude, exit_after, parser_of
from config import Settings
from sandbox.control import SandboxControl
from sandbox.process import SandboxProcess
from tests.tools.network import CAN_MAKE_HOSTS, Host, Network
from tests.tools.office import Office
from tests.tools.postgres import PostgresServer
from tests.tools.processes import GUNICORN, ServiceProcess
from tests.tools.promises import contract_of

WORKERS, WEB = 3, 2
CUT_SECONDS = 30.0
DATABASE_DOWN_SECONDS = 2.0
RESTART_SECONDS = 1.0
"""After how long systemd starts a process again (`RestartSec`)."""


class Restarted:
    """A process that is started again whenever it ended, as by systemd."""

    def __init__(self, process: ServiceProcess) -> None:
        self.process = process
        self._over = threading.Event()
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.process.start()
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(RESTART_SECONDS):
            with self._busy:
                if self.process.has_ended and not self._over.is_set():
                    self.process.start(wait=False)

    def kill(self) -> None:
        """SIGKILL; it comes back by itself."""
        with self._busy:
            self.process.kill()

    def end(self) -> None:
        """Kill it for good."""
        self._over.set()
        self._thread.join()
        self.process.kill()


class Cluster:
    """The processes on their hosts, and what can happen to them."""

    def __init__(self, workers: Sequence[Restarted], web: Sequence[Restarted], chance: random.Random) -> None:
        self._all = [*workers, *web]
        self._web = itertools.cycle([each.process for each in web])
        self._chance = chance
        self._turn = threading.Lock()

    def start(self, *, wait: bool = True) -> float:
        """Return when all that were killed are back; they start by themselves."""
        if wait:
            for each in self._all:
                each.process.wait_ready(restarted=True)
        return 0.0

    def kill(self) -> None:
        """SIGKILL for one of them."""
        self._chance.choice(self._all).kill()

    def post_callback(self, orderref: str, msg: str = "Project New Order", timeout: float = 10.0) -> int:
        """To one web process after the other, as a load balancer would."""
        with self._turn:
            process = next(self._web)
        return process.post_callback(orderref, msg, timeout)


class HostsSoak(Soak):
    """A run in which, besides, something happens after a third of the kills, after a half, and after two thirds."""

    def __init__(
        self,
        options: argparse.Namespace,
        control: SandboxControl,
        cluster: Cluster,
        accidents: Sequence[Callable[[], None]],
    ) -> None:
        super().__init__(options, control, cluster)
        self._accidents = {
            options.kills * number // (len(accidents) + 1): accident for number, accident in enumerate(accidents, 1)
        }

    def _kill_again_and_again(self) -> None:
        for number in range(self._options.kills):
            if number in self._accidents:
                self._accidents[number]()
            self._wait_between_kills()
            self._service.kill()
            self._tell(number + 1)


def restart(server: PostgresServer, how: signal.Signals) -> None:
    """Stop the database, and start it again shortly after."""
    server.stop(how)
    time.sleep(DATABASE_DOWN_SECONDS)
    server.start()


def cut_off(host: Host) -> None:
    """Cut a host off from the database, until another host has taken over its work."""
    host.cut_off_from_the_database()
    time.sleep(CUT_SECONDS)
    host.mend()


class Loopback:
    """Stands in for a network of hosts where none can be made."""

    database_address = office_address = address = "127.0.0.1"
    command = ()

    def host(self) -> "Loopback":
        """This machine."""
        return self


@contextmanager
def cluster_in(
    network: Network | Loopback, settings: Settings, folder: Path, chance: random.Random
) -> Iterator[tuple[Cluster, Sequence[Restarted], Host | Loopback]]:
    """The running processes, and the host of the first worker."""
    with ExitStack() as stack:
        started: dict[str, Restarted] = {}
        hosts = {}
        for name in [*(f"web-{n}" for n in range(WEB)), *(f"worker-{n}" for n in range(WORKERS))]:
            hosts[name] = host = network.host()
            (folder / name).mkdir()
            role = name.partition("-")[0]
            own = settings.model_copy(update={"log_file": folder / name / "api_class.log", "role": role})
            process = ServiceProcess(
                own, folder / name, command=(*host.command, *GUNICORN), address=host.address, EXECUTOR_ID=name
            )
            started[name] = Restarted(stack.enter_context(process))
            stack.callback(started[name].end)
        workers = [each for name, each in started.items() if name.startswith("worker")]
        web = [each for name, each in started.items() if name.startswith("web")]
        yield Cluster(workers, web, chance), workers, hosts["worker-0"]


def main() -> None:
    """Run, print, and exit with 1 when a promise was broken."""
    options = parser_of("Kill workers, web processes and the database while orders come in").parse_args()
    exit_after(run_once, options)


def run_once(options: argparse.Namespace, folder: Path) -> int:
    """One run; 1 when a promise was broken."""
    with ExitStack() as stack:
        network = stack.enter_context(Network()) if CAN_MAKE_HOSTS else Loopback()
        server = stack.enter_context(PostgresServer(network.database_address, {"max_connections": "300"}))
        sandbox = stack.enter_context(SandboxProcess("--host", network.office_address))
        for number in range(options.orders):
            sandbox.control.add_order(f"UIA202411-{number:06}", **contract_of(number))
        settings = settings_for(
            sandbox, folder, database_url=server.database("orders"), powercode_concurrency=12, **IMPATIENT
        )
        accidents = [lambda: restart(server, signal.SIGINT), lambda: restart(server, signal.SIGQUIT)]
        with cluster_in(network, settings, folder, random.Random(options.seed)) as (cluster, workers, first):
            if isinstance(first, Host):
                accidents.insert(1, lambda: cut_off(first))
            else:
                print("No host is cut off: that needs root and iproute2")
            run = HostsSoak(options, sandbox.control, cluster, accidents)
            run.run()
            office = stack.enter_context(closing(Office(settings, sandbox.control.state)))
            return conclude(run, options.kills, sandbox.control, office, *what_hosts_did(workers, len(accidents) - 2))


def what_hosts_did(workers: Sequence[Restarted], cuts: int) -> list[tuple[str, object]]:
    """Lines for the report, from the workers' logs."""
    text = "".join(each.process.log for each in workers)
    return [
        ("restarts of the database", 2),
        ("hosts cut off from the database", cuts),
        ("times that a worker ended by itself", text.count("lock may be lost")),
        ("times that work was taken over", text.count("of a process that is gone")),
    ]


if __name__ == "__main__":
    main()

"""Several hosts with one PostgreSQL: web processes and workers, killed, frozen, cut off, and gone without a word."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from config import PROJECT, Settings
from sandbox import Sandbox
from sandbox.state import state_of
from tests.conftest import settings_for
from tests.tools.network import CAN_MAKE_HOSTS, WHY_NOT, Host, Network
from tests.tools.office import Office
from tests.tools.postgres import PostgresServer
from tests.tools.processes import GUNICORN, ServiceProcess, until
from tests.tools.promises import take

pytestmark = pytest.mark.skipif(not CAN_MAKE_HOSTS, reason=WHY_NOT)

ORDERS = range(12)
TOOK_OVER, ENDED = "of a process that is gone", "lock may be lost"
FROZEN_SECONDS = 20
HELD_SECONDS = 40


@dataclass
class Hosts:
    """A network with a database and a sandbox, and services on its hosts."""

    network: Network
    database_url: str
    sandbox: Sandbox
    settings: Settings
    office: Office
    folder: Path

    @contextmanager
    def service(self, name: str, role: str) -> Iterator[tuple[Host, ServiceProcess]]:
        """A host on which a process of that role runs, under the host's name."""
        folder = self.folder / name
        folder.mkdir()
        host = self.network.host()
        own = self.settings.model_copy(update={"log_file": folder / "api_class.log", "role": role})
        command = (*host.command, *GUNICORN)
        with ServiceProcess(own, folder, command=command, address=host.address, EXECUTOR_ID=name) as process:
            process.start()
            if role == "worker":
                until(lambda: process.executing)
            yield host, process

    def take(self, web: ServiceProcess) -> list[str]:
        """A dozen acknowledged orders, each of its own person."""
        return take(self.sandbox, web, ORDERS)

    def until_in_the_midst_of_it(self, name: str) -> None:
        """Until the worker of that name makes accounts, two at least."""
        query = "select count(*) from dbos.workflow_status where status = 'PENDING' and name = 'account'"
        with psycopg.connect(self.database_url, autocommit=True) as database:
            until(lambda: database.execute(f"{query} and executor_id = %s", (name,)).fetchone()[0] >= 2)
        until(lambda: self.sandbox.powercode.customers)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with ExitStack() as stack:
        network = stack.enter_context(Network())
        server = stack.enter_context(PostgresServer(network.database_address))
        sandbox = stack.enter_context(Sandbox(host=network.office_address))
        sandbox.powercode.latency = 0.5
        database_url = server.database("orders")
        settings = settings_for(sandbox, tmp_path, database_url=database_url, read_timeout_seconds=90)
        office = Office(settings, lambda: state_of(sandbox))
        stack.callback(office.close)
        yield Hosts(network, database_url, sandbox, settings, office, tmp_path)


def told_at(process: ServiceProcess, words: str) -> datetime:
    """When the process said so in its log, the first time."""
    line = next(line for line in process.log.splitlines() if words in line)
    return datetime.fromisoformat(line.split()[0])


@pytest.mark.sweep
def test_web_processes_take_orders_and_workers_on_other_hosts_make_the_accounts(hosts: Hosts) -> None:
    with hosts.service("web", "web") as (_, web):
        assert web.ready()["executor"] == "no worker runs"
        orderrefs = hosts.take(web)
        assert hosts.sandbox.utopia.count("contractlookup") == 0

        with hosts.service("a", "worker") as (_, a), hosts.service("b", "worker") as (_, b):
            hosts.office.check_completed(orderrefs)
            assert web.ready()["executor"] == "in a worker"
            assert [worker.ready()["executor"] for worker in (a, b)] == ["running", "running"]
            assert a.post_callback(orderrefs[0]) == 404


@dataclass
class Amid:
    """A worker in the midst of orders that a web process took in, and another worker beside it."""

    orderrefs: list[str]
    host: Host
    a: ServiceProcess
    b: ServiceProcess


@pytest.fixture
def amid(hosts: Hosts) -> Iterator[Amid]:
    """Two orders are held at `a`, in a write that PowerCode has done and not answered yet, when `b` comes."""
    hosts.sandbox.powercode.fault("createCustomer", "slow", times=2, seconds=HELD_SECONDS, when="after")
    with hosts.service("web", "web") as (_, web), hosts.service("a", "worker") as (host, a):
        orderrefs = hosts.take(web)
        hosts.until_in_the_midst_of_it("a")
        with hosts.service("b", "worker") as (_, b):
            yield Amid(orderrefs, host, a, b)


@pytest.mark.sweep
def test_the_work_of_a_host_that_is_gone_without_a_word_is_taken_over_and_nothing_is_repeated(
    hosts: Hosts, amid: Amid
) -> None:
    amid.host.vanish()
    amid.a.kill()

    until(lambda: TOOK_OVER in amid.b.log)
    hosts.office.check_completed(amid.orderrefs)


LOCKS_A_ROW = """
import sys, time
from sqlalchemy import text
from app.storage.database import Database

with Database(sys.argv[1]).write() as session:
    session.execute(text("select * from rows for update"))
    print("locked", flush=True)
    time.sleep(300)
"""


@pytest.mark.sweep
def test_rows_that_a_host_had_locked_when_it_was_gone_without_a_word_are_free_for_the_others(hosts: Hosts) -> None:
    host = hosts.network.host()
    with psycopg.connect(hosts.database_url, autocommit=True) as here:
        here.execute("create table rows (number integer)")
        here.execute("insert into rows values (1)")
        command = [*host.command, sys.executable, "-c", LOCKS_A_ROW, hosts.database_url]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as there:
            assert there.stdout.readline() == "locked\n"
            host.vanish()
            there.kill()

        here.execute("set lock_timeout = '30s'")
        here.execute("update rows set number = 2")


@pytest.mark.sweep
def test_a_host_that_is_frozen_for_a_while_keeps_its_work_and_repeats_nothing(hosts: Hosts, amid: Amid) -> None:
    amid.a.freeze()
    time.sleep(FROZEN_SECONDS)
    assert TOOK_OVER not in amid.b.log
    amid.a.thaw()

    hosts.office.check_completed(amid.orderrefs)
    assert TOOK_OVER not in amid.b.log
    assert ENDED not in amid.a.log


@pytest.mark.sweep
def test_a_host_that_is_cut_off_from_the_database_stops_before_another_one_goes_on(hosts: Hosts, amid: Amid) -> None:
    amid.host.cut_off_from_the_database()

    until(lambda: TOOK_OVER in amid.b.log)
    assert told_at(amid.a, ENDED) < told_at(amid.b, TOOK_OVER)
    amid.host.mend()
    hosts.office.check_completed(amid.orderrefs)
    until(lambda: amid.a.ready()["executor"] == "running")

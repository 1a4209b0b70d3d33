"""The service on PostgreSQL: killed, on two hosts with one database, and without its lock's connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from config import Settings
from sandbox import Sandbox
from sandbox.state import state_of
from tests.conftest import settings_for
from tests.tools.office import Office
from tests.tools.postgres import PostgresServer
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import take

ORDERS = range(12)


@pytest.fixture
def database_url(postgres: PostgresServer, tmp_path: Path) -> str:
    """An empty database of the test's own."""
    return postgres.database_for(tmp_path)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.powercode.latency = 0.02
        yield sandbox


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Settings:
    return settings_for(sandbox, tmp_path, database_url=database_url, read_timeout_seconds=10)


@pytest.fixture
def office(settings: Settings, sandbox: Sandbox) -> Iterator[Office]:
    office = Office(settings, lambda: state_of(sandbox))
    yield office
    office.close()


@contextmanager
def host(name: str, settings: Settings, folder: Path) -> Iterator[ServiceProcess]:
    """The service on a host of that name, executing."""
    (folder / name).mkdir()
    own = settings.model_copy(update={"log_file": folder / name / "api_class.log"})
    with ServiceProcess(own, folder / name, EXECUTOR_ID=name) as process:
        process.start()
        until(lambda: process.executing)
        yield process


def accounts(sandbox: Sandbox) -> int:
    return len(sandbox.powercode.customers)


@pytest.mark.sweep
def test_orders_survive_kills_on_postgresql(
    sandbox: Sandbox, settings: Settings, office: Office, tmp_path: Path
) -> None:
    with host("a", settings, tmp_path) as a:
        orderrefs = take(sandbox, a, ORDERS)
        for made in (3, 6):
            until(lambda made=made: accounts(sandbox) >= made)
            a.kill()
            a.start()
        office.check_completed(orderrefs)


@pytest.mark.sweep
def test_a_host_goes_on_with_the_work_of_one_that_died_and_repeats_nothing(
    sandbox: Sandbox, settings: Settings, office: Office, tmp_path: Path
) -> None:
    patient = settings.model_copy(update={"read_timeout_seconds": 90})
    held = sandbox.powercode.fault("createCustomer", "slow", seconds=90, when="after")
    with host("a", patient, tmp_path) as a:
        orderrefs = take(sandbox, a, ORDERS)
        until(lambda: held.taken)
        with host("b", patient, tmp_path) as b:
            a.kill()
            office.check_completed(orderrefs)

        assert "of a process that is gone" in b.log
        assert sandbox.utopia.count("contractlookup") <= len(orderrefs) + 4, "at most what was in flight is repeated"


@pytest.mark.sweep
def test_a_host_that_lives_keeps_its_work(sandbox: Sandbox, settings: Settings, office: Office, tmp_path: Path) -> None:
    with host("a", settings, tmp_path) as a, host("b", settings, tmp_path) as b:
        sandbox.powercode.fault("createCustomer", "slow", times=4, seconds=5)
        office.check_completed(take(sandbox, a, ORDERS))
        assert "of a process that is gone" not in a.log + b.log
        assert accounts(sandbox) == len(ORDERS)


@pytest.mark.sweep
def test_a_process_whose_lock_may_be_lost_ends_at_once_and_its_successor_goes_on(
    sandbox: Sandbox, settings: Settings, office: Office, database_url: str, tmp_path: Path
) -> None:
    with host("a", settings, tmp_path) as a:
        first = a.executing
        orderrefs = take(sandbox, a, ORDERS)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objsubid = 2"
                " and granted and database = (select oid from pg_database where datname = current_database())"
            )
        until(lambda: a.executing != first)

        assert "lock may be lost" in a.log
        office.check_completed(orderrefs)

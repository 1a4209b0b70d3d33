"""On PostgreSQL, what a process enqueues that doesn't execute begins at once in one that does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import psycopg
import pytest
from sqlalchemy import text

from app.durable.bells import Bell, Bells, note
from app.durable.listening import listening
from app.storage.database import Database
from sandbox import Sandbox
from sandbox.state import state_of
from tests.conftest import settings_for
from tests.durable.test_bells import NEVER_LOOKING
from tests.tools.office import Office
from tests.tools.postgres import PostgresServer
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import contract_of

LISTENERS = "from pg_stat_activity where application_name = 'listener' and datname = current_database()"
SECONDS = 30.0


class Heard:
    """Bells that write down what they were rung for."""

    def __init__(self) -> None:
        self._rung: SimpleQueue[str] = SimpleQueue()

    def ring(self, queue: str) -> None:
        self._rung.put(queue)

    def ring_all(self) -> None:
        self._rung.put("all")

    def next(self) -> str:
        return self._rung.get(timeout=SECONDS)

    def nothing_more(self) -> bool:
        try:
            self._rung.get_nowait()
        except Empty:
            return True
        return False


@pytest.fixture
def url(postgres: PostgresServer, tmp_path: Path) -> str:
    return postgres.database_for(tmp_path)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    yield database
    database.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with opened(url) as database:
        yield database


@pytest.fixture
def heard(database: Database) -> Iterator[Heard]:
    """What a process hears that executes: first, it looks at everything."""
    heard = Heard()
    with listening(database, heard):
        assert heard.next() == "all"
        yield heard


@pytest.fixture
def elsewhere(url: str) -> Iterator[Database]:
    """The database in a process that executes nothing."""
    with opened(url) as database:
        Bells().listen_to(database)
        yield database


def enqueue(database: Database, *queues: str) -> None:
    with database.write() as session:
        for queue in queues:
            note(session.connection().info, queue)


def terminate_listeners(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"select pg_terminate_backend(pid) {LISTENERS}")


def test_what_is_enqueued_elsewhere_is_heard_once_for_each_queue(heard: Heard, elsewhere: Database) -> None:
    enqueue(elsewhere, "mail", "utopia", "mail")

    assert sorted([heard.next(), heard.next()]) == ["mail", "utopia"]
    enqueue(elsewhere, "digest")
    assert heard.next() == "digest"
    assert heard.nothing_more()


def test_a_process_that_executes_rings_its_own_bells_and_wakes_nobody(heard: Heard, url: str) -> None:
    bells, bell = Bells(), Bell()
    bells.put_up({"mail": bell})
    with opened(url) as own:
        bells.listen_to(own)
        enqueue(own, "mail")
        enqueue(own, "mail", "utopia")

    assert heard.next() == "utopia"
    assert heard.nothing_more()
    assert bell._rung


def test_a_listener_that_was_cut_off_hears_again_and_looks_for_what_it_missed(
    heard: Heard, elsewhere: Database, url: str
) -> None:
    terminate_listeners(url)

    assert heard.next() == "all"
    enqueue(elsewhere, "mail")
    assert heard.next() == "mail"


def test_what_can_not_be_told_is_enqueued_nevertheless_and_the_next_transaction_is_whole(elsewhere: Database) -> None:
    with elsewhere.write() as session:
        session.execute(text("create table kept (number integer)"))
        note(session.connection().info, "not\0a queue")

    with suppress(ZeroDivisionError), elsewhere.write() as session:
        session.execute(text("insert into kept values (1)"))
        raise ZeroDivisionError

    with elsewhere.read() as session:
        assert session.scalar(text("select count(*) from kept")) == 0


@pytest.mark.sweep
def test_orders_that_a_web_process_takes_are_made_by_a_worker_that_only_listens(
    sandbox: Sandbox, url: str, tmp_path: Path
) -> None:
    settings = settings_for(sandbox, tmp_path, database_url=url)
    office = Office(settings, lambda: state_of(sandbox))

    def process(role: str, *command: str) -> ServiceProcess:
        (tmp_path / role).mkdir()
        own = settings.model_copy(update={"role": role, "log_file": tmp_path / role / "api_class.log"})
        return ServiceProcess(own, tmp_path / role, **({"command": command} if command else {}))

    def take(number: int) -> str:
        orderref = f"UIA202411-{number:06}"
        sandbox.utopia.add_order(orderref, **contract_of(number))
        assert web.post_callback(orderref) == 200
        return orderref

    with process("web") as web, process("worker", sys.executable, "-c", NEVER_LOOKING) as worker:
        web.start()
        worker.start()
        until(lambda: worker.executing)
        with psycopg.connect(url, autocommit=True) as connection:
            until(lambda: connection.execute(f"select pid {LISTENERS}").fetchone())
        orderrefs = [take(1)]
        office.check_completed(orderrefs)

        terminate_listeners(url)
        orderrefs.append(take(2))
        office.check_completed(orderrefs)

        worker.kill()
        orderrefs.append(take(3))
        worker.start()
        office.check_completed(orderrefs)
    office.close()

"""Moving from SQLite to PostgreSQL: everything arrives, what is at work goes on there, and never do both work."""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import null, select, text
from sqlalchemy.exc import IntegrityError

from app import create_app
from app.durable.locks import executing, lock_for
from app.models import (
    AuditEntry,
    Callback,
    DatabaseMove,
    DigestWindow,
    Notice,
    Order,
    OrderExchange,
    OrderSearch,
    OrderStep,
    ServicePlanMapping,
    StepState,
    now,
)
from app.safekeeping import postgresql_move
from app.setup import database_upgrade
from app.storage import engines, moves
from app.storage.database import Database
from sandbox import Sandbox
from sandbox.state import state_of
from tests.safekeeping.kept_databases import add_order, database_of, killed_at, orders_in, run
from tests.tools import databases
from tests.tools.command_runs import failed, printed
from tests.tools.office import Office
from tests.tools.postgres import PostgresServer
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import broken, contract_of

pytestmark = [pytest.mark.long, pytest.mark.sqlite]

MOMENT = datetime(2026, 11, 1, 7, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A PostgreSQL database of the test's own, with nothing in its tables."""
    return databases.on_postgresql_with_tables(tmp_path)


@pytest.fixture
def bare(postgres: PostgresServer, tmp_path: Path) -> str:
    """The same database, in which not even tables are; for a test that asks for it before `target`."""
    return postgres.database_for(tmp_path)


@pytest.fixture
def target(url: str) -> Iterator[Database]:
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    yield database
    database.dispose()


def fill(app: Flask) -> None:
    """Rows of every kind of value, and those that differ between the two databases."""
    with database_of(app).write() as session:
        session.add(Order(id=7, orderref="UIA-7", state="completed", received_at=MOMENT, contract={"a": "\u0000 ü 🜁"}))
        session.add(Order(id=8, orderref="UIA-8", state="dismissed", contract=null(), decision={"customer_id": "1"}))
        session.flush()
        session.add(OrderStep(order_id=7, name="ticket", state="done", result=None, sent_at=MOMENT))
        session.add(OrderStep(order_id=7, name="tag:5", state="done", result=null()))
        session.add(OrderStep(order_id=7, name="find", state="done", result=17))
        session.add(
            OrderExchange(
                order_id=7,
                step="ticket",
                system="powercode",
                action="x",
                outcome="ok",
                seconds=0.1 + 0.2,
                sent="a\tb\\N\nc",
                answered="",
            )
        )
        session.add(Callback(outcome="order", status=200, orderref="UIA-7", body="\\N", remote_address=None))
        session.add(Notice(key="k", kind="test_callback", state="sent", content={"reason": None}))
        extremes = {"pieces_1": 2**63 - 1, "pieces_2": -(2**63), "pieces_3": 0}
        session.merge(OrderSearch(order_id=7, person="", address="", plan="", words="", **extremes))
        session.add(DigestWindow(id=1, starts_on=date(2026, 2, 28), set_by="run 1"))
        session.add(ServicePlanMapping(key="2gbps", description="2 Gbps", service_id=2**31 - 1, additional=True))


def rows_of(database: Database) -> dict[str, list[str]]:
    """Everything in our tables, with their JSON as text."""
    with database.read() as session:
        return {table.name: sorted(map(repr, session.execute(select(table)).all())) for table in postgresql_move.TABLES}


def test_everything_arrives_as_it_was_and_the_old_database_is_closed(
    app: Flask, bare: str, url: str, target: Database
) -> None:
    fill(app)
    before = rows_of(database_of(app))

    moved = printed(run(app, "db", "copy", "--to", url, "--json"))

    at_work = {"orders"}  # one of them is enqueued anew
    after = rows_of(target)
    assert {name: after[name] for name in after if name not in at_work} == {
        name: before[name] for name in before if name not in at_work
    }
    assert moved["rows"] == {name: len(found) for name, found in before.items()}
    with target.read() as session:
        nulls = session.execute(text("select name, result is null, result::text from order_steps order by id")).all()
    assert [tuple(row) for row in nulls] == [("ticket", False, "null"), ("tag:5", True, None), ("find", False, "17")]


@pytest.mark.sweep
def test_a_large_database_takes_its_time(
    app: Flask, url: str, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any other transaction that stands still for so long is ended by the server."""
    monkeypatch.setitem(engines.STANDS_STILL, "idle_in_transaction_session_timeout", 800)
    check = postgresql_move._check_rows
    monkeypatch.setattr(postgresql_move, "_check_rows", lambda here: (time.sleep(1.6), check(here)))

    assert printed(run(app, "db", "copy", "--to", url, "--json"))["rows"]["orders"] == 1


def test_what_comes_after_the_move_gets_numbers_of_its_own(app: Flask, url: str, target: Database) -> None:
    fill(app)
    printed(run(app, "db", "copy", "--to", url, "--json"))

    with target.write() as session:
        order = Order(orderref="UIA-new")
        session.add_all([order, Callback(outcome="test", status=200, body="")])
        session.flush()

    assert order.id == 9


@pytest.mark.sweep
def test_nothing_works_on_the_old_database_any_more(
    app: Flask, process: ServiceProcess, url: str, tmp_path: Path
) -> None:
    serving = Database(database_of(app).url)
    printed(run(app, "db", "copy", "--to", url, "--json"))
    where = postgresql_move.told(url)

    for words in (("orders", "list"), ("db", "upgrade"), ("db", "backup", tmp_path / "b.db"), ("plans", "list")):
        assert f"This database was moved to {where} on" in failed(run(app, *words))
    assert "was moved to" in failed(run(app, "db", "copy", "--to", url))
    with pytest.raises(IntegrityError, match="moved"), serving.write() as session:
        session.add(Callback(outcome="order", status=200, body=""))
    serving.dispose()
    process.start(wait=False)
    assert process.ended() != 0
    assert process.printed.splitlines()[-1].startswith(f"This database was moved to {where}")
    assert "Traceback" not in process.printed


@pytest.mark.sweep
def test_orders_in_flight_are_finished_on_postgresql_and_nothing_is_done_twice(
    process: ServiceProcess, sandbox: Sandbox, url: str, tmp_path: Path
) -> None:
    sandbox.powercode.latency = 0.05
    process.start()
    orderrefs = [f"UIA202411-{number:06}" for number in range(12)]
    for number, orderref in enumerate(orderrefs):
        sandbox.utopia.add_order(orderref, **contract_of(number))
        assert process.post_callback(orderref) == 200
    until(lambda: len(sandbox.powercode.customers) >= 5)
    process.kill()
    desk = create_app(process.settings)
    until(lambda: not executing(database_of(desk)))

    moved = printed(run(desk, "db", "copy", "--to", url, "--json"))
    assert moved["rows"]["callbacks"] == len(orderrefs)
    assert moved["orders_at_work"] > 0
    new = process.settings.model_copy(update={"database_url": url.replace("postgresql://", "postgresql+psycopg://")})
    (tmp_path / "new").mkdir()
    with ServiceProcess(new, tmp_path / "new") as there:
        there.start()
        office = Office(there.settings, lambda: state_of(sandbox))
        orders = office.completed(orderrefs)
        office.close()

    assert [order["state"] for order in orders] == ["completed"] * len(orderrefs)
    assert broken(state_of(sandbox), orders) == []


def test_a_write_in_doubt_stays_in_doubt(app: Flask, url: str, target: Database) -> None:
    add_order(app, "UIA-2", id=2, state="running", stage="account", restarts=1)
    with database_of(app).write() as session:
        session.add(OrderStep(order_id=2, name="plan:164", state=StepState.RUNNING, sent_at=MOMENT))

    moved = printed(run(app, "db", "copy", "--to", url, "--json"))

    assert moved["orders_at_work"] == 2
    with target.read() as session:
        order = session.scalars(select(Order).filter_by(orderref="UIA-2")).one()
        assert (order.run, order.restarts, order.steps[0].state, order.steps[0].sent_at) == (2, 1, "running", MOMENT)
        enqueued = session.scalars(text("select workflow_uuid from dbos.workflow_status order by 1")).all()
    assert enqueued == ["account-UIA-2#2", "order-UIA-1#2"]


def test_rows_that_postgresql_refuses_are_named_and_nothing_is_moved(app: Flask, url: str, target: Database) -> None:
    add_order(app, "UIA-2", id=2, customer_id="1" * 33)
    with database_of(app).write() as session:
        session.add(Callback(id=5, outcome="order", status=2**40, body=""))

    said = refusal(app, url)

    assert said.endswith(
        f"nothing was moved: callbacks 5, status: is {2**40}, which is too large; "
        "orders 2, customer_id: has 33 characters, and 32 fit"
    )
    with database_of(app).write() as session:
        session.execute(text("delete from callbacks"))
        session.execute(text("update orders set customer_id = null"))
        session.execute(text("update orders set decision = '{' where id = 2"))
    assert "nothing was moved: orders 2, decision: invalid input syntax for type json" in refusal(app, url)
    assert set(map(len, rows_of(target).values())) == {0}
    assert not moves.of(database_of(app))


def test_a_nul_that_an_older_version_stored_keeps_nothing_from_moving(app: Flask, url: str, target: Database) -> None:
    with database_of(app).write() as session:
        session.add(Callback(outcome="order", status=200, body=""))
        session.flush()
        session.execute(text("update callbacks set body = 'a' || char(0)"))

    run(app, "db", "copy", "--to", url)

    with target.read() as session:
        assert session.scalars(select(Callback.body)).all() == ["a\ufffd"]


def refusal(app: Flask, url: str) -> str:
    """The last line, after those of the tables that were copied."""
    result = run(app, "db", "copy", "--to", url)
    assert result.exit_code == 1
    return result.stderr.splitlines()[-1]


def test_only_an_empty_database_that_nobody_works_on_is_taken(app: Flask, url: str, target: Database) -> None:
    lock = lock_for(database_of(app), None)
    assert lock.acquire()
    assert "Stop it first" in failed(run(app, "db", "copy", "--to", url))
    lock.release()
    there = lock_for(target, "a")
    assert there.acquire()
    assert "works on" in failed(run(app, "db", "copy", "--to", url))
    there.release()
    assert "must be an address" in failed(run(app, "db", "copy", "--to", "mysql://db.example.com/x"))
    assert "can't be used" in failed(run(app, "db", "copy", "--to", "postgresql://127.0.0.1:1/none"))

    assert failed(run(app, "db", "copy", "--to", url, "--undo")).startswith("This database was not moved")

    database_upgrade.upgrade_tables(target)
    with target.write() as session:
        session.add(Order(orderref="UIA-there"))
    assert "is not empty (it has orders)" in failed(run(app, "db", "copy", "--to", url))
    assert run(app, "orders", "list").exit_code == 0


@pytest.mark.sweep
@pytest.mark.parametrize("place", ["moved_rows.set_sequence", "moves.close", "moves.arrived"])
def test_a_kill_in_a_move_leaves_no_two_databases_that_work_and_it_can_be_run_again(
    place: str, app: Flask, process: ServiceProcess, url: str, target: Database
) -> None:
    database_of(app).dispose()
    assert killed_at(process, *place.split("."), "db", "copy", "--to", url) == -signal.SIGKILL
    there = has_orders(target)
    works_here = run(app, "orders", "list").exit_code == 0
    assert [there, works_here].count(True) == 1
    if not works_here:
        assert "was broken off. Run it again" in failed(run(app, "orders", "list"))

    printed(run(app, "db", "copy", "--to", url, "--json"))

    assert has_orders(target)
    assert "was moved to" in failed(run(app, "orders", "list"))


def has_orders(target: Database) -> bool:
    try:
        with target.read() as session:
            return session.scalar(select(Order.id).limit(1)) is not None
    except Exception as error:
        assert isinstance(getattr(error, "orig", None), psycopg.errors.UndefinedTable)
        return False


@pytest.mark.sweep
def test_a_kill_just_before_the_commit_over_there_leaves_neither_working_until_it_is_run_again(
    app: Flask, process: ServiceProcess, url: str, target: Database
) -> None:
    database_of(app).dispose()
    with database_of(app).engine.begin() as here:
        moves.close(here, DatabaseMove(key="k", address=postgresql_move.told(url), content="x"))

    assert "was broken off. Run it again" in failed(run(app, "orders", "list"))
    assert f"is being moved to {postgresql_move.told(url)}" in failed(
        run(app, "db", "copy", "--to", "postgresql://127.0.0.1:1/x")
    )
    printed(run(app, "db", "copy", "--to", url, "--json"))

    assert has_orders(target)
    assert "was moved to" in failed(run(app, "orders", "list"))


@pytest.mark.sweep
def test_a_move_can_be_taken_back_until_something_happens_over_there(app: Flask, url: str, target: Database) -> None:
    printed(run(app, "db", "copy", "--to", url, "--json"))
    assert "is used again" in run(app, "db", "copy", "--to", url, "--undo").stdout
    assert run(app, "orders", "list").exit_code == 0
    assert not has_orders(target)
    add_order(app, "UIA-2")

    assert printed(run(app, "db", "copy", "--to", url, "--json"))["rows"]["orders"] == 2
    with target.write() as session:
        session.add(AuditEntry(made_by="ada", action="x", subject="x", made_at=now()))
    assert "that can't be taken back" in failed(run(app, "db", "copy", "--to", url, "--undo"))
    assert "was moved to" in failed(run(app, "orders", "list"))


def test_a_backup_from_before_the_move_does_not_bring_the_old_database_back(
    app: Flask, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "nightly.db"
    run(app, "db", "backup", file)
    printed(run(app, "db", "copy", "--to", url, "--json"))

    assert "was moved to" in failed(run(app, "db", "restore", file))
    with closing(sqlite3.connect(tmp_path / "handler.db")) as connection:
        assert connection.execute("select count(*) from orders").fetchone() == (1,)
    assert orders_in(file) == {"UIA-1"}

"""The database's versions: they make what the models say, from any number of processes, and keep what staff did."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import IntegrityError

from app.durable.locks import AdvisoryLock
from app.models import Base, Order, OrderStep
from app.provisioning.plans import plan_table
from app.setup import database_upgrade
from app.storage import migrate
from app.storage.database import Database
from config import PROJECT, Settings, load_settings
from sandbox import Sandbox
from tests.conftest import settings_for, wait_for
from tests.tools.processes import ServiceProcess

pytestmark = pytest.mark.long

FORMER_DATABASES = PROJECT / "tests" / "storage" / "former_databases"
"""A database with an order or two, as each commit that changed the tables made it; named by commit and version."""
TABLES = (
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name != 'alembic_version'"
)

NEEDED = {
    "utopia_url_endpoint": "https://utopia.example.com",
    "utopia_api_key": "utopia-key",
    "pc_url": "https://powercode.example.com",
    "pc_api_key": "powercode-key",
    "service_plan_mapping": {"1 Gbps": 164, "250 Mbps": 163},
    "additional_service_plan_mapping": {"Bond fee": 172},
    "mail_server": "smtp.example.com",
    "email_sender": "fiber@example.com",
    "email_recipients": "office@example.com",
    "secret_key": "only-for-tests",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with a database of the test's own, which is empty."""
    if request.param == "sqlite":
        return load_settings(**NEEDED, database_url=f"sqlite:///{tmp_path}/handler.db")
    server = request.getfixturevalue("postgresql_url")
    name = f"migrations_{abs(hash(request.node.name)) % 10**9}"
    whole = Database(load_settings(**NEEDED, database_url=server).database_url)
    with whole.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"create database {name}"))
    whole.dispose()
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    return load_settings(**NEEDED, database_url=url)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    yield database
    database.dispose()


def differences(database: Database) -> list[Any]:
    """What the models have and the database has not, or the other way round; the engine's tables aside."""
    ours = set(Base.metadata.tables)

    def is_ours(_object: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
        return kind != "table" or name in ours

    with database.engine.connect() as connection:
        options = {"compare_type": True, "include_object": is_ours}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def in_alembic(database: Database, act: Callable[..., None], revision: str) -> None:
    with database.engine.connect() as connection:
        act(migrate.alembic_config(connection), revision)
        connection.commit()


def test_an_upgrade_from_nothing_makes_what_the_models_say(settings: Settings, database: Database) -> None:
    assert not migrate.is_current(database)

    database_upgrade.upgrade(database, settings)

    assert migrate.is_current(database)
    assert differences(database) == []


def test_the_files_names_say_which_versions_there_are() -> None:
    scripts = ScriptDirectory.from_config(migrate.alembic_config())

    assert migrate.newest() == scripts.get_current_head()
    assert all(migrate.knows(script.revision) for script in scripts.walk_revisions())


def test_upgrading_again_changes_nothing(settings: Settings, database: Database) -> None:
    database_upgrade.upgrade(database, settings)
    with database.write() as session:
        session.add(Order(orderref="UIA-1"))

    database_upgrade.upgrade(database, settings)

    with database.read() as session:
        assert [order.orderref for order in session.query(Order)] == ["UIA-1"]


def test_every_version_can_be_taken_back_and_made_again(settings: Settings, database: Database) -> None:
    database_upgrade.upgrade(database, settings)

    in_alembic(database, command.downgrade, "base")

    assert set(inspect(database.engine).get_table_names()) & set(Base.metadata.tables) == set()
    assert not migrate.is_current(database)
    database_upgrade.upgrade(database, settings)
    assert differences(database) == []


def test_texts_that_differ_by_a_number_become_one_with_the_rule_that_somebody_chose(
    settings: Settings, database: Database
) -> None:
    migrate.upgrade(database)
    in_alembic(database, command.downgrade, "0022")
    row = (
        "insert into callback_messages (key, msg, rule, count, first_at, last_at, decided_by)"
        " values (:key, :key, :rule, :count, '2026-11-01 00:00:00', '2026-11-02 00:00:00', :by)"
    )
    with database.engine.begin() as connection:
        for key, rule, count, by in (
            ("ticket 1", "ignore", 2, None),
            ("ticket 2", "ignore", 3, "Ada"),
            ("ticket 3", "case:cancel", 4, "Stan"),
            ("cancelled", "tell", 1, "Stan"),
        ):
            connection.execute(text(row), {"key": key, "rule": rule, "count": count, "by": by})

    migrate.upgrade(database)

    with database.read() as session:
        kept = session.execute(text("select key, rule, count, decided_by from callback_messages order by key")).all()
    assert kept == [("cancelled", "tell", 1, "Stan"), ("ticket …", "case:cancel", 9, "Stan")]


@pytest.mark.parametrize("former", sorted(FORMER_DATABASES.glob("*.sql")), ids=lambda path: path.stem)
def test_a_database_of_each_former_version_goes_on_with_all_its_rows(former: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/handler.db")
    with sqlite3.connect(database.path) as connection:
        connection.executescript(former.read_text())
        rows = {name: _count(connection, name) for (name,) in connection.execute(TABLES)}

    database_upgrade.upgrade(database, load_settings(**NEEDED, database_url=database.url))

    assert [change for change in differences(database) if change[0] in ("add_table", "add_column", "add_index")] == []
    with database.read() as session, sqlite3.connect(database.path) as connection:
        orders = {order.orderref: (order.state, order.restarts) for order in session.query(Order)}
        kept = {name: _count(connection, name) for name in rows}
        table = plan_table.plan_table(session)
    assert orders == {"UIA202411-001186": ("completed", 0), "UIA202411-001188": ("needs_review", 0)}
    assert {name: count for name, count in kept.items() if count < rows[name]} == {}
    assert table.additional == {"Bond fee": 172}
    database.dispose()


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


def test_several_threads_upgrading_at_once_do_not_trip_over_each_other(settings: Settings, database: Database) -> None:
    databases = [Database(settings.database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: database_upgrade.upgrade(each, settings), databases))
    for each in databases:
        each.dispose()

    assert differences(database) == []
    with database.read() as session:
        assert len(plan_table.plan_table(session).plans) == 2


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_upgrading_at_once_both_succeed(
    sandbox: Sandbox, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    url = server or f"sqlite:///{tmp_path}/handler.db"
    with (
        ServiceProcess(settings_for(sandbox, tmp_path, database_url=url), tmp_path) as process,
        ThreadPoolExecutor(2) as threads,
    ):
        results = list(threads.map(lambda _: process.run("db", "upgrade"), range(2)))
        upgraded = Database(process.settings.database_url)

    assert [(each.returncode, each.stderr) for each in results] == [(0, "")] * 2
    assert differences(upgraded) == []
    upgraded.dispose()


def test_the_plans_of_the_settings_are_added_once_and_staffs_changes_stay(
    settings: Settings, database: Database
) -> None:
    database_upgrade.upgrade(database, settings)
    with database.write() as session:
        plan_table.map_plan(session, "1 gbps", 999)
        plan_table.map_plan(session, "2 Gbps", 165)
        plan_table.map_plan(session, "Router", 180, additional=True)

    later = settings.model_copy(update={"service_plan_mapping": {"1 Gbps": 164, "250 Mbps": 163, "5 Gbps": 170}})
    database_upgrade.upgrade(database, later)

    with database.read() as session:
        table = plan_table.plan_table(session)
    assert table.plans == {"1 gbps": 999, "250 Mbps": 163, "2 Gbps": 165, "5 Gbps": 170}
    assert table.additional == {"Bond fee": 172, "Router": 180}


def test_the_database_itself_refuses_a_second_row_for_an_order_or_a_step(
    settings: Settings, database: Database
) -> None:
    database_upgrade.upgrade(database, settings)
    with database.write() as session:
        session.add(Order(id=7, orderref="UIA-1"))
        session.flush()
        session.add(OrderStep(order_id=7, name="ticket"))

    for twice in (Order(orderref="UIA-1"), OrderStep(order_id=7, name="ticket")):
        with pytest.raises(IntegrityError), database.write() as session:
            session.add(twice)


def test_the_sqlite_file_is_nobody_elses_to_read(tmp_path: Path) -> None:
    settings = load_settings(**NEEDED, database_url=f"sqlite:///{tmp_path}/below/handler.db")
    database = Database(settings.database_url)
    database_upgrade.upgrade(database, settings)
    database.dispose()

    assert (tmp_path / "below" / "handler.db").stat().st_mode & 0o007 == 0
    assert (tmp_path / "below").stat().st_mode & 0o007 == 0


def test_an_acknowledged_order_survives_a_power_cut(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/handler.db")
    with database.read() as session:
        pragmas = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")}
    database.dispose()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_the_executors_lock_is_held_by_one_and_free_after_it(postgresql_url: str) -> None:
    url = load_settings(**NEEDED, database_url=postgresql_url).database_url
    first, second = AdvisoryLock(url, "a"), AdvisoryLock(url, "a")

    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert wait_for(second.acquire)
    second.release()

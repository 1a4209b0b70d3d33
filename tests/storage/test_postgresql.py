"""What a connection to PostgreSQL does without asking the server more often than needed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.storage.database import Database, connection_of
from tests.tools.postgres import PostgresServer


@pytest.fixture
def url(postgres: PostgresServer, tmp_path: Path) -> str:
    return postgres.database_for(tmp_path)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    with database.write() as session:
        session.execute(text("create table rows (number integer)"))
    yield database
    database.dispose()


@contextmanager
def broken_off() -> Iterator[None]:
    with pytest.raises(ZeroDivisionError):
        yield


def rows(database: Database) -> int | None:
    with database.read() as session:
        return session.scalar(text("select count(*) from rows"))


def test_a_transaction_is_whole_also_on_a_connection_that_was_read_from(database: Database) -> None:
    assert rows(database) == 0

    with broken_off(), database.write() as session:
        session.execute(text("insert into rows values (1)"))
        raise ZeroDivisionError

    assert rows(database) == 0


def test_a_reader_that_stays_open_sees_what_others_commit_and_holds_nothing(database: Database) -> None:
    with database.read() as session:
        assert session.scalar(text("select count(*) from rows")) == 0
        with database.write() as writing:
            writing.execute(text("lock table rows in access exclusive mode"))
            writing.execute(text("insert into rows values (1)"))
        assert session.scalar(text("select count(*) from rows")) == 1


def test_connections_that_the_server_closed_are_replaced_before_they_are_used(database: Database, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 30000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

    assert rows(database) == 0
    with database.write() as session:
        session.execute(text("insert into rows values (1)"))
    assert rows(database) == 1


def test_a_server_that_goes_while_it_is_read_from_costs_that_reader_alone(database: Database) -> None:
    with pytest.raises(OperationalError), database.read() as session:
        session.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    assert rows(database) == 0


def test_a_connection_that_was_lost_where_the_reader_did_not_mind_is_not_used_again(database: Database) -> None:
    with database.read() as session, suppress(OperationalError):
        connection_of(session).execute(text("select pg_terminate_backend(pg_backend_pid())"))

    assert rows(database) == 0

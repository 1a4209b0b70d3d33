"""The database's promises: what `write_together` returned is committed, whoever it shared the transaction with."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.database import Database

WRITERS = 8


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/handler.db")
    with database.write() as session:
        session.execute(text("create table rows (number integer primary key)"))
    yield database
    database.dispose()


def stored(database: Database) -> set[int]:
    with database.read() as session:
        return set(session.scalars(text("select number from rows")))


def put(session: Session, number: int) -> int:
    """Writes a row; refuses an odd number after it has written it."""
    session.execute(text("insert into rows values (:number)"), {"number": number})
    if number % 2:
        raise ValueError(number)
    return number * 10


def all_at_once(database: Database, numbers: range) -> dict[int, int | Exception]:
    """The outcome of each number's write; they all wait for their turn at the same moment."""
    ready = threading.Barrier(len(numbers) + 1)

    def one(number: int) -> int | Exception:
        ready.wait()
        try:
            return database.write_together(lambda session: put(session, number))
        except (ValueError, SQLAlchemyError) as error:
            return error

    with ThreadPoolExecutor(len(numbers)) as threads:
        futures = {number: threads.submit(one, number) for number in numbers}
        with database.write():
            ready.wait()
        return {number: future.result() for number, future in futures.items()}


def test_each_writer_gets_its_own_result_and_is_on_disk(database: Database) -> None:
    outcomes = all_at_once(database, range(0, 2 * WRITERS, 2))
    assert outcomes == {number: number * 10 for number in range(0, 2 * WRITERS, 2)}
    assert stored(database) == set(outcomes)


def test_a_writer_that_fails_fails_alone(database: Database) -> None:
    outcomes = all_at_once(database, range(WRITERS))
    assert {number for number, outcome in outcomes.items() if isinstance(outcome, ValueError)} == {1, 3, 5, 7}
    assert stored(database) == {0, 2, 4, 6}


def test_a_commit_that_fails_is_told_to_every_writer(database: Database) -> None:
    with database.write() as session:
        session.execute(text("create table parents (number integer primary key)"))
        session.execute(
            text("create table children (number integer references parents(number) deferrable initially deferred)")
        )

    def orphan(session: Session) -> None:
        session.execute(text("insert into children values (1)"))

    with pytest.raises(SQLAlchemyError):
        database.write_together(orphan)
    assert database.write_together(lambda session: put(session, 2)) == 20


def test_a_transaction_that_is_broken_off_acknowledges_nothing(database: Database) -> None:
    def broken_off(session: Session) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        database.write_together(broken_off)
    assert database.write_together(lambda session: put(session, 2)) == 20
    assert stored(database) == {2}


def test_what_a_transaction_leaves_half_done_is_not_there(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        put(session, 2)
        raise RuntimeError
    assert stored(database) == set()

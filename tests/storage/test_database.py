"""The database's promises: what `GroupCommit` returned is committed, whoever it shared the transaction with."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import InvalidRequestError, OperationalError, SQLAlchemyError

from app.models import PlanSeen
from app.storage.database import KEPT, Database, connection_of
from app.storage.group_commit import GroupCommit
from tests.conftest import Service, wait_for

WRITERS = 8
NORMAL, FULL = 1, 2
"""Levels of SQLite's `synchronous`."""


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


def put(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Writes rows; refuses an odd number after it has written it."""
    for number in numbers:
        connection.execute(text("insert into rows values (:number)"), {"number": number})
        if number % 2:
            raise ValueError(number)
    return [number * 10 for number in numbers]


def all_at_once(commits: GroupCommit[int, int], numbers: range) -> dict[int, int | BaseException]:
    """The outcome of each number's write; all wait for their turn, and get it together."""

    def one(number: int) -> int | BaseException:
        try:
            return commits.put(number)
        except (ValueError, SQLAlchemyError, SystemExit) as error:
            return error

    with ThreadPoolExecutor(len(numbers)) as threads:
        with commits._database.turn():
            futures = {number: threads.submit(one, number) for number in numbers}
            wait_for(lambda: len(commits._waiting) == len(numbers))
        return {number: future.result() for number, future in futures.items()}


def test_each_writer_gets_its_own_result_and_is_on_disk(database: Database) -> None:
    outcomes = all_at_once(GroupCommit(database, put), range(0, 2 * WRITERS, 2))
    assert outcomes == {number: number * 10 for number in range(0, 2 * WRITERS, 2)}
    assert stored(database) == set(outcomes)


def test_a_writer_that_fails_fails_alone(database: Database) -> None:
    outcomes = all_at_once(GroupCommit(database, put), range(WRITERS))
    assert {number for number, outcome in outcomes.items() if isinstance(outcome, ValueError)} == {1, 3, 5, 7}
    assert stored(database) == {0, 2, 4, 6}


def test_a_commit_that_fails_is_told_to_every_writer(database: Database) -> None:
    with database.write() as session:
        session.execute(text("create table parents (number integer primary key)"))
        session.execute(
            text("create table children (number integer references parents(number) deferrable initially deferred)")
        )

    def orphan(connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
        connection.execute(text("insert into children values (1)"))
        return numbers

    with pytest.raises(SQLAlchemyError):
        GroupCommit(database, orphan).put(1)
    assert GroupCommit(database, put).put(2) == 20


def test_a_transaction_that_is_broken_off_acknowledges_nothing(database: Database) -> None:
    broken = iter([True, False])

    def write(connection: Connection, numbers: Sequence[int]) -> list[int]:
        if next(broken):
            raise SystemExit
        return put(connection, numbers)

    commits = GroupCommit(database, write)
    with pytest.raises(SystemExit):
        commits.put(2)
    assert commits.put(4) == 40
    assert stored(database) == {4}


def test_whoever_shares_a_transaction_that_is_broken_off_is_told(database: Database) -> None:
    def broken_off(connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
        put(connection, numbers)
        raise SystemExit

    outcomes = all_at_once(GroupCommit(database, broken_off), range(0, 6, 2))
    assert sorted(type(outcome).__name__ for outcome in outcomes.values()) == [*["OperationalError"] * 2, "SystemExit"]
    assert stored(database) == set()


def test_whoever_waits_for_a_database_that_stays_busy_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = GroupCommit(database, put)
    monkeypatch.setattr("app.storage.patience.BUSY_SECONDS", 0.05)
    with ThreadPoolExecutor(2) as threads, database.write():
        errors = [threads.submit(commits.put, number).exception() for number in (2, 4)]
    assert [type(error).__name__ for error in errors] == ["OperationalError"] * 2
    assert commits.put(6) == 60
    assert stored(database) == {6}


def test_those_who_wait_share_a_commit(database: Database) -> None:
    groups: list[Sequence[int]] = []

    def write(connection: Connection, numbers: Sequence[int]) -> list[int]:
        groups.append(numbers)
        return put(connection, numbers)

    all_at_once(GroupCommit(database, write), range(0, 2 * WRITERS, 2))
    assert [len(group) for group in groups] == [WRITERS]


def test_what_a_transaction_leaves_half_done_is_not_there(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        put(session.connection(), [2])
        raise RuntimeError
    assert stored(database) == set()


def test_a_database_that_takes_nothing_is_tried_once_for_all_who_share_a_transaction(database: Database) -> None:
    """Tried for each alone, a database that stays busy would keep the last writer for the sum of all waits."""
    tries = []

    def full(_connection: Connection, numbers: Sequence[int]) -> Sequence[int]:
        tries.append(len(numbers))
        raise OperationalError("INSERT", None, Exception("database or disk is full"))

    outcomes = all_at_once(GroupCommit(database, full), range(4))

    assert tries == [4]
    assert {type(outcome) for outcome in outcomes.values()} == {OperationalError}


def test_what_a_block_read_is_read_anew_by_the_next(service: Service) -> None:
    database = service.services.database

    def hear_of(description: str) -> PlanSeen:
        with database.read() as session:
            return session.scalars(select(PlanSeen).where(PlanSeen.description == description)).one()

    with database.write() as session:
        session.add(PlanSeen(key="gig", description="Gig", last_orderref="UIA-1"))
    before = hear_of("Gig")
    with database.write() as session:
        session.execute(update(PlanSeen).values(last_orderref="UIA-2"))
    assert (before.last_orderref, hear_of("Gig").last_orderref) == ("UIA-1", "UIA-2")


def test_nested_blocks_have_connections_of_their_own(database: Database) -> None:
    with database.read() as outer, database.write() as writing, database.read() as inner:
        assert len({id(each.bind) for each in (outer, writing, inner)}) == 3
        put(writing.connection(), [2])
        assert stored(database) == set()
    assert stored(database) == {2}


def test_more_readers_at_once_than_are_kept_are_served(database: Database) -> None:
    with ExitStack() as all_at_once:
        readers = [all_at_once.enter_context(database.read()) for _ in range(KEPT + 4)]
        assert {reader.scalar(text("select 1")) for reader in readers} == {1}
    assert database.engine.pool.checkedout() == KEPT + 1  # and the one that made the table


def test_what_is_written_after_a_rollback_in_its_block_is_an_error_and_locks_nobody_out(database: Database) -> None:
    with pytest.raises(InvalidRequestError), database.write() as session:
        session.execute(text("insert into rows values (2)"))
        session.rollback()
        put(connection_of(session), [4])
    with database.write() as session:
        put(connection_of(session), [6])
    assert stored(database) == {6}


def test_a_session_that_is_used_after_its_block_is_lent_to_nobody(database: Database) -> None:
    with database.write() as session:
        put(connection_of(session), [2])
    put(connection_of(session), [4])
    with database.write() as another:
        assert another is not session
    assert stored(database) == {2}


def test_a_row_that_was_committed_in_its_block_is_read_anew_by_the_next(service: Service) -> None:
    with service.services.database.write() as session:
        session.add(PlanSeen(key="gig", description="Gig", last_orderref="UIA-1"))
        session.commit()
    with service.services.database.write() as session:
        connection_of(session).execute(update(PlanSeen).values(last_orderref="UIA-2"))
    with service.services.database.write() as session:
        assert session.get_one(PlanSeen, "gig").last_orderref == "UIA-2"


def test_a_session_in_use_when_all_are_closed_is_closed_at_its_end(database: Database) -> None:
    with database.read() as reader:
        assert reader.scalar(text("select 1")) == 1
        database.dispose()
    assert connection_of(reader).closed


def test_only_what_can_be_repeated_is_left_to_the_next_sync_of_the_disk(database: Database) -> None:
    for repeatable, level in ((False, FULL), (True, NORMAL), (False, FULL)):
        with database.write(repeatable=repeatable) as session:
            assert session.execute(text("PRAGMA synchronous")).scalar() == level


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    """The first connections of several processes that start at once; one of them turns the write-ahead log on."""
    writer = sqlite3.connect(tmp_path / "handler.db", isolation_level=None, check_same_thread=False)
    writer.execute("begin immediate")
    threading.Timer(0.2, writer.execute, ["commit"]).start()

    database = Database(f"sqlite:///{tmp_path}/handler.db")
    with database.read() as session:
        assert session.scalar(text("pragma journal_mode")) == "wal"
    database.dispose()
    writer.close()

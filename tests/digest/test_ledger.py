"""What is kept of a run: slots that make a repeat impossible, the window, and what the old utility left."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.digest import ledger
from app.digest.closings import Closing, CustomerDigest
from app.digest.run_starts import workflow_id
from app.models import DigestMessage, DigestRun, DigestWindow, MessageState, ReportedTicket, now
from app.storage.database import Database
from tests.conftest import Service

DAY = date(2026, 11, 14)
WEEK = "2026-W47"


def a_digest(email: str = "ada.lind@example.com", *tickets: str) -> CustomerDigest:
    closings = [Closing(ticket, DAY, email, email.lower(), "Ada", "Lind", 2) for ticket in tickets or ("TM-1",)]
    return CustomerDigest(email, email.lower(), "Ada LIND", tuple(closings))


@pytest.fixture
def database(service: Service) -> Database:
    return service.services.database


def begin(session: Session, key: str = "one") -> DigestRun:
    return ledger.begin(session, key=key, iso_week=WEEK, started_by="alice", source="file:/r.csv", since=None)


@pytest.fixture
def run(service: Service, database: Database) -> Iterator[int]:
    """A run that no workflow works on; one seems to wait for its turn, or the service would start another."""
    queue = service.services.work_queue
    with database.write() as session:
        run = begin(session)
        queue.enqueue(session, "digest", workflow_id(run), "nobodys", run.id)
    yield run.id
    queue.forget([workflow_id(run)])


def planned(database: Database, run: int, *digests: CustomerDigest, week: str = WEEK, batch: int = 1) -> list[int]:
    with database.write() as session:
        ledger.plan_batch(session, run, week, batch, digests)
        return [message.id for message in ledger.planned_messages(session, run, batch)]


def slots(database: Database, table: type[DigestMessage | ReportedTicket] = DigestMessage) -> list[str]:
    with database.read() as session:
        return sorted(filter(None, session.scalars(select(table.slot))))


def test_the_database_itself_refuses_a_second_message_of_a_week(database: Database, run: int) -> None:
    planned(database, run, a_digest("ada@example.com", "TM-1"))
    with pytest.raises(IntegrityError):
        planned(database, run, a_digest("ada@example.com", "TM-2"), batch=2)
    planned(database, run, a_digest("ada@example.com", "TM-2"), week="2026-W48", batch=2)


def test_the_database_itself_refuses_to_tell_a_closing_twice(database: Database, run: int) -> None:
    planned(database, run, a_digest("ada@example.com", "TM-1"))
    with pytest.raises(IntegrityError):
        planned(database, run, a_digest("other@example.com", "tm-1"), batch=2)


def test_a_second_run_cannot_begin_while_one_is_under_way(database: Database, run: int) -> None:
    with pytest.raises(ledger.AlreadyUnderWay, match=f"digest show {run}"), database.write() as session:
        begin(session, "two")


def test_a_key_has_its_run_once(database: Database, run: int) -> None:
    with database.write() as session:
        session.get_one(DigestRun, run).state = "completed"
    with pytest.raises(ledger.AlreadyUnderWay), database.write() as session:
        begin(session, "one")


@pytest.mark.parametrize("state", [MessageState.REFUSED, MessageState.NOT_SENT])
def test_a_message_that_did_not_go_out_gives_its_slots_back(database: Database, run: int, state: MessageState) -> None:
    ids = planned(database, run, a_digest("ada@example.com", "TM-1", "TM-2"))
    with database.write() as session:
        ledger.mark(session, ids, state, "why")
    assert slots(database) == slots(database, ReportedTicket) == []
    with database.read() as session:
        assert ledger.reported_since(session, DAY) == set()
        assert ledger.addressed_in(session, WEEK) == set()


@pytest.mark.parametrize("state", [MessageState.SENDING, MessageState.ACCEPTED, MessageState.UNKNOWN])
def test_a_message_that_may_have_gone_out_keeps_its_slots(database: Database, run: int, state: MessageState) -> None:
    ids = planned(database, run, a_digest("ada@example.com", "TM-1"))
    with database.write() as session:
        ledger.mark(session, ids, state)
    with database.read() as session:
        assert ledger.reported_since(session, DAY) == {("tm-1", DAY)}
        assert ledger.addressed_in(session, WEEK) == {"ada@example.com"}
        assert ledger.addressed_in(session, "2026-W48") == set()


def test_a_plan_that_was_cut_off_is_forgotten_whole(database: Database, run: int) -> None:
    planned(database, run, a_digest("a@example.com", "TM-1"))
    planned(database, run, a_digest("b@example.com", "TM-2"), batch=2)
    with database.write() as session:
        ledger.forget_plan(session, run)
    assert slots(database) == slots(database, ReportedTicket) == []


def test_what_goes_out_in_a_later_week_takes_that_weeks_place(database: Database, run: int) -> None:
    planned(database, run, a_digest("ada@example.com", "TM-1"))
    with database.write() as session:
        ledger.move_to_week(session, run, 1, "2026-W48")
        assert len(ledger.planned_messages(session, run, 1)) == 1
    assert slots(database) == ["2026-W48 ada@example.com"]


def test_what_goes_out_in_a_later_week_waits_where_that_week_had_its_message(database: Database, run: int) -> None:
    planned(database, run, a_digest("ada@example.com", "TM-1"), a_digest("b@example.com", "TM-2"))
    planned(database, run, a_digest("ada@example.com", "TM-3"), week="2026-W48", batch=2)
    with database.write() as session:
        ledger.move_to_week(session, run, 1, "2026-W48")
        assert [message.email for message in ledger.planned_messages(session, run, 1)] == ["b@example.com"]
        assert ledger.reported_since(session, DAY) == {("tm-2", DAY), ("tm-3", DAY)}
    assert slots(database) == ["2026-W48 ada@example.com", "2026-W48 b@example.com"]


def test_an_attempt_that_was_overtaken_has_no_say(database: Database, run: int) -> None:
    with database.write() as session:
        assert ledger.current(session, run, 1) is not None
        session.get_one(DigestRun, run).attempt = 2
    with database.read() as session:
        assert ledger.current(session, run, 1) is None
        assert ledger.current(session, 4711, 1) is None


def test_the_window_is_set_once(database: Database) -> None:
    today = date(2026, 11, 16)
    with database.write() as session:
        assert ledger.planned_window_start(session, today, 7) == date(2026, 11, 9)
        assert session.get(DigestWindow, 1) is None
        assert ledger.window_start(session, today, 7, "run 1") == date(2026, 11, 9)
    with database.write() as session:
        later = today + timedelta(days=70)
        assert ledger.window_start(session, later, 30, "run 2") == date(2026, 11, 9)
        assert ledger.planned_window_start(session, later, 30) == date(2026, 11, 9)


def an_old_file(folder: Path, content: str) -> Path:
    path = folder / "last_run_date.json"
    path.write_text(content, encoding="utf-8")
    return path


def take_over(database: Database, path: Path) -> date:
    with database.write() as session:
        return ledger.import_last_run(session, path, "alice")


@pytest.mark.parametrize("written", ["02/10/2026", "12/05/2026"])
def test_the_old_utilitys_stored_day_is_read_day_first(database: Database, tmp_path: Path, written: str) -> None:
    day, month, year = map(int, written.split("/"))
    path = an_old_file(tmp_path, f'{{"last_run_date": "{written}"}}')
    assert take_over(database, path) == date(year, month, day)


def test_the_old_utilitys_day_becomes_the_windows_start(database: Database, tmp_path: Path) -> None:
    take_over(database, an_old_file(tmp_path, '\ufeff{"last_run_date": "14/11/2026"}'))
    with database.read() as session:
        assert ledger.planned_window_start(session, date(2027, 1, 1), 7) == DAY


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("not json", "is not JSON"),
        ("[]", 'has no "last_run_date"'),
        ("{}", 'has no "last_run_date"'),
        ('{"last_run_date": null}', 'has no "last_run_date"'),
        ('{"last_run_date": "2026-11-14"}', 'has no "last_run_date"'),
        ('{"last_run_date": "31/02/2026"}', 'has no "last_run_date"'),
        ('{"last_run_date": "11/14/2026"}', 'has no "last_run_date"'),
        (f'{{"last_run_date": "{now() + timedelta(days=40):%d/%m/%Y}"}}', "is in the future"),
    ],
)
def test_a_file_of_the_old_utility_that_makes_no_sense_is_refused(
    database: Database, tmp_path: Path, content: str, why: str
) -> None:
    with pytest.raises(ledger.ImportRefused, match=why):
        take_over(database, an_old_file(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ledger.ImportRefused, match="can't be read: No such file"):
        take_over(database, tmp_path / "none.json")


def test_a_window_that_is_set_is_not_moved_by_an_import(database: Database, tmp_path: Path) -> None:
    path = an_old_file(tmp_path, '{"last_run_date": "14/11/2026"}')
    take_over(database, path)
    with pytest.raises(ledger.ImportRefused, match=r"already starts on 2026-11-14 \(set by alice\)"):
        take_over(database, path)

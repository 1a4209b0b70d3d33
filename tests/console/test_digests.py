"""The pages of the weekly digest."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from app.digest import preview_requests
from app.models import AuditEntry, DigestMessage, DigestRun, DigestSetAside, MessageState, RunState, now
from tests.conftest import Service, wait_for
from tests.console.made_digests import HOSTILE, a_run
from tests.console.persons import Person, words_of
from tests.digest.conftest import Office, office_of

PAGE = "/console/digest"


@pytest.fixture
def office(service: Service, tmp_path: Path) -> Iterator[Office]:
    with office_of(service, tmp_path) as office:
        yield office


def preview_made(office: Office) -> None:
    def settled() -> bool:
        return office.service.read(preview_requests.newest).state != "running"

    wait_for(settled)


def key_of(page: str) -> str:
    return re.search(r'name="key"[^>]* value="([^"]+)"', page)[1]


def test_without_a_report_the_page_says_whom_to_ask(as_read_only: Person) -> None:
    page = as_read_only.get(PAGE).text
    assert "No report is set up, so no digest goes out. Ask an administrator to have it set." in page
    assert "REPORT_SOURCE" not in page
    assert "Run now" not in page


def test_an_administrator_is_led_to_the_setting(as_administrator: Person) -> None:
    assert '<a href="/console/settings#REPORT_SOURCE">REPORT_SOURCE</a>' in as_administrator.get(PAGE).text


def test_the_page_says_when_the_next_one_runs_from_where_and_how(as_staff: Person, office: Office) -> None:
    page = as_staff.get(PAGE).text
    assert "every Monday at 8:00, America/Denver time" in page
    assert "a file on the server" in page
    assert str(office.path) not in page
    assert "to the mail webhook at 127.0.0.1" in page
    assert office.webhook.post_url not in page
    assert re.search(r"Next run</dt><dd><time", page)


def test_the_runs_are_listed_newest_first_with_what_came_of_them(as_read_only: Person, service: Service) -> None:
    old, new = a_run(service), a_run(service)
    page = as_read_only.get(PAGE).text
    assert page.index(f">Run {new}<") < page.index(f">Run {old}<")
    assert f"/console/digest/runs/{new}?state=unknown" in page


def test_very_many_runs_come_in_pages(as_read_only: Person, service: Service) -> None:
    with service.services.database.write() as session:
        for number in range(60):
            session.add(DigestRun(key=f"k{number}", iso_week="2026-W01", started_by="schedule", source="file:x.csv"))
        session.execute(update(DigestRun).values(state=RunState.COMPLETED))
    page = as_read_only.get(f"{PAGE}?page=3").text
    assert len(re.findall(r'scope="row"><a', page)) == 10
    assert "page 3 of 3" in page
    for odd in ("0", "-1", "x", "9" * 30, "²"):
        assert as_read_only.get(f"{PAGE}?page={odd}").status_code == 200


def test_a_preview_is_made_in_the_background_and_shown_to_whoever_looks(as_staff: Person, office: Office) -> None:
    office.reports(office.row("TM-1", first=HOSTILE), office.row("TM-2", date="31/02/2026", first=HOSTILE))
    assert as_staff.post(f"{PAGE}/preview").status_code == 303
    preview_made(office)
    for page in (as_staff.get(PAGE).text, as_staff.get(f"{PAGE}/preview").text):
        assert "Would be told now</dt><dd><strong>1</strong> customer," in page
        assert "31/02/2026 is not in the calendar" in page
        assert HOSTILE not in page
        assert "hx-trigger" not in page
    assert office.told == []


def test_a_preview_that_is_being_made_asks_for_itself_again_and_says_how_far_it_is(
    as_staff: Person, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_requests, "_make", lambda _services, _preview_id: "held")
    as_staff.post(f"{PAGE}/preview")
    page = as_staff.get(f"{PAGE}/preview").text
    assert 'hx-trigger="every 1s"' in page
    assert "Waits for its turn" in page


def test_a_preview_of_a_report_that_is_not_there_says_so(as_staff: Person, office: Office) -> None:
    as_staff.post(f"{PAGE}/preview")
    preview_made(office)
    assert "There is no report file" in as_staff.get(PAGE).text


@pytest.mark.long
def test_a_run_is_started_after_a_page_that_says_what_it_does_and_pressing_twice_starts_one(
    as_staff: Person, office: Office
) -> None:
    office.run(office.row("TM-1"))
    office.reports(office.row("TM-1"), office.row("TM-2", "b@example.com"))
    page = as_staff.get(f"{PAGE}/run").text
    assert "Customers get mail" in page
    assert "1 customer; they get nothing more before next week" in page

    answers = [as_staff.post(f"{PAGE}/run", {"key": key_of(page)}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.location for answer in answers}) == 1
    run = office.over(office.runs()[-1])
    assert (run["customers"], run["started_by"]) == (1, "Stan Staff")
    assert len(office.runs()) == 2


def test_while_a_run_waits_no_other_is_started_and_the_page_says_why_and_until_when(
    as_staff: Person, office: Office
) -> None:
    waiting = office.waits(office.start())["run"]
    assert f"Run {waiting} is under way" in as_staff.get(f"{PAGE}/run").text
    answer = as_staff.post(f"{PAGE}/run", {"key": "5e0d7a0e-0000-4000-8000-000000000001"})
    assert answer.location.endswith(f"/runs/{waiting}")
    with office.database.write() as session:  # not to be tried again while the test looks
        later = now() + timedelta(minutes=50)
        session.execute(update(DigestRun).values(state=RunState.WAITING, next_try_at=later))
    page = as_staff.get(answer.location).text
    assert "There is no report file" in page
    assert "tried again by itself <time" in page
    assert 'hx-trigger="every 2s"' in page


@pytest.mark.parametrize("key", ["", "schedule 2026-11-23T08:00", "x" * 100])
def test_a_run_can_not_take_the_place_of_the_schedules(as_staff: Person, office: Office, key: str) -> None:
    assert as_staff.post(f"{PAGE}/run", {"key": key}).status_code == 400
    assert office.runs() == []


def test_a_runs_page_shows_customers_rows_and_notices(as_read_only: Person, service: Service, office: Office) -> None:
    office.run(office.row("TM-1", first=HOSTILE), office.row("TM-2", date="31/02/2026"))
    service.mail_settled()
    page = as_read_only.get(f"{PAGE}/runs/{office.runs()[0]}").text
    assert "TM-1" in page
    assert "ada.lind@example.com" in page
    assert " 3 TM-2 the date 31/02/2026 is not in the calendar 31/02/2026 " in words_of(page)
    assert "Report to staff: " in page
    assert HOSTILE not in page


def test_a_runs_page_can_be_narrowed_to_a_state(as_read_only: Person, service: Service) -> None:
    run = a_run(service, customers=6)
    page = as_read_only.get(f"{PAGE}/runs/{run}?state=refused").text
    assert page.count("@example.com") == 2
    assert as_read_only.get(f"{PAGE}/runs/{run}?state=nonsense").status_code == 404
    assert as_read_only.get(f"{PAGE}/runs/{run + 1}").status_code == 404
    assert as_read_only.get(f"{PAGE}/runs/{2**40}").status_code == 404


@pytest.mark.sweep
def test_a_run_of_5000_customers_stays_small(as_staff: Person, service: Service) -> None:
    run = a_run(service, customers=5000, states=(MessageState.UNKNOWN,), name="N" * 400, tickets=25, rows=0)
    with service.services.database.write() as session:
        row = {"run_id": run, "cause": "day", **dict.fromkeys(("reason", "ticket", "date", "name", "email"), "z" * 120)}
        session.add_all(DigestSetAside(row=number, **row) for number in range(5000))
        session.execute(update(DigestRun).where(DigestRun.id == run).values(set_aside=7000))
    page = as_staff.get(f"{PAGE}/runs/{run}?page=3&rows=2").text
    assert page.count("c02") == 100 * 3  # in its row, and in what its two buttons say to a screen reader
    assert "page 3 of 50" in page
    assert "the first 5,000 are kept" in page
    assert "and 20 more" in page
    assert len(page) < 200_000


@contextmanager
def statements(service: Service) -> Iterator[list[str]]:
    """What the database is asked during the block."""
    asked: list[str] = []
    here = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() == here:
            asked.append(statement)

    event.listen(service.services.database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(service.services.database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["", "/runs/{run}"])
def test_a_page_asks_the_database_as_often_for_many_customers_as_for_few(
    as_staff: Person, service: Service, path: str
) -> None:
    asked = []
    for customers in (2, 150):
        run = a_run(service, customers=customers)
        with statements(service) as of_page:
            as_staff.get(PAGE + path.format(run=run))
        asked.append(len(of_page))
    assert asked[0] == asked[1] < 30


def test_all_tickets_of_a_customer_can_be_read(as_read_only: Person, service: Service) -> None:
    run = a_run(service, customers=1, tickets=600)
    with service.services.database.read() as session:
        message = session.query(DigestMessage.id).scalar()
    page = as_read_only.get(f"{PAGE}/runs/{run}/messages/{message}?page=2").text
    assert page.count("<li>TM-") == 100
    assert as_read_only.get(f"{PAGE}/runs/{run + 1}/messages/{message}").status_code == 404


def message_in(service: Service, run: int, state: str) -> int:
    with service.services.database.read() as session:
        return session.query(DigestMessage.id).filter_by(run_id=run, state=state).order_by("id").limit(1).scalar()


def test_an_unknown_outcome_is_settled_by_message(as_staff: Person, service: Service) -> None:
    run = a_run(service, customers=6)
    message = message_in(service, run, "unknown")
    answer = as_staff.post(f"{PAGE}/runs/{run}/settle", {"settle": f"arrived message {message}"})
    page = as_staff.get(answer.location).text
    assert "1 message is settled: the customers were told." in page
    assert "<strong>Stan Staff</strong> settled as arrived: the message to c0001@example.com" in page
    with service.services.database.read() as session:
        assert session.get(DigestMessage, message).state == "accepted"
        assert session.query(AuditEntry).count() == 1


def test_a_run_that_waits_says_what_of_it_is_tried_again_and_what_is_not(as_staff: Person, service: Service) -> None:
    run = a_run(service, customers=6)
    with service.services.database.write() as session:
        row = session.get_one(DigestRun, run)
        row.state, row.error, row.next_try_at = "waiting", "The webhook can't be reached", now()

    page = as_staff.get(f"{PAGE}/runs/{run}").text.replace("&#39;", "'")

    assert "This run waits: The webhook can't be reached. The rest is tried again by itself" in page
    assert "The messages that need you are not sent again by themselves: see below." in page


def test_a_batch_is_settled_at_once_and_only_once(as_staff: Person, as_administrator: Person, service: Service) -> None:
    run = a_run(service, customers=6)
    path = f"{PAGE}/runs/{run}/settle"
    first = as_staff.post(path, {"settle": "not_arrived batch 1"})
    assert "2 messages are settled: not arrived" in as_staff.get(first.location).text
    as_administrator.post(path, {"settle": "arrived batch 1"})
    page = as_administrator.get(f"{PAGE}/runs/{run}").text
    assert "somebody else has just done it" in page
    assert "Stan Staff found out that it did not arrive" in page
    assert "It arrived" not in page


def test_what_makes_no_sense_settles_nothing(as_staff: Person, service: Service) -> None:
    run = a_run(service, customers=6)
    for value in (
        "",
        "lost batch 1",
        "arrived",
        "arrived run 1",
        "arrived batch 0",
        "arrived batch 1\n",
        "arrived batch x",
    ):
        assert as_staff.post(f"{PAGE}/runs/{run}/settle", {"settle": value}).status_code == 400
    as_staff.post(f"{PAGE}/runs/{run}/settle", {"settle": "arrived batch 999"})
    as_staff.post(f"{PAGE}/runs/{run}/settle", {"settle": "arrived message 999999999"})
    assert as_staff.post(f"{PAGE}/runs/{run + 1}/settle", {"settle": "arrived batch 1"}).status_code == 404
    assert message_in(service, run, "unknown")


def test_readers_see_a_run_without_buttons(as_read_only: Person, office: Office, service: Service) -> None:
    run = a_run(service)
    page = as_read_only.get(f"{PAGE}/runs/{run}").text
    assert "It did not arrive</strong>: the next run" in page
    assert "/settle" not in page

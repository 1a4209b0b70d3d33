"""What the weekly digest keeps of a customer, and how it is forgotten: with an order, or by the mail address."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from app.models import AuditEntry, DigestMessage, DigestPreview, DigestRun, DigestSetAside, DigestWindow, Notice, now
from tests.conftest import Service
from tests.console.persons import Person
from tests.digest.conftest import Office, office_of
from tests.safekeeping.erased_orders import PERSON, forget, found_in, settled, stored
from tests.tools.command_runs import ORDER, failed, printed, run

pytestmark = pytest.mark.long


@pytest.fixture
def office(service: Service, tmp_path: Path) -> Iterator[Office]:
    with office_of(service, tmp_path) as office:
        yield office


def told(service: Service, week: str = "2026-W40") -> None:
    """A digest of another week told Ada of a ticket; a row of hers was set aside; somebody looked at a preview."""
    message = {"run_id": 1, "batch": 1, "state": "accepted"}
    ada = {"email": "Ada.Lind@example.com", "email_key": "ada.lind@example.com", "full_name": "Ada LIND"}
    ada["error"] = "for ada.lind@example.com"
    ole = {"email": "ole@example.com", "email_key": "ole@example.com", "full_name": "Ole BERG"}
    cells = dict.fromkeys(("cause", "reason", "ticket", "date"), "x")
    for statement in (
        insert(DigestWindow).values(id=1, starts_on=now().date(), set_by="x"),
        insert(DigestRun).values(id=1, key="x", iso_week=week, started_by="x", source="file:/x", state="completed"),
        insert(DigestMessage).values(id=1, slot=f"{week} {ada['email_key']}", **message, **ada),
        insert(DigestMessage).values(id=2, slot=f"{week} {ole['email_key']}", **message, **ole),
        insert(DigestSetAside).values(run_id=1, row=2, name="Ada Lind", email=" Ada.Lind @example.com", **cells),
        insert(Notice).values(
            key="digest_report:1",
            kind="digest_report",
            state="sent",
            content={
                "rows_set_aside": ['row 2: ticket x, x (it says " Ada.Lind @example.com")', "row 3: no ticket, x"]
            },
        ),
        insert(DigestPreview).values(asked_by="x", state="done", result={"to": "ada.lind@example.com"}),
        insert(AuditEntry).values(
            made_by="x", action="settled as arrived", subject="digest run 1", note="the message to Ada.Lind@example.com"
        ),
    ):
        service.execute(statement)


def test_the_digest_keeps_its_customer_unless_it_is_asked_to_forget_them(service: Service) -> None:
    service.take()
    told(service)

    settled(service)

    said = run(service, "orders", "forget", ORDER, "--yes").stdout

    assert "keeps 1 messages to the address" in said
    assert "Ada.Lind@example.com" in stored(service)


def test_with_digest_the_address_goes_there_too(service: Service, as_staff: Person) -> None:
    service.take()
    told(service)

    assert forget(service, "--digest")["digest"] == {"messages": 1, "rows_set_aside": 1, "kept_for_now": 0}

    assert [word for word in found_in(stored(service)) if word in PERSON[:4]] == []
    assert "ole@example.com" in stored(service)
    assert printed(run(service, "digest", "show", "1", "--json"))["customers_told"][0]["email"] == "(erased)"
    assert as_staff.get("/console/digest/runs/1").status_code == 200


def test_a_customer_of_the_digest_alone_is_forgotten_by_their_address(service: Service) -> None:
    told(service)

    said = printed(run(service, "digest", "forget", "ADA.LIND@example.com", "--yes", "--json"))

    assert said["messages"] == 1
    assert "ada.lind" not in stored(service).casefold()
    assert "no mail address" in failed(run(service, "digest", "forget", "Ada", "--yes"))


def test_an_address_that_is_a_part_of_anothers_takes_nothing_of_theirs(service: Service) -> None:
    told(service)
    service.execute(update(DigestSetAside).values(email="Nada.Lind@example.com"))

    said = printed(run(service, "digest", "forget", "ada.lind@example.com", "--yes", "--json"))

    assert (said["messages"], said["rows_set_aside"]) == (1, 0)
    assert "Nada.Lind@example.com" in stored(service)


def test_whoever_had_this_weeks_message_gets_no_second_one_for_being_forgotten(office: Office) -> None:
    office.run(office.row("TM-1"))
    said = printed(run(office.service, "digest", "forget", "ada.lind@example.com", "--yes", "--json"))
    office.run(office.row("TM-1"), office.row("TM-2"))

    assert (said["messages"], said["kept_for_now"]) == (0, 1)
    assert len(office.webhook.messages) == 1


def test_a_message_whose_outcome_is_not_known_stays_for_the_person_who_finds_out(service: Service) -> None:
    told(service)
    service.execute(update(DigestMessage).where(DigestMessage.id == 1).values(state="unknown"))

    said = printed(run(service, "digest", "forget", "ada.lind@example.com", "--yes", "--json"))

    assert said["kept_for_now"] == 1

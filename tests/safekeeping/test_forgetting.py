"""What `orders forget` erases, what stays, and that an order without its person's data still keeps the promises."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.cli import forgetting as commands
from app.models import (
    AuditEntry,
    Base,
    Callback,
    DigestMessage,
    DigestPreview,
    DigestRun,
    DigestSetAside,
    DigestWindow,
    Notice,
    Order,
    OrderSearch,
    Role,
    now,
)
from app.people import audit
from app.provisioning import corrections, desk, review, search
from app.provisioning.actions import DISMISS
from app.provisioning.causes import together
from app.provisioning.causes.standing import standing
from app.safekeeping import forgetting, mentions, remnants
from tests.conftest import Service, wait_for
from tests.console.persons import Person, add_user
from tests.digest.conftest import Office, office_of
from tests.tools.command_runs import ORDER, failed, printed, run

PERSON = ("Ada", "Lind", "ada.lind@example.com", "4065550143", "12 N EXAMPLE", "714780", "250 Mbps")
NEIGHBOUR = {"siteid": "7", "firstname": "Ole", "lastname": "Berg", "email": "ole@example.com", "phone": "4065550127"}


@pytest.fixture
def as_staff(service: Service) -> Person:
    person = Person(service.app.test_client())
    assert person.sign_in(add_user(service, Role.STAFF)).status_code == 303
    return person


def settled(service: Service) -> None:
    """Nothing is on its way any more."""
    service.mail_settled()
    client = service.services.work_queue.client
    wait_for(lambda: not client.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False))


def forget(service: Service, *options: str) -> dict[str, Any]:
    settled(service)
    return printed(run(service, "orders", "forget", ORDER, "--yes", "--json", *options))


def write(service: Service, *statements: Any) -> None:
    with service.services.database.write() as session:
        for statement in statements:
            session.execute(statement)


def stored(service: Service) -> str:
    """Every value of every row of our tables, and of the engine's on SQLite."""
    database = service.services.database
    with database.read() as session:
        rows = [row for table in Base.metadata.sorted_tables for row in session.execute(select(table)).all()]
        tables = {table.name for table in Base.metadata.sorted_tables}
        if database.is_sqlite:
            names = (
                session.connection().exec_driver_sql("select name from sqlite_master where type = 'table'").scalars()
            )
            others = [name for name in names if name not in tables]
            rows += [row for name in others for row in session.connection().exec_driver_sql(f"select * from {name}")]
    return "\n".join(json.dumps([str(value) for value in row], ensure_ascii=False) for row in rows)


def found_in(text: str) -> list[str]:
    """As words of their own: random ids have any three letters in them."""
    return [
        word for word in PERSON if re.search(rf"(?<![a-z0-9]){re.escape(word.casefold())}(?![a-z0-9])", text.casefold())
    ]


def found_in_file(content: bytes) -> list[str]:
    """But for the first name: in the file, columns follow each other without a gap, and ids have its letters."""
    return [word for word in PERSON[1:] if word.lower().encode() in content.lower()]


def file_and_log(service: Service) -> bytes:
    path = service.services.database.path
    return b"".join(Path(f"{path}{end}").read_bytes() for end in ("", "-wal") if Path(f"{path}{end}").exists())


def dismissed(service: Service, **contract: Any) -> None:
    service.take(**contract)
    with service.services.database.write() as session:
        review.dismiss(service.services, session, ORDER, "alice", "Ada Lind withdrew")


# What goes, and what stays


def test_an_orders_person_is_in_no_row_any_more_and_the_order_stays(service: Service) -> None:
    before = service.take()
    settled(service)
    assert found_in(stored(service)) == list(PERSON)

    said = forget(service)

    assert said["erased"]["details"] == 1
    assert said["erased"]["exchanges"] > 5
    assert said["other_orders_that_name_the_person"] == []
    after = service.show(ORDER)
    for name in ("state", "customer_id", "ticket_id", "received_at", "finished_at"):
        assert after[name] == before[name]
    assert [each["action"] for each in after["decisions"]] == ["forget"]
    assert "personal data of this order was erased" in after["remarks"][0]
    assert [word for word in found_in(stored(service)) if word != "250 Mbps"] == [], "the plan's name is the table's"


def test_a_name_beyond_ascii_is_found_however_its_letters_are_written() -> None:
    """SQLite, and a search of bytes, make small letters of ASCII's only."""
    for written in ("Émilie Øst", "émilie øst", "\\u00c9milie \\u00d8st"):
        as_searched = "".join(letter.lower() if letter.isascii() else letter for letter in written)
        assert any(form in as_searched for form in mentions.forms_of("Émilie Øst")), written


@pytest.mark.sweep
@pytest.mark.sqlite
def test_the_databases_file_and_its_log_do_not_hold_the_person_any_more(service: Service) -> None:
    for number in range(6):
        service.take(
            f"UIA202411-00{number}", **NEIGHBOUR | {"siteid": f"8{number}", "email": f"ole{number}@example.com"}
        )
    service.take()
    settled(service)
    assert found_in_file(file_and_log(service)) == list(PERSON[1:])

    assert forget(service)["none_left_in_the_file"]

    left = set(found_in_file(file_and_log(service))) - {"250 Mbps", "12 N EXAMPLE"}
    assert left == set(), "the street and the plan are the neighbours', too"


@pytest.mark.sqlite
def test_a_copy_that_sqlite_left_in_a_freed_page_is_found_and_goes(service: Service) -> None:
    service.take()
    settled(service)
    with closing(sqlite3.connect(service.services.database.path, isolation_level=None, timeout=10)) as careless:
        careless.execute("pragma secure_delete=off")
        careless.execute("create table careless (line text)")
        careless.executemany("insert into careless values (?)", [("ada.lind@example.com " * 200,)] * 20)
        careless.execute("drop table careless")

    assert forget(service)["none_left_in_the_file"]

    assert b"ada.lind" not in file_and_log(service)


@pytest.mark.sqlite
def test_what_may_be_left_in_the_file_is_told_and_the_command_fails(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.take()
    settled(service)
    monkeypatch.setattr(remnants, "PATIENCE_SECONDS", 0.2)
    with service.services.database.read() as reading:
        reading.execute(select(Order.id)).all()
        result = run(service, "orders", "forget", ORDER, "--yes")

    assert "may still have old copies" in failed(result)
    assert service.show(ORDER)["decisions"][0]["action"] == "forget"
    assert forget(service)["none_left_in_the_file"], "once nobody reads any more"


@pytest.mark.sqlite
def test_databases_that_restores_put_aside_are_named(service: Service) -> None:
    service.take()
    kept = Path(f"{service.services.database.path}.before-restore-20261122-020000")
    kept.touch()
    try:
        assert forget(service)["kept_by_restores"] == [str(kept)]
    finally:
        kept.unlink()


def test_done_again_it_erases_what_came_since_and_tells_nothing_anew(service: Service) -> None:
    service.take()
    forget(service)
    once = service.show(ORDER)

    assert not any(forget(service)["erased"].values())
    assert service.show(ORDER) == once
    assert "nothing left to erase" in run(service, "orders", "forget", ORDER, "--yes").stdout

    service.callback(ORDER, msg="Ada Lind called")
    assert forget(service)["erased"]["callbacks"] == 1
    assert "Ada Lind" not in stored(service)


def test_a_callback_that_comes_again_for_a_forgotten_order_changes_nothing(service: Service) -> None:
    before = service.take()
    forget(service)
    mails = len(service.notices())

    assert service.callback(ORDER).status_code == 200
    assert run(service, "orders", "submit", ORDER, "--no-wait").exit_code == 0

    after = service.show(ORDER)
    assert (after["state"], after["customer_id"]) == ("completed", before["customer_id"])
    assert [callback["outcome"] for callback in after["callbacks"]] == ["order", "repeat"]
    assert (len(service.sandbox.powercode.customers), len(service.notices())) == (1, mails)


def test_what_people_wrote_about_an_order_goes_and_that_they_did_stays(service: Service) -> None:
    service.order(email="")
    service.callback(ORDER)
    run_number = None
    service.rested(ORDER)
    with service.services.database.write() as session:
        order = session.scalars(select(Order).filter_by(orderref=ORDER)).one()
        run_number = order.run
    with service.services.database.write() as session:
        wanted = {"email": "ada@example.com", "last_name": "Lind-Berg"}
        corrections.correct(service.services, session, ORDER, "alice", run=run_number, wanted=wanted)
    assert service.rested(ORDER)["state"] == "completed"

    forget(service)

    decisions = service.show(ORDER)["decisions"]
    assert [(one["made_by"], one["action"], one["note"]) for one in decisions[:2]] == [
        ("alice", "correct", None),
        ("alice", "resume", None),
    ]
    assert "Lind-Berg" not in stored(service)


def test_a_note_with_one_decision_for_many_orders_goes_with_the_order(service: Service) -> None:
    service.take(plan="10 Gbps")
    with service.services.database.write() as session:
        (found,) = standing(session)
        together.decide(session, "alice", DISMISS, found.cause.key, newest=found.newest, note="Ada Lind moved away")
    together.go_on(service.services)
    service.rested(ORDER, "dismissed")

    assert forget(service)["erased"]["decisions"] >= 2

    assert "moved away" not in stored(service)


def test_what_colleagues_wrote_goes_and_no_address_in_it_counts_as_the_person_s(service: Service) -> None:
    service.take()
    with service.services.database.write() as session:
        desk.note(session, ORDER, "alice", "Moved away, says her.neighbour@example.com")

    forget(service)

    assert "neighbour" not in stored(service)
    with service.services.database.write() as session:
        desk.note(session, ORDER, "alice", "Ask her.neighbour@example.com")
    assert "her.neighbour@example.com" not in forgetting.forget(service.services, ORDER, "alice").words
    assert "neighbour" not in stored(service)


def test_changes_by_hand_that_name_the_person_are_erased_and_others_are_not(service: Service) -> None:
    service.take()
    made = {"made_by": "alice", "action": "UTOPIA: suspend a service", "outcome": "done"}
    write(
        service,
        insert(AuditEntry).values(**made, key="1", subject="Ada LIND, 12 N EXAMPLE AVENUE", note="cid 12"),
        insert(AuditEntry).values(
            **made, key="2", subject="customer 12", note='cid 12\n{"mail": "Ada.Lind@example.com"}'
        ),
        insert(AuditEntry).values(**made, key="3", subject="Ole Berg", note="cid 13"),
        insert(AuditEntry).values(made_by="alice", action="user added", subject="Ada Lind"),
        insert(AuditEntry).values(made_by="alice", action=audit.RULE_CHANGED, subject="Ada Lind called", note="ignore"),
    )

    assert forget(service)["erased"]["changes"] == 3

    with service.services.database.read() as session:
        entries = session.execute(select(AuditEntry.subject, AuditEntry.note).order_by(AuditEntry.id)).all()
    assert [tuple(entry) for entry in entries] == [
        ("(erased)", None),
        ("(erased)", None),
        ("Ole Berg", "cid 13"),
        ("Ada Lind", None),
        ("(erased)", None),
    ]


def test_a_refused_callback_that_names_the_order_loses_its_body(service: Service) -> None:
    service.take()
    service.client.post("/api-callback", json={"orderref": ORDER, "name": "Ada Lind"})
    for other in ("UIA-OTHER", f"{ORDER}7", f"X-{ORDER}"):
        service.client.post("/api-callback", json={"orderref": other, "name": "Ole Berg"})

    forget(service)

    with service.services.database.read() as session:
        bodies = session.scalars(select(Callback.body).order_by(Callback.id)).all()
    assert [bool(body) for body in bodies] == [False, False, True, True, True]


def test_other_orders_that_name_the_person_are_named(service: Service) -> None:
    service.take("UIA202411-000002", siteid="99", address="7 S OTHER STREET")
    service.take()

    said = forget(service)

    assert said["other_orders_that_name_the_person"] == ["UIA202411-000002"]
    assert said["none_left_in_the_file"], "what the other order says is not taken for a trace"
    assert service.show("UIA202411-000002")["steps"] != []


def test_a_forgotten_order_is_found_by_its_numbers_and_by_nothing_else(service: Service) -> None:
    order = service.take()
    forget(service)

    with service.services.database.read() as session:
        for text in (ORDER, order["customer_id"], order["ticket_id"]):
            assert [each.orderref for each in search.find(session, search.Wanted(text)).orders] == [ORDER]
        for text in ("ada", "lind@example", "4065550143", "EXAMPLE AVENUE"):
            assert search.find(session, search.Wanted(text)).orders == []
        assert session.scalars(select(OrderSearch.person)).all() == [""]


def test_the_engine_remembers_nothing_of_a_forgotten_order(service: Service) -> None:
    service.take("UIA202411-000002", **NEIGHBOUR)
    service.take(plan="10 Gbps")
    with service.services.database.write() as session:
        review.resume(service.services, session, ORDER, "alice")
    service.rested(ORDER)
    with service.services.database.write() as session:
        review.dismiss(service.services, session, ORDER, "alice", "no")
    forget(service)

    ids = [row.workflow_id for row in service.services.work_queue.client.list_workflows(load_input=False)]
    assert [each for each in ids if ORDER in each] == []
    assert any("UIA202411-000002" in each for each in ids)


# The console


def test_the_page_of_a_forgotten_order_shows_what_stays(service: Service, as_staff: Person) -> None:
    order = service.take()
    forget(service)

    page = as_staff.get(f"/console/orders/{ORDER}")

    assert page.status_code == 200
    for text in (order["customer_id"], order["ticket_id"], "personal data of this order was erased"):
        assert text in page.text
    assert "erased its personal data" in page.text
    assert found_in(page.text) == []
    assert as_staff.get(f"/console/orders/{ORDER}/story?shown=completed").status_code == 200
    assert ORDER in as_staff.get("/console/orders").text


def test_a_forgotten_order_of_a_known_customer_can_still_be_taken_up(service: Service, as_staff: Person) -> None:
    known = service.sandbox.powercode.add_customer(
        firstName="Ada", lastName="Lind", physicalStreet="12 N EXAMPLE AVENUE", extAccountID="714780"
    )
    assert service.take()["state"] == "exists"
    forget(service)
    assert as_staff.get(f"/console/orders/{ORDER}").status_code == 200

    with service.services.database.write() as session:
        review.resume(service.services, session, ORDER, "alice", customer_id=str(known.customer_id))

    assert service.rested(ORDER)["state"] == "completed"
    assert [str(one.service_id) for one in known.services] == ["163"]


def test_an_order_that_was_closed_half_done_and_forgotten_can_do_nothing_twice(
    service: Service, as_staff: Person
) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    dismissed(service)
    service.sandbox.powercode.clear_faults()
    forget(service)

    result = run(service, "orders", "resume", ORDER, "--no-wait")

    assert "something of it is in PowerCode already" in failed(result)
    page = as_staff.get(f"/console/orders/{ORDER}")
    assert page.status_code == 200
    assert "Take it up again" not in page.text
    assert found_in(stored(service)) in ([], ["250 Mbps"])


# What may not be forgotten now


@pytest.mark.parametrize("state", ["received", "running", "waiting", "needs_review"])
def test_an_order_that_goes_on_is_not_forgotten(service: Service, state: str) -> None:
    service.take(plan="10 Gbps")
    settled(service)
    write(service, update(Order).values(state=state, next_try_at=now() + timedelta(minutes=50)))

    said = failed(run(service, "orders", "forget", ORDER, "--yes"))

    assert "close it first, with orders dismiss" in said
    assert "Ada" in stored(service)


def test_an_order_that_is_not_there_is_told(service: Service) -> None:
    assert "There is no order" in failed(run(service, "orders", "forget", ORDER, "--yes"))


def test_a_mail_that_waits_for_the_mail_server_is_dropped_and_told(service: Service) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.mailbox.down()
        service.take()
        said = forget(service)

    assert said["mails_that_had_not_gone_out"] == 1
    with service.services.database.read() as session:
        assert session.scalars(select(Notice.id)).all() == []


def test_a_mail_that_is_going_out_is_waited_for(service: Service) -> None:
    service.take()
    settled(service)
    write(service, update(Notice).values(state="pending", next_try_at=None, created_at=now()))

    assert "try again in a minute" in failed(run(service, "orders", "forget", ORDER, "--yes"))
    assert service.show(ORDER)["steps"] != []


def test_it_asks_before_it_erases(service: Service) -> None:
    service.take()
    settled(service)
    runner = service.app.test_cli_runner()

    assert runner.invoke(args=["orders", "forget", ORDER], input="n\n").exit_code == 1
    assert service.show(ORDER)["decisions"] == []
    result = runner.invoke(args=["orders", "forget", ORDER], input="y\n")

    assert result.exit_code == 0
    assert "erased: the contract and the account" in result.stdout
    assert commands.STAYS in result.stdout
    assert "Ada" not in result.output


# The weekly digest


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
    write(
        service,
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
    )


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
    write(service, update(DigestSetAside).values(email="Nada.Lind@example.com"))

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
    write(service, update(DigestMessage).where(DigestMessage.id == 1).values(state="unknown"))

    said = printed(run(service, "digest", "forget", "ada.lind@example.com", "--yes", "--json"))

    assert said["kept_for_now"] == 1

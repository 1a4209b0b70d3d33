"""What `orders forget` erases, what stays, and when it has to wait."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from app.aftercare import case_halves, cases, customer_extras, unknown_writes
from app.aftercare.case_kinds import CANCEL
from app.cli import forget as commands
from app.models import AuditEntry, Callback, Case, CustomerWrite, Notice, Order, StepState, now
from app.people import audit
from app.provisioning import corrections, teamwork
from app.provisioning.actions import DISMISS
from app.provisioning.causes import joint_decisions
from app.provisioning.causes.open_causes import open_causes
from app.safekeeping import mentions, order_erasure
from tests.conftest import Service
from tests.safekeeping.erased_orders import PERSON, forget, found_in, settled, stored
from tests.tools.command_runs import ORDER, failed, run

pytestmark = pytest.mark.long

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


def test_what_people_wrote_about_an_order_goes_and_that_they_did_stays(service: Service) -> None:
    service.order(email="")
    service.callback(ORDER)
    run_number = None
    service.rested(ORDER)
    with service.services.database.write() as session:
        order = session.scalars(select(Order).filter_by(orderref=ORDER)).one()
        run_number = order.run
    wanted = {"email": "ada@example.com", "last_name": "Lind-Berg"}
    service.act(corrections.correct, ORDER, "alice", run=run_number, wanted=wanted)
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
    (found,) = service.read(open_causes)
    service.write(
        joint_decisions.decide, "alice", DISMISS, found.cause.key, newest=found.newest, note="Ada Lind moved away"
    )
    joint_decisions.go_on(service.services)
    service.rested(ORDER, "dismissed")

    assert forget(service)["erased"]["decisions"] >= 2

    assert "moved away" not in stored(service)


def test_what_colleagues_wrote_goes_and_no_address_in_it_counts_as_the_person_s(service: Service) -> None:
    service.take()
    service.write(teamwork.note, ORDER, "alice", "Moved away, says her.neighbour@example.com")

    forget(service)

    assert "neighbour" not in stored(service)
    service.write(teamwork.note, ORDER, "alice", "Ask her.neighbour@example.com")
    _done, words = order_erasure.forget(service.services, ORDER, "alice")
    assert "her.neighbour@example.com" not in words
    assert "neighbour" not in stored(service)


def test_changes_by_hand_that_name_the_person_are_erased_and_others_are_not(service: Service) -> None:
    service.take()
    made = {"made_by": "alice", "action": "UTOPIA: suspend a service", "outcome": "done"}
    service.execute(insert(AuditEntry).values(**made, key="1", subject="Ada LIND, 12 N EXAMPLE AVENUE", note="cid 12"))
    service.execute(
        insert(AuditEntry).values(
            **made, key="2", subject="customer 12", note='cid 12\n{"mail": "Ada.Lind@example.com"}'
        )
    )
    service.execute(insert(AuditEntry).values(**made, key="3", subject="Ole Berg", note="cid 13"))
    service.execute(insert(AuditEntry).values(made_by="alice", action="user added", subject="Ada Lind"))
    service.execute(
        insert(AuditEntry).values(made_by="alice", action=audit.RULE_CHANGED, subject="Ada Lind called", note="ignore")
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

    bodies = service.rows(select(Callback.body).order_by(Callback.id))
    assert [bool(body) for body in bodies] == [False, False, True, True, True]


def test_other_orders_that_name_the_person_are_named(service: Service) -> None:
    service.take("UIA202411-000002", siteid="99", address="7 S OTHER STREET")
    service.take()

    said = forget(service)

    assert said["other_orders_that_name_the_person"] == ["UIA202411-000002"]
    assert said["none_left_in_the_file"], "what the other order says is not taken for a trace"
    assert service.show("UIA202411-000002")["steps"] != []


# What may not be forgotten now


@pytest.mark.parametrize("state", ["received", "running", "waiting", "needs_review"])
def test_an_order_that_goes_on_is_not_forgotten(service: Service, state: str) -> None:
    service.take(plan="10 Gbps")
    settled(service)
    service.execute(update(Order).values(state=state, next_try_at=now() + timedelta(minutes=50)))

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
    assert service.rows(select(Notice.id)) == []


def test_a_mail_that_is_going_out_is_waited_for(service: Service) -> None:
    service.take()
    settled(service)
    service.execute(update(Notice).values(state="pending", next_try_at=None, created_at=now()))

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


# What follows the account


ENTRIES = {"cid": "90001", "siteid": "714780", "issuedate": "2026-12-01"}


def a_case(service: Service, slot: str, **about: str) -> int:
    case = service.write(cases.open_case, CANCEL, by="Stan", due_on=now().date(), slot=slot, note="Ada Lind", **about)
    assert case is not None
    return case.id


def test_a_case_that_was_opened_by_the_customers_number_is_erased_too(service: Service) -> None:
    customer_id = str(service.take()["customer_id"])
    case_id = a_case(service, "by hand", customer_id=customer_id)

    forget(service)

    with service.services.database.read() as session:
        assert session.get_one(Case, case_id).note == ""


def test_calls_of_cases_whose_entries_were_erased_keep_no_other_case_from_its_call(service: Service) -> None:
    service.take()
    first = a_case(service, "first", orderref=ORDER)
    assert case_halves.send(service.services, first, "Ada", ENTRIES, 0) is not None
    forget(service)
    second = a_case(service, "second", customer_id="1002")

    sent = case_halves.send(service.services, second, "Ada", {**ENTRIES, "cid": "90002"}, 0)

    assert sent is not None
    assert sent.state == StepState.DONE


def test_a_doubtful_write_whose_content_is_needed_to_look_it_up_is_erased_once_it_is_settled(service: Service) -> None:
    customer_id = str(service.take()["customer_id"])
    service.sandbox.powercode.fault("POST customer/tags/customer", "no_answer")
    doubtful = customer_extras.give(service.services, customer_extras.TAG, customer_id, {"tag_id": "5"}, "Stan", seen=0)
    assert doubtful is not None

    settled(service)
    assert "is not known what became of" in failed(run(service, "orders", "forget", ORDER, "--yes"))
    service.execute(update(CustomerWrite).values(sent_at=now() - timedelta(minutes=10)))
    unknown_writes.settle(service.services)
    forget(service)

    with service.services.database.read() as session:
        kept = session.get_one(CustomerWrite, doubtful.id)
        assert (kept.state, kept.content) == (StepState.DONE, {})

"""What is deleted when it is old, what never is, and that an order whose details are gone can still be worked with."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.models import (
    Callback,
    DigestMessage,
    DigestRun,
    DigestSetAside,
    Notice,
    NoticeDelivery,
    Order,
    OrderExchange,
    OrderStep,
    Outgoing,
    RemoteSystem,
    ReportedTicket,
    now,
)
from app.provisioning import order_search, order_search_rows, review, teamwork
from app.safekeeping import pruning
from tests.conftest import Service, wait_for
from tests.safekeeping.erased_orders import settled
from tests.tools.callback_requests import count
from tests.tools.command_runs import ORDER, printed, run

pytestmark = pytest.mark.long

DETAILS = (OrderExchange, OrderStep, Callback, Notice, NoticeDelivery)
KEPT = 400
NEIGHBOUR = {"siteid": "7", "firstname": "Ole", "email": "ole@example.com", "phone": "4065550127"}


def in_days(days: float) -> datetime:
    return now() + timedelta(days=days)


def prune(service: Service, days: float = KEPT + 1) -> None:
    """As it will be done in so many days, once nothing is on its way any more."""
    settled(service)
    pruning.prune(service.services, in_days(days), pause=0)


def left(service: Service) -> dict[str, int]:
    return {model.__name__: count(service, model) for model in DETAILS}


def row(service: Service, orderref: str = ORDER) -> Order:
    with service.services.database.read() as session:
        return session.scalars(select(Order).filter_by(orderref=orderref)).one()


def write(service: Service, *statements: Any) -> None:
    with service.services.database.write() as session:
        for statement in statements:
            session.execute(statement)


def resume(service: Service, orderref: str = ORDER, **decision: Any) -> dict[str, Any]:
    with service.services.database.write() as session:
        review.resume(service.services, session, orderref, "alice", **decision)
    return service.rested(orderref)


def exists(service: Service) -> str:
    """An order of somebody who has an account at the address; that account's number."""
    known = service.sandbox.powercode.add_customer(
        firstName="Ada", lastName="Lind", physicalStreet="12 N EXAMPLE AVENUE", extAccountID="714780"
    )
    assert service.take()["state"] == "exists"
    return str(known.customer_id)


def plans_in_powercode(service: Service) -> list[list[str]]:
    customers = service.sandbox.powercode.customers.values()
    return [sorted(str(one.service_id) for one in customer.services) for customer in customers]


# Finished orders


def test_a_finished_orders_details_go_when_they_are_old_and_the_order_stays(service: Service) -> None:
    before = service.take()
    prune(service)

    after = printed(run(service, "orders", "show", ORDER, "--json"))
    for name in ("state", "reason", "customer_id", "ticket_id", "received_at", "finished_at"):
        assert after[name] == before[name]
    assert after["remarks"] == ["Its details were removed 400 days after it was finished."]
    assert "Its details were removed" in run(service, "orders", "show", ORDER).stdout
    assert left(service) == dict.fromkeys(left(service), 0)
    order = row(service)
    assert (order.contract, order.account, order.corrections) == (None, None, None)
    assert service.services.work_queue.client.list_workflows() == []


def test_an_old_order_is_still_found_by_person_and_address(service: Service) -> None:
    service.take()
    prune(service)
    order_search_rows.backfill(service.services.database)

    with service.services.database.read() as session:
        (found,) = order_search.find(session, order_search.Wanted("lind example")).orders
    assert (found.person, found.plan) == ("Ada Lind", "250 Mbps")
    assert found.address.startswith("12 N EXAMPLE AVENUE, Bozeman")


def test_what_colleagues_told_each_other_goes_with_the_details_and_what_they_decided_stays(service: Service) -> None:
    service.take(plan="10 Gbps")
    with service.services.database.write() as session:
        teamwork.note(session, ORDER, "alice", "Ask Vera")
        review.dismiss(service.services, session, ORDER, "alice", "moved away")
    prune(service, KEPT - 1)
    with service.services.database.read() as session:
        assert order_search.find(session, order_search.Wanted("vera lind")).total == 1

    prune(service)

    assert [one["note"] for one in service.show(ORDER)["decisions"]] == ["moved away"]
    with service.services.database.read() as session:
        assert order_search.find(session, order_search.Wanted("vera")).total == 0
        assert order_search.find(session, order_search.Wanted("lind")).total == 1


def test_what_was_finished_less_than_keep_days_ago_stays(service: Service) -> None:
    service.take()
    service.mail_settled()
    before = left(service)
    prune(service, KEPT - 1)

    assert left(service) == {**before, "OrderExchange": 0}
    assert row(service).contract is not None


def test_keep_days_says_how_long(service: Service) -> None:
    service.take()
    with service.changed(keep_days=30):
        prune(service, 31)

    assert left(service) == dict.fromkeys(left(service), 0)


def test_what_people_decided_is_kept(service: Service) -> None:
    service.take(plan="10 Gbps")
    with service.services.database.write() as session:
        review.dismiss(service.services, session, ORDER, "alice", "They withdrew")
    prune(service)

    assert [(one["action"], one["note"]) for one in service.show(ORDER)["decisions"]] == [("dismiss", "They withdrew")]


def test_a_callback_that_comes_again_for_an_old_order_changes_nothing(service: Service) -> None:
    before = service.take()
    prune(service)
    mails = len(service.notices())
    assert service.callback(ORDER).status_code == 200

    assert len(service.sandbox.powercode.customers) == 1
    assert len(service.notices()) == mails
    after = service.show(ORDER)
    assert (after["state"], after["customer_id"]) == ("completed", before["customer_id"])
    assert [callback["outcome"] for callback in after["callbacks"]] == ["repeat"]


def test_what_comes_for_an_old_order_goes_in_its_turn(service: Service) -> None:
    service.take()
    prune(service)
    service.callback(ORDER)
    prune(service, KEPT - 1)
    assert count(service, Callback) == 1

    prune(service)

    assert count(service, Callback) == 0


# What was said to the remote systems


def test_what_was_said_for_a_done_order_goes_after_ninety_days_and_the_rest_stays(service: Service) -> None:
    service.take()
    service.mail_settled()
    before = left(service)
    prune(service, 89)
    assert left(service) == before

    prune(service, 91)

    assert left(service) == {**before, "OrderExchange": 0}
    assert (row(service).contract is not None, row(service).remarks) == (True, [])


def test_what_was_said_goes_however_the_order_ended(service: Service) -> None:
    service.callback("UIA202411-000001")
    service.rested("UIA202411-000001", "not_ours")
    assert service.take("UIA202411-000002", plan="10 Gbps", **NEIGHBOUR)["state"] == "needs_review"
    with service.services.database.write() as session:
        review.dismiss(service.services, session, "UIA202411-000002", "alice", "They withdrew")
    exists(service)
    service.mail_settled()
    before = left(service)
    assert before["OrderExchange"] > 0
    prune(service, 91)

    assert left(service) == {**before, "OrderExchange": 0}


def test_an_order_closed_half_done_keeps_what_was_said_as_long_as_its_details(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    assert service.take()["problem"] == "outcome_unknown"
    with service.services.database.write() as session:
        review.dismiss(service.services, session, ORDER, "alice", "Looked after by hand")
    before = count(service, OrderExchange)
    prune(service, KEPT - 1)
    assert count(service, OrderExchange) == before

    prune(service)

    assert count(service, OrderExchange) == 0


def test_a_known_customers_order_goes_on_after_what_was_said_is_gone(service: Service) -> None:
    customer_id = exists(service)
    prune(service, 91)

    order = resume(service, customer_id=customer_id)

    assert (order["state"], order["customer_id"]) == ("completed", customer_id)
    assert plans_in_powercode(service) == [["163"]]


# Orders that are not finished


@pytest.mark.parametrize("state", ["received", "running", "waiting", "needs_review"])
def test_an_order_that_is_not_finished_keeps_its_details_however_old_it_is(service: Service, state: str) -> None:
    service.take(plan="10 Gbps")
    service.mail_settled()
    before = left(service)
    write(service, update(Order).values(state=state, cause=None, finished_at=now()))
    pruning.prune(service.services, in_days(4000), pause=0)

    assert left(service) == before
    assert row(service).contract is not None


def test_an_order_whose_mail_cannot_be_sent_keeps_what_the_mail_tells(service: Service) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.mailbox.down()
        service.take()
        prune(service)
    assert (row(service).contract is not None, count(service, Notice)) == (True, 1)
    assert count(service, OrderStep) > 0

    service.sandbox.mailbox.up()
    write(service, update(RemoteSystem).values(next_probe_at=now()), update(Notice).values(next_try_at=now()))
    (mail,) = wait_for(lambda: service.notices("Account created"))
    assert "Ada Lind" in mail.get_body(("plain",)).get_content()
    prune(service)

    assert left(service) == dict.fromkeys(left(service), 0)


# Orders that a person or a callback takes up again


def test_an_old_order_of_a_known_customer_can_still_be_given_to_that_customer(service: Service) -> None:
    customer_id = exists(service)
    prune(service)
    assert row(service).contract is None

    order = resume(service, customer_id=customer_id)

    assert (order["state"], order["customer_id"], order["remarks"]) == ("completed", customer_id, [])
    assert plans_in_powercode(service) == [["163"]]
    assert row(service).contract is not None
    assert "Ada Lind" in service.notices("Added to customer")[0].get_body(("plain",)).get_content()


def test_what_a_person_corrected_holds_when_an_old_order_goes_on(service: Service) -> None:
    exists(service)
    write(service, update(Order).values(corrections={"first_name": "Grace"}))
    prune(service)

    order = resume(service, new_customer=True)

    assert order["state"] == "completed"
    made = service.sandbox.powercode.customers[int(order["customer_id"])]
    assert made.fields["firstName"] == "Grace"


def test_an_old_order_that_was_not_ours_is_looked_up_again_when_a_callback_comes(service: Service) -> None:
    service.callback(ORDER)
    service.rested(ORDER, "not_ours")
    prune(service)
    assert left(service) == dict.fromkeys(left(service), 0)

    assert service.take()["state"] == "completed"


def test_an_old_order_that_was_closed_before_anything_was_written_starts_over(service: Service) -> None:
    service.take(plan="10 Gbps")
    with service.services.database.write() as session:
        review.dismiss(service.services, session, ORDER, "alice", "Not yet")
    prune(service)
    assert left(service) == dict.fromkeys(left(service), 0)

    assert resume(service)["problem"] == "unknown_plan"


def test_an_old_order_that_was_closed_half_done_does_nothing_twice_when_it_goes_on(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    assert service.take()["problem"] == "outcome_unknown"
    with service.services.database.write() as session:
        review.dismiss(service.services, session, ORDER, "alice", "Looked after by hand")
    prune(service)
    assert (count(service, OrderExchange), count(service, Notice)) == (0, 0)

    service.sandbox.powercode.clear_faults()
    order = resume(service)

    (customer,) = service.sandbox.powercode.customers.values()
    assert order["problem"] == "outcome_unknown", "nobody has said yet whether the ticket is there"
    assert plans_in_powercode(service) == [["163", "172"]]
    assert len(customer.tickets) == 1


def test_an_old_order_that_waits_for_its_contract_again_is_found_by_what_is_known_of_it(service: Service) -> None:
    customer_id = exists(service)
    prune(service)
    with service.changed(retry_minutes=(600,)):
        service.sandbox.utopia.down()
        assert resume(service, customer_id=customer_id)["state"] == "waiting"
        service.sandbox.utopia.up()

    with service.services.database.read() as session:
        assert [one.person for one in order_search.find(session, order_search.Wanted("lind")).orders] == ["Ada Lind"]
    resume(service)
    assert service.rested(ORDER, "completed")


# What belongs to no order


def test_callbacks_of_no_order_go_after_ninety_days(service: Service) -> None:
    service.client.post("/api-callback", data=b"")
    service.callback("UIA-UNKNOWN", msg="Project Update")
    prune(service, 89)
    assert count(service, Callback) == 2

    prune(service, 91)

    assert count(service, Callback) == 0


def test_a_clock_a_year_ahead_erases_a_week_at_most_and_no_more_for_a_day(service: Service) -> None:
    service.take()
    year, week, hours = timedelta(days=365), timedelta(days=7), timedelta(hours=1)
    today = pruning.believed_moment(service.services, now())

    wrong = [pruning.believed_moment(service.services, now() + year + each * hours) for each in range(3)]
    next_day = pruning.believed_moment(service.services, now() + year + 24 * hours)
    set_right = pruning.believed_moment(service.services, now())

    assert wrong == [today + week] * 3
    assert next_day == today + 2 * week
    assert set_right < today + timedelta(minutes=5)


def test_of_very_many_callbacks_of_no_order_the_newest_stay(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_UNCLAIMED_CALLBACKS", 3)
    monkeypatch.setattr(pruning, "BATCH", 2)
    service.take()
    for number in range(8):
        service.callback(f"UIA-{number}", msg="Project Update")

    pruning.limit_unclaimed_callbacks(service.services, pause=0)

    with service.services.database.read() as session:
        kept = session.scalars(select(Callback.orderref).order_by(Callback.id)).all()
    assert kept == [ORDER, "UIA-5", "UIA-6", "UIA-7"]


@pytest.mark.parametrize(("state", "stay"), [("sent", 0), ("failed", 1), ("dropped", 0), ("pending", 1)])
def test_notices_of_no_order_go_when_nobody_waits_for_them(service: Service, state: str, stay: int) -> None:
    service.client.post("/api-callback", json={"msg": "Test"})
    service.mail_settled()
    write(service, update(Notice).values(state=state, next_try_at=now() + timedelta(minutes=50)))
    prune(service, KEPT - 1)
    assert count(service, Notice) == 1

    prune(service)

    assert (count(service, Notice), count(service, NoticeDelivery)) == (stay, stay)


def test_a_closing_that_was_told_is_never_forgotten(service: Service) -> None:
    run_row = {"id": 1, "key": "schedule x", "iso_week": "2026-W47", "started_by": "schedule", "source": "file:/x"}
    ticket = {"message_id": 1, "slot": "2026-11-14 tm-1", "ticket": "TM-1", "ticket_key": "tm-1"}
    cells = dict.fromkeys(("cause", "reason", "ticket", "date", "name", "email"), "x")
    message = {"id": 1, "run_id": 1, "batch": 1, "email": "a@example.com", "email_key": "a@example.com"}
    write(
        service,
        insert(DigestRun).values(state="completed", **run_row),
        insert(DigestMessage).values(full_name="Ada", state="accepted", **message),
        insert(ReportedTicket).values(closed_on=date(2026, 11, 14), **ticket),
        insert(DigestSetAside).values(run_id=1, row=2, **cells),
    )
    prune(service, 4000)

    tables = (DigestRun, DigestMessage, ReportedTicket, DigestSetAside)
    assert [count(service, model) for model in tables] == [1, 1, 1, 0]


def test_old_events_and_messages_go_and_newer_ones_stay(service: Service) -> None:
    with service.services.database.write() as session:
        for number, days in enumerate((1, KEPT - 1)):
            columns = {"channel": "events", "kind": "test", "message_id": f"msg_{number}", "state": "sent"}
            session.add(Outgoing(key=f"events:{number}", created_at=in_days(-days), **columns))

    prune(service, 2)

    assert count(service, Outgoing) == 1

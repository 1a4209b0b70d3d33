"""After an outage: one harmless call finds out that a system answers again, and its orders go on, few at a time."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.models import Order, OrderState, System, now
from app.provisioning import due_orders, intake, lifecycle, order_waits, review
from app.remote import breaker, probes
from tests.conftest import Service, wait_for
from tests.provisioning.waiting_orders import ONE_DAY, all_are, send, several_orders, the_time_has_come


@pytest.mark.long
def test_a_harmless_call_and_no_order_is_repeated_and_all_go_on_when_it_is_answered(service: Service) -> None:
    powercode = service.sandbox.powercode
    powercode.fault("*", "http", times=None, status=502)
    with service.changed(retry_minutes=ONE_DAY):
        orderrefs = several_orders(service, 6)
        send(service, orderrefs)
        all_are(service, orderrefs, "waiting")
        powercode.calls.clear()

        the_time_has_come(service)
        wait_for(lambda: powercode.calls)
        all_are(service, orderrefs, "waiting")
        assert {(call.action, call.fields["searchString"]) for call in powercode.calls} == {
            ("searchCustomers", probes.NOBODY)
        }

        powercode.clear_faults()
        the_time_has_come(service)
        all_are(service, orderrefs, "completed")
    assert len(powercode.customers) == 6


@pytest.mark.long
def test_orders_that_arrive_while_a_system_is_down_do_not_try_it(service: Service) -> None:
    powercode = service.sandbox.powercode
    powercode.fault("*", "http", times=None, status=502)
    with service.changed(retry_minutes=ONE_DAY):
        orderrefs = several_orders(service, 8)
        for orderref in orderrefs:
            send(service, [orderref])
            order = service.rested(orderref, "waiting")

        assert order["reason"].startswith("PowerCode does not answer")
    asked = [call.fields.get("searchString") for call in powercode.calls].count(probes.NOBODY)
    assert 0 < asked < len(orderrefs)


@pytest.mark.long
def test_an_order_that_arrives_after_a_long_outage_does_not_wait_for_the_next_harmless_call(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        first, second = several_orders(service, 2)
        send(service, [first])
        service.rested(first, "waiting")
        service.sandbox.powercode.up()

        send(service, [second])

        all_are(service, [first, second], "completed")


@pytest.mark.long
def test_an_order_that_begins_to_wait_as_the_system_comes_back_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, database = order_waits.begin, service.services.database

    def comes_back() -> None:
        with database.write() as session:
            breaker.report_up(session, System.POWERCODE)

    back = threading.Thread(target=comes_back)

    def while_it_comes_back(*given: Any) -> Any:
        enough = begin(*given)
        service.sandbox.powercode.up()
        back.start()
        back.join(0.5)  # not long enough where it has to wait for this transaction
        return enough

    monkeypatch.setattr(order_waits, "begin", while_it_comes_back)
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        (only,) = several_orders(service, 1)
        send(service, [only])
        all_are(service, [only], "completed")
    back.join()


def test_after_an_outage_few_are_started_at_a_time_the_newest_and_the_oldest_in_turn(service: Service) -> None:
    few = intake.WOKEN_PER_SLOT * service.services.settings.powercode_concurrency
    number = 3 * few
    with service.services.database.write() as session:
        for each in range(number):
            waits = {"state": OrderState.WAITING, "waiting_for": "powercode", "next_try_at": now() - timedelta(days=1)}
            session.add(Order(orderref=f"WAITS-{each:03}", stage="account", tried_at=now(), **waits))
        session.flush()
        started = _wake_in_hand(service, session)

    assert len(started) == few
    half = range(few // 2)
    newest, oldest = {f"WAITS-{number - 1 - each:03}" for each in half}, {f"WAITS-{each:03}" for each in half}
    assert set(started) == newest | oldest
    assert {started[0], started[1]} == {f"WAITS-{number - 1:03}", "WAITS-000"}


def test_an_order_that_just_came_in_goes_before_those_that_waited(service: Service) -> None:
    with service.services.database.write() as session:
        for orderref, age in (("WAITED", timedelta(hours=1)), ("NEW-1", timedelta())):
            order = Order(orderref=orderref, stage="account", state=OrderState.RUNNING, received_at=now() - age)
            session.add(order)
            session.flush()
            lifecycle.enqueue(service.services.work_queue, session, order)
        table = "workflow_status" if service.services.database.is_sqlite else "dbos.workflow_status"
        queued = f"select workflow_uuid from {table} where queue_name = 'powercode' order by priority"
        turns = session.scalars(text(queued)).all()
        session.rollback()

    assert turns == ["account-NEW-1", "account-WAITED"]


def _wake_in_hand(service: Service, session: Session) -> list[str]:
    """Which orders would be started, while their rows are not there for anybody else."""
    chosen = due_orders.choose(service.services, session)
    orderrefs = [session.get_one(Order, each).orderref for each in chosen]
    session.rollback()
    return orderrefs


@pytest.mark.long
def test_what_a_person_tries_again_finds_out_whether_the_system_answers(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        first, second = several_orders(service, 2)
        send(service, [first, second])
        all_are(service, [first, second], "waiting")
        service.sandbox.powercode.up()

        service.act(review.resume, first, "office")

        all_are(service, [first, second], "completed")


@pytest.mark.long
def test_a_system_that_comes_and_goes_loses_and_doubles_nothing(service: Service) -> None:
    powercode = service.sandbox.powercode
    orderrefs = several_orders(service, 4)
    send(service, orderrefs)
    for calls in (4, 12, 20):
        wait_for(lambda calls=calls: powercode.call_counts.total() >= calls)
        powercode.down()
        powercode.up()

    for orderref in orderrefs:
        order = service.rested(orderref, "completed", "needs_review")
        assert order["state"] == "completed" or order["problem"] == "outcome_unknown"
    assert len(powercode.customers) == 4
    for customer in powercode.customers.values():
        assert len(customer.services) == len({each.service_id for each in customer.services})
        assert len(customer.tickets) <= 1

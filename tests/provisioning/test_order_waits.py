"""A system that is down delays its orders: they hold nothing meanwhile, and go on by themselves."""

import logging
import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from app.alerts import long_waits
from app.models import Order, OrderState, OrderStep, RemoteSystem, now
from app.provisioning import due_orders
from tests.conftest import Service, wait_for
from tests.provisioning.waiting_orders import ONE_DAY, REF, all_are, send, several_orders

FOR_EVER = 60.0
"""Seconds; a server that goes down ends its calls at once."""


# What waiting looks like


def test_a_waiting_order_says_what_it_waits_for_and_when_it_is_tried_next(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        order = service.take()

    assert (order["state"], order["waiting_for"]) == ("waiting", "powercode")
    assert "PowerCode can't be reached" in order["reason"]
    tomorrow = now() + timedelta(days=1)
    assert abs(datetime.fromisoformat(order["next_try_at"]) - tomorrow) < timedelta(minutes=5)
    assert service.notices() == []


@pytest.mark.long
def test_a_wrong_utopia_key_waits_and_names_the_setting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(service.sandbox.utopia, "api_key", "another")
        order = service.take()

    assert (order["state"], order["waiting_for"]) == ("waiting", "utopia")
    assert "UTOPIA_API_KEY" in order["reason"]
    assert service.rested(REF, "completed")["waiting_for"] is None


def test_orders_that_wait_for_powercode_hold_up_no_other_order(service: Service) -> None:
    service.sandbox.powercode.down()
    waiting = several_orders(service, service.services.settings.powercode_concurrency + 2)
    send(service, waiting)
    all_are(service, waiting, "waiting")

    service.callback("ANOTHERS-1")

    assert service.rested("ANOTHERS-1")["state"] == "not_ours"


@pytest.mark.long
def test_a_hanging_utopia_does_not_hold_up_an_order_that_waits_only_for_powercode(service: Service) -> None:
    service.sandbox.powercode.down()
    service.take()
    service.sandbox.utopia.latency = FOR_EVER
    hanging = [f"HANGING-{number}" for number in range(5)]
    send(service, hanging)
    service.sandbox.powercode.up()

    service.rested(REF, "completed")

    assert not {service.show(orderref)["state"] for orderref in hanging} & {"not_ours", "completed"}
    service.sandbox.utopia.down()


def test_a_hanging_powercode_does_not_hold_up_an_order_that_needs_only_utopia(service: Service) -> None:
    service.sandbox.powercode.latency = FOR_EVER
    hanging = several_orders(service, service.services.settings.powercode_concurrency + 1)
    send(service, hanging)
    wait_for(lambda: service.sandbox.powercode.calls)

    service.callback("ANOTHERS-1")

    assert service.rested("ANOTHERS-1")["state"] == "not_ours"
    assert service.sandbox.powercode.customers == {}
    service.sandbox.powercode.down()


def test_each_try_is_a_line_of_the_log_with_its_cause_and_no_traceback(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # as configure_logging does
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        service.take()

    tries = [record for record in caplog.records if "tried again in a moment" in record.getMessage()]
    assert tries
    assert all("PowerCode" in record.getMessage() for record in tries)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


# When it takes too long


@pytest.mark.long
def test_an_order_that_waited_too_long_is_given_to_a_person(service: Service) -> None:
    service.sandbox.powercode.down()
    with service.changed(give_up_after_hours=0.0001):
        service.take()
        wait_for(lambda: due_orders.give_up_after_outage(service.services) or service.state(REF) == "needs_review")
        order = service.show(REF)

    assert order["problem"] == "given_up"
    assert "Given up after" in order["reason"]
    assert "can't be reached" in order["reason"]
    assert [each["action"] for each in order["actions"]] == ["resume", "dismiss"]
    assert len(service.notices("Needs you")) == 1


def test_a_clock_that_steps_ahead_gives_no_order_up(service: Service) -> None:
    service.sandbox.powercode.down()
    with service.changed(retry_minutes=ONE_DAY):
        service.take()
        service.execute(update(Order).values(waiting_since=now() - timedelta(days=9)))
        due_orders.give_up_after_outage(service.services)

    assert service.state(REF) == "waiting"


def test_a_short_outage_is_not_told_of(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        service.take()
        long_waits.tell(service.services)

    assert service.notices() == []


# A clock that steps


def test_a_next_try_that_is_too_far_off_was_set_by_a_wrong_clock_and_is_due(service: Service) -> None:
    service.order(REF)
    waits = {"state": OrderState.WAITING, "waiting_for": "utopia", "next_try_at": now() + timedelta(days=1)}
    service.add(Order(orderref=REF, stage="order", tried_at=now(), **waits))

    service.rested(REF, "completed")


def test_what_waits_goes_on_when_the_clock_is_set_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.order(REF)
    waits = {"state": OrderState.WAITING, "waiting_for": "utopia", "next_try_at": now() + timedelta(minutes=11)}
    service.add(Order(orderref=REF, stage="order", tried_at=now(), **waits))
    with monkeypatch.context() as set_back:
        right = time.time
        set_back.setattr(due_orders.time, "time", lambda: right() - 600)
        wait_for(lambda: due_orders.go_on_when_set_back(service.services) or service.state(REF) != "waiting")

    service.rested(REF, "completed")


def test_a_system_that_is_asked_next_too_far_off_is_asked_now(service: Service) -> None:
    service.add(RemoteSystem(name="utopia", down_since=now(), next_probe_at=now() + timedelta(days=1), failures=1))

    service.take()

    service.rested(REF, "completed")


@pytest.mark.long
def test_a_clock_that_steps_ahead_makes_no_second_account(service: Service) -> None:
    """PowerCode is still at work on the customer, and by the clock it had an hour for it."""
    powercode = service.sandbox.powercode
    powercode.fault("createCustomer", "slow", seconds=4, when="before")
    with service.changed(pc_settle_seconds=8), service.giving_up_after(1.0):
        service.take()
        an_hour_ago = now() - timedelta(hours=1)
        service.execute(update(OrderStep).where(OrderStep.name == "create_customer").values(sent_at=an_hour_ago))
        service.execute(update(Order).values(next_try_at=now()))
        wait_for(lambda: powercode.customers)
        service.rested(REF, "completed")

    assert len(powercode.customers) == 1

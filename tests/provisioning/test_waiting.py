"""A system that is down delays its orders: they hold nothing meanwhile, and go on by themselves."""

import logging
import sqlite3
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.alerts import long_waits, records
from app.alerts.watch import watch_for_alerts
from app.durable import work_queue
from app.models import Order, OrderState, OrderStep, RemoteSystem, System, now
from app.provisioning import intake, lifecycle, review, waiting, waking, workflow
from app.remote import breaker, probing
from sandbox import Call
from tests.conftest import Service, wait_for

REF = "UIA202411-001186"
ONE_DAY = (24 * 60,)
"""As the minutes until the next try: within a test nobody tries again by themselves."""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed are repeated soon."""
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0.01)


def several_orders(service: Service, number: int) -> list[str]:
    """Orders of different people at different sites, put into UTOPIA."""
    return [
        service.order(f"{REF}{letter}", siteid=f"7148{letter}", firstname=f"Ada{letter}", address=f"{letter} LAKE ROAD")
        for letter in [str(each) for each in range(1, number + 1)]
    ]


def send(service: Service, orderrefs: list[str]) -> None:
    """The callbacks of these orders."""
    for orderref in orderrefs:
        assert service.callback(orderref).status_code == 200


def all_are(service: Service, orderrefs: list[str], state: str) -> None:
    """Wait until each of the orders is in the state."""
    for orderref in orderrefs:
        service.rested(orderref, state)


def the_time_has_come(service: Service) -> None:
    """Make everybody's next try due."""
    with service.services.database.write() as session:
        session.execute(update(RemoteSystem).values(next_probe_at=now()))
        session.execute(update(Order).where(Order.state == OrderState.WAITING).values(next_try_at=now()))
    waking.wake_due_orders(service.services)


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


def test_a_hanging_utopia_does_not_hold_up_an_order_that_waits_only_for_powercode(service: Service) -> None:
    service.sandbox.powercode.down()
    service.take()
    service.sandbox.utopia.latency = 2
    hanging = [f"HANGING-{number}" for number in range(5)]
    send(service, hanging)
    service.sandbox.powercode.up()

    service.rested(REF, "completed")

    assert not {service.show(orderref)["state"] for orderref in hanging} & {"not_ours", "completed"}


def test_a_hanging_powercode_does_not_hold_up_an_order_that_needs_only_utopia(service: Service) -> None:
    service.sandbox.powercode.latency = 2
    hanging = several_orders(service, service.services.settings.powercode_concurrency + 1)
    send(service, hanging)
    wait_for(lambda: service.sandbox.powercode.calls)

    service.callback("ANOTHERS-1")

    assert service.rested("ANOTHERS-1")["state"] == "not_ours"
    assert service.sandbox.powercode.customers == {}


# One order's trouble is its own


POISON = "O'Brien"


def breaks(service: Service, name: str = POISON) -> None:
    """Whatever is said to PowerCode about somebody of this name breaks the connection."""

    def break_off(call: Call, moment: str) -> None:
        if moment == "arrived" and name in str(call.fields):
            raise ConnectionResetError

    service.sandbox.powercode.on_call = break_off


def poisoned(service: Service, *orderrefs: str) -> list[str]:
    """Orders that break each call of theirs."""
    breaks(service)
    for number, orderref in enumerate(orderrefs):
        service.order(orderref, siteid=f"7149{number}", lastname=POISON, address=f"{number + 1} HILL ROAD")
    send(service, list(orderrefs))
    return list(orderrefs)


def test_orders_whose_search_breaks_keep_no_other_order_waiting(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        broken = poisoned(service, "POISON-1", "POISON-2")
        all_are(service, broken, "waiting")
        healthy = several_orders(service, 3)
        send(service, healthy)

        all_are(service, healthy, "completed")
        assert service.show("POISON-1")["reason"].startswith("PowerCode works, but not for this order: ")
        with service.services.database.read() as session:
            assert breaker.systems_down(session) == {}


def test_an_order_that_fails_while_the_system_works_goes_to_a_person_after_a_few_tries(service: Service) -> None:
    poisoned(service, "POISON-1")

    order = service.rested("POISON-1", "needs_review")

    assert order["problem"] == "only_this_order"
    assert order["reason"].startswith("PowerCode works, but not for this order: ")
    assert [each["action"] for each in order["actions"]] == ["resume", "customer", "new_customer", "dismiss"]
    (mail,) = service.notices()
    assert "Needs you" in mail["Subject"]
    assert "PowerCode works, but not for this order" in mail.text


def test_a_step_that_fails_goes_to_a_person_though_the_steps_before_it_are_done_again_and_again(
    service: Service,
) -> None:
    service.sandbox.powercode.fault("createCustomer", "http", times=None, status=429)
    service.order(REF)
    send(service, [REF])

    assert service.rested(REF, "needs_review")["problem"] == "only_this_order"


def test_a_customer_that_can_never_be_made_goes_to_a_person_and_is_looked_up_before_each_try(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "http", times=None, status=500)
    service.order(REF)
    send(service, [REF])

    assert service.rested(REF, "needs_review")["problem"] == "only_this_order"
    assert service.sandbox.powercode.count("createCustomer") <= waiting.MOST_TRIES


def test_a_person_may_open_the_account_of_an_order_whose_search_breaks(service: Service) -> None:
    def break_off(call: Call, moment: str) -> None:
        if moment == "arrived" and call.action == "searchCustomers" and POISON in str(call.fields):
            raise ConnectionResetError

    poisoned(service, "POISON-1")
    service.sandbox.powercode.on_call = break_off
    service.rested("POISON-1", "needs_review")
    with service.services.database.write() as session:
        review.resume(service.services, session, "POISON-1", "office", new_customer=True)

    service.rested("POISON-1", "completed")


def test_an_order_that_utopia_can_not_answer_is_no_outage_of_utopia(service: Service) -> None:
    service.sandbox.utopia.orders["POISON-1"] = []  # type: ignore[assignment]
    send(service, ["POISON-1"])
    orderrefs = several_orders(service, 3)

    send(service, orderrefs)

    all_are(service, orderrefs, "completed")
    order = service.rested("POISON-1", "needs_review")
    assert order["problem"] == "only_this_order"
    assert order["reason"].startswith("UTOPIA works, but not for this order: ")
    assert [each["action"] for each in order["actions"]] == ["resume", "dismiss"]


# The breaker


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
            ("searchCustomers", probing.NOBODY)
        }

        powercode.clear_faults()
        the_time_has_come(service)
        all_are(service, orderrefs, "completed")
    assert len(powercode.customers) == 6


def test_orders_that_arrive_while_a_system_is_down_do_not_try_it(service: Service) -> None:
    powercode = service.sandbox.powercode
    powercode.fault("*", "http", times=None, status=502)
    with service.changed(retry_minutes=ONE_DAY):
        orderrefs = several_orders(service, 8)
        for orderref in orderrefs:
            send(service, [orderref])
            order = service.rested(orderref, "waiting")

        assert order["reason"].startswith("PowerCode does not answer")
    asked = [call.fields.get("searchString") for call in powercode.calls].count(probing.NOBODY)
    assert 0 < asked < len(orderrefs)


def test_an_order_that_arrives_after_a_long_outage_does_not_wait_for_the_next_harmless_call(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        first, second = several_orders(service, 2)
        send(service, [first])
        service.rested(first, "waiting")
        service.sandbox.powercode.up()

        send(service, [second])

        all_are(service, [first, second], "completed")


def test_an_order_that_begins_to_wait_as_the_system_comes_back_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, database = waiting.begin, service.services.database

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

    monkeypatch.setattr(waiting, "begin", while_it_comes_back)
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
    chosen = waking.choose(service.services, session)
    orderrefs = [session.get_one(Order, each).orderref for each in chosen]
    session.rollback()
    return orderrefs


def test_what_a_person_tries_again_finds_out_whether_the_system_answers(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        service.sandbox.powercode.down()
        first, second = several_orders(service, 2)
        send(service, [first, second])
        all_are(service, [first, second], "waiting")
        service.sandbox.powercode.up()

        with service.services.database.write() as session:
            review.resume(service.services, session, first, "office")

        all_are(service, [first, second], "completed")


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


# When it takes too long


def test_an_order_that_waited_too_long_is_given_to_a_person(service: Service) -> None:
    service.sandbox.powercode.down()
    with service.changed(give_up_after_hours=0.0001):
        service.take()
        wait_for(lambda: waking.give_up_after_outage(service.services) or service.state(REF) == "needs_review")
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
        with service.services.database.write() as session:
            session.execute(update(Order).values(waiting_since=now() - timedelta(days=9)))
        waking.give_up_after_outage(service.services)

    assert service.state(REF) == "waiting"


def test_an_outage_is_told_of_once_and_the_next_one_again(service: Service) -> None:
    with service.changed(notice_after_minutes=0.0001, retry_minutes=ONE_DAY):
        orderrefs = several_orders(service, 4)
        for outage, those in enumerate((orderrefs[:2], orderrefs[2:]), start=1):
            service.sandbox.powercode.down()
            send(service, those)
            all_are(service, those, "waiting")
            for _ in range(3):
                long_waits.tell(service.services)
            assert len(service.notices("Still waiting for PowerCode")) == outage
            service.sandbox.powercode.up()
            the_time_has_come(service)
            all_are(service, those, "completed")


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
    with service.services.database.write() as session:
        session.add(Order(orderref=REF, stage="order", tried_at=now(), **waits))

    service.rested(REF, "completed")


def test_what_waits_goes_on_when_the_clock_is_set_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.order(REF)
    waits = {"state": OrderState.WAITING, "waiting_for": "utopia", "next_try_at": now() + timedelta(minutes=11)}
    with service.services.database.write() as session:
        session.add(Order(orderref=REF, stage="order", tried_at=now(), **waits))
    with monkeypatch.context() as set_back:
        right = time.time
        set_back.setattr(waking.time, "time", lambda: right() - 600)
        wait_for(lambda: waking.go_on_when_set_back(service.services) or service.state(REF) != "waiting")

    service.rested(REF, "completed")


def test_a_system_that_is_asked_next_too_far_off_is_asked_now(service: Service) -> None:
    with service.services.database.write() as session:
        session.add(RemoteSystem(name="utopia", down_since=now(), next_probe_at=now() + timedelta(days=1), failures=1))

    service.take()

    service.rested(REF, "completed")


def test_a_clock_that_steps_ahead_makes_no_second_account(service: Service) -> None:
    """PowerCode is still at work on the customer, and by the clock it had an hour for it."""
    powercode = service.sandbox.powercode
    powercode.fault("createCustomer", "slow", seconds=4, when="before")
    with service.changed(pc_settle_seconds=8), service.giving_up_after(1.0):
        service.take()
        with service.services.database.write() as session:
            an_hour_ago = now() - timedelta(hours=1)
            session.execute(update(OrderStep).where(OrderStep.name == "create_customer").values(sent_at=an_hour_ago))
            session.execute(update(Order).values(next_try_at=now()))
        wait_for(lambda: powercode.customers)
        service.rested(REF, "completed")

    assert len(powercode.customers) == 1


# Nothing works on it


def strand(service: Service, restarts: int = 0) -> None:
    """An order that should be worked on, and isn't: the engine knows nothing of it. Its row is no older than that."""
    service.order(REF)
    with service.services.database.write() as session:
        session.add(Order(orderref=REF, state=OrderState.RUNNING, stage="order", restarts=restarts, tried_at=now()))


def test_an_order_that_nothing_works_on_is_picked_up(service: Service) -> None:
    strand(service)

    assert waking.pick_up_stranded_orders(service.services) == 1

    assert service.rested(REF)["state"] == "completed"


def as_a_full_disk_leaves_it(service: Service) -> str:
    """The engine counts a workflow as running here, and no thread is in it; its id."""
    strand(service)
    queue, lost = service.services.work_queue, f"order-{REF}"
    with service.services.database.write() as session:
        queue.enqueue(session, "order", lost, "nobody looks at this queue", REF, 1)
        mine = {"id": lost, "executor": service.background._executor._lock.executor_id}
        begun = "UPDATE workflow_status SET status = 'PENDING', queue_name = 'utopia', executor_id = :executor"
        session.execute(text(f"{begun} WHERE workflow_uuid = :id"), mine)
    return lost


@pytest.mark.sqlite
def test_work_that_no_thread_does_is_taken_up_whatever_the_engine_says(service: Service) -> None:
    lost, executor = as_a_full_disk_leaves_it(service), service.background._executor
    assert waking.pick_up_stranded_orders(service.services) == 0
    missed = executor._take_up_lost(set())
    assert lost in missed
    assert service.services.work_queue.standstill is None

    executor._take_up_lost(missed)

    assert service.rested(REF)["state"] == "completed"


@pytest.mark.sqlite
def test_work_that_stands_still_is_known_to_readyz_and_told_when_it_took_long(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_queue, "LONG_SECONDS", 0.0)
    monkeypatch.setattr("app.durable.engine.LOOK_FOR_LOST_SECONDS", 3600.0)  # only the test looks
    lost, executor = as_a_full_disk_leaves_it(service), service.background._executor
    with monkeypatch.context() as full:
        full.setattr(service.services.work_queue.client, "resume_workflows", _disk_is_full)
        assert executor._take_up_lost({lost}) == {lost}
        answer = service.client.get("/readyz")
        assert (answer.status_code, answer.json["executor"]) == (503, "work stands still (1), see the log")

    executor._take_up_lost({lost})
    assert service.client.get("/readyz").status_code == 200
    watch_for_alerts(service.services)
    (mail,) = service.notices("Work stood still")
    assert "Nothing is lost" in mail.text
    watch_for_alerts(service.services)
    with service.services.database.read() as session:
        assert records.open_alerts(session) == []


def _disk_is_full(*_arguments: Any, **_named: Any) -> None:
    raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))


def test_an_order_whose_work_broke_off_again_and_again_is_given_to_a_person(service: Service) -> None:
    strand(service, restarts=waking.MOST_RESTARTS)

    waking.pick_up_stranded_orders(service.services)

    assert service.rested(REF)["problem"] == "program_fault"
    assert len(service.notices("Needs you")) == 1


def test_an_order_that_is_worked_on_is_not_picked_up(service: Service) -> None:
    service.sandbox.utopia.latency = 0.5
    service.order(REF)
    service.callback(REF)
    wait_for(lambda: service.sandbox.utopia.calls)
    with service.services.database.write() as session:
        session.scalars(select(Order)).one().updated_at = now() - timedelta(hours=1)

    assert waking.pick_up_stranded_orders(service.services) == 0
    assert service.rested(REF)["state"] == "completed"


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

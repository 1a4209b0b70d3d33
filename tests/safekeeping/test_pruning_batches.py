"""How old rows are deleted: a little at a time, with room for callbacks, and safe to break off or to do twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select

from app.models import Callback, Notice, NoticeState, Order, OrderExchange, OrderState, OrderStep, now
from app.running.schedule import Schedule
from app.safekeeping import pruning
from tests.conftest import Service, wait_for

pytestmark = pytest.mark.long

ORDERS = 12
FIRST = 1_000_000
"""Far from the numbers that the database gives by itself."""
LONG_AGO, MONTHS_AGO = timedelta(days=500), timedelta(days=150)
ROW_A_WEEK = "SCAN digest_runs"
"""A small table, which may be read as a whole."""


@pytest.fixture(autouse=True)
def one_order_a_batch_as_far_as_need_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 1)
    monkeypatch.setattr(pruning, "PAGE", 5)
    monkeypatch.setattr(pruning, "FURTHER_AT_A_TIME", LONG_AGO)


def finished_long_ago(service: Service, orders: int = ORDERS, *, ago: timedelta = LONG_AGO, first: int = FIRST) -> None:
    """Orders with a row of each kind that goes."""
    at, numbers = now() - ago, range(first, first + orders)
    done = {"state": OrderState.COMPLETED, "finished_at": at, "contract": {"status": "Signed"}}
    said = {"step": "ticket", "system": "powercode", "action": "createTicket", "outcome": "ok", "seconds": 0.1}
    notice = {"kind": "account_created", "state": NoticeState.SENT, "created_at": at, "sent_at": at}
    callback = {"outcome": "order", "status": 200, "body": "{}", "received_at": at}
    with service.services.database.write() as session:
        for table, rows in (
            (Order, [{"id": n, "orderref": f"UIA-{n}", **done} for n in numbers]),
            (OrderStep, [{"order_id": n, "name": "ticket"} for n in numbers]),
            (OrderExchange, [{"order_id": n, "sent": "", "answered": "", **said} for n in numbers]),
            (Notice, [{"order_id": n, "key": f"account_created:{n}", **notice} for n in numbers]),
            (Callback, [{"orderref": f"UIA-{n}", **callback} for n in numbers]),
        ):
            session.execute(insert(table), rows)


def whole_and_emptied(service: Service) -> tuple[int, int]:
    """How many orders have all of their details, and how many none; every other one is a half-pruned one."""
    kinds = (
        select(OrderStep.id).where(OrderStep.order_id == Order.id),
        select(OrderExchange.id).where(OrderExchange.order_id == Order.id),
        select(Notice.id).where(Notice.order_id == Order.id),
        select(Callback.id).where(Callback.orderref == Order.orderref),
    )
    with service.services.database.read() as session:
        rows = session.execute(select(Order.contract, *(each.exists() for each in kinds))).all()
    has = [tuple(bool(value) for value in row) for row in rows]
    return has.count((True,) * 5), has.count((False,) * 5)


def test_a_callback_is_taken_while_a_large_pruning_is_under_way(service: Service) -> None:
    finished_long_ago(service)
    stopping = threading.Event()
    options = {"stopping": stopping, "pause": 3600}
    working = threading.Thread(target=pruning.prune, args=[service.services], kwargs=options)
    working.start()
    try:
        wait_for(lambda: whole_and_emptied(service)[1])
        assert service.take("UIA202411-001186")["state"] == "completed"
        assert working.is_alive()
    finally:
        stopping.set()
        working.join()
    service.mail_settled()
    assert whole_and_emptied(service) == (ORDERS, 1), "the order that came is whole, and the pruning has most to do"


def test_every_batch_is_short_and_a_transaction_of_its_own(service: Service) -> None:
    finished_long_ago(service)
    commits: list[int] = []

    def count(_connection: Any) -> None:
        commits.append(1)

    engine = service.services.database.engine
    with listening(engine, "commit", count):
        pruning.prune(service.services, pause=0)

    assert len(commits) >= ORDERS
    assert whole_and_emptied(service) == (0, ORDERS)


@contextmanager
def listening(engine: Any, name: str, function: Any) -> Any:
    event.listen(engine, name, function)
    try:
        yield
    finally:
        event.remove(engine, name, function)


@pytest.mark.parametrize("batches", [1, 2, 5, 9])
def test_a_pruning_that_is_killed_leaves_whole_orders_and_the_next_one_goes_on(service: Service, batches: int) -> None:
    finished_long_ago(service)
    begun = pruning._batches(service.services, now())
    for _ in range(batches):
        next(begun)
    begun.close()

    whole, emptied = whole_and_emptied(service)
    assert (whole + emptied, whole > 0, emptied > 0) == (ORDERS, True, True)
    pruning.prune(service.services, pause=0)
    assert whole_and_emptied(service) == (0, ORDERS)


def test_a_pruning_ends_after_its_batch_when_the_service_stops(service: Service) -> None:
    finished_long_ago(service)
    stopping = threading.Event()
    stopping.set()

    pruning.prune(service.services, stopping=stopping, pause=3600)

    assert whole_and_emptied(service) == (ORDERS - 1, 1)


def test_a_schedule_that_ends_does_not_wait_for_a_long_pruning(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_long_ago(service)
    monkeypatch.setattr("app.running.schedule.FIRST_PRUNING_SECONDS", 0)
    monkeypatch.setattr("app.running.schedule.PRUNING", {slow_pruning: (3600, 0)})
    schedule = Schedule(service.services)
    with schedule.while_running():
        wait_for(lambda: whole_and_emptied(service)[1])

    assert not schedule.running
    assert whole_and_emptied(service)[0] > 0


def slow_pruning(services: Any, *, stopping: threading.Event) -> None:
    pruning.prune(services, stopping=stopping, pause=3600)


@pytest.mark.sweep
def test_two_hosts_that_prune_at_the_same_time_do_it_once(service: Service) -> None:
    finished_long_ago(service, 40)
    with ThreadPoolExecutor(2) as hosts:
        for done in [hosts.submit(pruning.prune, service.services, pause=0) for _ in range(2)]:
            done.result()
    pruning.prune(service.services, pause=0)

    assert whole_and_emptied(service) == (0, 40)


def test_an_order_that_somebody_takes_up_just_now_is_left_alone(service: Service) -> None:
    finished_long_ago(service)
    some = range(FIRST, FIRST + ORDERS)
    with service.services.database.write() as session:
        taken = session.get_one(Order, FIRST + 3)
        taken.state, taken.finished_at = OrderState.RECEIVED, None
    service.write(pruning._prune_orders, some, now(), 400)

    assert whole_and_emptied(service) == (1, ORDERS - 1)


def test_what_was_said_for_orders_goes_a_batch_at_a_time_and_the_next_pruning_goes_on(service: Service) -> None:
    finished_long_ago(service, ago=MONTHS_AGO)
    stopping = threading.Event()
    stopping.set()
    pruning.prune(service.services, stopping=stopping, pause=3600)
    assert exchanges(service) == ORDERS - 1

    pruning.prune(service.services, pause=0)

    assert exchanges(service) == 0
    assert len(service.rows(select(OrderStep.id))) == ORDERS


def exchanges(service: Service) -> int:
    return len(service.rows(select(OrderExchange.id)))


@pytest.mark.sqlite
def test_no_batch_reads_a_whole_table(service: Service) -> None:
    finished_long_ago(service)
    finished_long_ago(service, ago=MONTHS_AGO, first=FIRST + ORDERS)
    service.client.post("/api-callback", data=b"")
    asked: dict[str, Any] = {}
    here = threading.get_ident()

    def ask(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        ours = threading.get_ident() == here and "workflow_" not in statement
        if ours and not statement.startswith(("BEGIN", "PRAGMA")):
            asked[statement] = parameters

    with listening(service.services.database.engine, "before_cursor_execute", ask):
        pruning.prune(service.services, now() + timedelta(days=91), pause=0)
    steps = [step for statement, values in asked.items() for step in plan_of(service, statement, values)]

    assert len(asked) > 10
    assert [step for step in steps if step.startswith("SCAN") and step != ROW_A_WEEK] == []


def plan_of(service: Service, statement: str, parameters: Any) -> list[str]:
    with service.services.database.engine.connect() as connection:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]

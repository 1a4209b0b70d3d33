"""Work that broke off, or that no thread does though the engine counts it as running, is taken up."""

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from app.alerts import records
from app.alerts.watch import watch_for_alerts
from app.durable import work_queue
from app.models import Order, OrderState, now
from app.provisioning import due_orders
from tests.conftest import Service, wait_for
from tests.provisioning.waiting_orders import REF


def strand(service: Service, restarts: int = 0) -> None:
    """An order that should be worked on, and isn't: the engine knows nothing of it. Its row is no older than that."""
    service.order(REF)
    service.add(Order(orderref=REF, state=OrderState.RUNNING, stage="order", restarts=restarts, tried_at=now()))


def test_an_order_that_nothing_works_on_is_picked_up(service: Service) -> None:
    strand(service)

    assert due_orders.pick_up_stranded_orders(service.services) == 1

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
    assert due_orders.pick_up_stranded_orders(service.services) == 0
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
    assert service.read(records.open_alerts) == []


def _disk_is_full(*_arguments: Any, **_named: Any) -> None:
    raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))


def test_an_order_whose_work_broke_off_again_and_again_is_given_to_a_person(service: Service) -> None:
    strand(service, restarts=due_orders.MOST_RESTARTS)

    due_orders.pick_up_stranded_orders(service.services)

    assert service.rested(REF)["problem"] == "program_fault"
    assert len(service.notices("Needs you")) == 1


def test_an_order_that_is_worked_on_is_not_picked_up(service: Service) -> None:
    service.sandbox.utopia.latency = 0.5
    service.order(REF)
    service.callback(REF)
    wait_for(lambda: service.sandbox.utopia.calls)
    service.execute(update(Order).values(updated_at=now() - timedelta(hours=1)))

    assert due_orders.pick_up_stranded_orders(service.services) == 0
    assert service.rested(REF)["state"] == "completed"

"""Callbacks that come at the same time share a commit; nobody else can tell, and each is answered for itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from app.models import Order
from tests.conftest import Service, wait_for
from tests.tools.callback_requests import count, stored

pytestmark = pytest.mark.sqlite  # on PostgreSQL, each callback commits for itself


def sent_together(service: Service, messages: Sequence[dict[str, str]]) -> list[int]:
    """The statuses of callbacks that all wait when the database gets free."""

    def send(message: dict[str, str]) -> int:
        return service.app.test_client().post("/api-callback", json=message).status_code

    waiting = service.app.extensions["callback_writer"]
    with ThreadPoolExecutor(len(messages)) as threads:
        with service.services.database.turn():
            answers = [threads.submit(send, message) for message in messages]
            wait_for(lambda: len(waiting._waiting) == len(messages))
        return [answer.result() for answer in answers]


def new(orderref: str) -> dict[str, str]:
    return {"event": "Project Update", "orderref": orderref, "msg": "Project New Order"}


def outcomes(service: Service) -> list[tuple[str | None, str]]:
    return sorted((str(row.orderref), row.outcome) for row in stored(service))


def test_orders_that_come_at_the_same_time_all_become_accounts(service: Service) -> None:
    orderrefs = [f"UIA-{number}" for number in range(4)]
    for number, orderref in enumerate(orderrefs):
        service.order(orderref, siteid=f"71499{number}", address=f"{number + 1} LAKE ROAD")

    assert sent_together(service, [new(orderref) for orderref in orderrefs]) == [200] * 4

    assert {service.rested(orderref)["state"] for orderref in orderrefs} == {"completed"}
    assert service.sandbox.utopia.call_counts["contractlookup"] == 4


def test_repeats_tests_and_updates_among_orders_are_each_what_they_are(idle: Service) -> None:
    update, test = {**new("UIA-1"), "msg": "Project Update"}, {"event": "Project Update", "msg": "Test"}

    messages = [update, test, new("UIA-1"), new("UIA-2"), new("UIA-1"), new("UIA-1")]
    assert sent_together(idle, messages) == [200] * 6

    assert outcomes(idle) == sorted(
        [
            *[("None", "test"), ("UIA-1", "recorded"), ("UIA-2", "order")],
            *[("UIA-1", "order"), ("UIA-1", "repeat"), ("UIA-1", "repeat")],
        ]
    )
    assert count(idle, Order) == 2


def test_an_order_that_cannot_be_stored_does_not_fail_those_beside_it(idle: Service) -> None:
    refusing = "when new.orderref = 'UIA-1' begin select raise(abort, 'refused'); end"
    idle.execute(text(f"create trigger refuse before insert on orders {refusing}"))

    assert sent_together(idle, [new(f"UIA-{number}") for number in range(4)]) == [200, 503, 200, 200]

    assert outcomes(idle) == [("UIA-0", "order"), ("UIA-2", "order"), ("UIA-3", "order")]
    is_going = idle.services.work_queue.is_going
    assert [is_going(f"order-UIA-{number}") for number in range(4)] == [True, False, True, True]

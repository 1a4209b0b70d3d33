"""Strangers who flood the callback's address: customers come first, and the disk doesn't fill."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from app.alerts import callback_flood
from app.alerts.watch import watch_for_alerts
from app.models import Callback, CallbackOutcome, Order, OrderState, now
from app.provisioning import due_orders, intake
from tests.conftest import Service, wait_for
from tests.tools.callback_requests import NEW, stored

pytestmark = pytest.mark.long

STRANGER, UTOPIA = "203.0.113.9", "198.51.100.7"


def send(service: Service, orderref: str, sender: str) -> None:
    answer = service.client.post(
        "/api-callback", json={**NEW, "orderref": orderref}, environ_overrides={"REMOTE_ADDR": sender}
    )
    assert answer.status_code == 200


def in_state(service: Service, state: OrderState) -> int:
    return service.scalar(select(func.count()).where(Order.state == state)) or 0


@contextmanager
def slow_look_ups(service: Service) -> Iterator[None]:
    service.sandbox.utopia.fault("*", "slow", None, seconds=0.5)
    yield
    service.sandbox.reset()


def test_a_real_order_does_not_wait_behind_forged_references(service: Service) -> None:
    with slow_look_ups(service):
        for number in range(120):
            send(service, f"FORGED-{number}", STRANGER)
        send(service, service.order("UIA-LAST-1"), STRANGER)  # behind a proxy that is not trusted, all have one address

        service.rested("UIA-LAST-1")

        assert in_state(service, OrderState.RECEIVED) > 50


def test_another_senders_order_is_before_those_of_who_sent_unknown_references(service: Service) -> None:
    with slow_look_ups(service):
        for number in range(60):
            send(service, f"FORGED-{number}", STRANGER)
        send(service, service.order("UIA-AMID-1"), UTOPIA)
        for number in range(60, 120):
            send(service, f"FORGED-{number}", STRANGER)

        service.rested("UIA-AMID-1")

        assert in_state(service, OrderState.RECEIVED) > 50


def test_forged_references_that_come_again_wait_for_their_turn_too(service: Service) -> None:
    send(service, "FORGED-0", STRANGER)
    service.rested("FORGED-0", "not_ours")

    with slow_look_ups(service):
        for number in range(1, 40):
            send(service, f"FORGED-{number}", STRANGER)
        send(service, "FORGED-0", STRANGER)
        assert service.state("FORGED-0") == "received"
        assert service.rested("FORGED-0")["state"] == "not_ours"


def test_in_the_end_everybody_has_had_a_turn(service: Service) -> None:
    for number in range(60):
        send(service, f"FORGED-{number}", STRANGER)

    wait_for(lambda: in_state(service, OrderState.NOT_OURS) == 60, 60)


def test_who_waits_for_a_turn_is_not_taken_to_be_stranded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "AT_WORK", 0)
    send(service, "FORGED-0", STRANGER)

    assert due_orders.pick_up_stranded_orders(service.services) == 0
    assert service.state("FORGED-0") == "received"
    monkeypatch.undo()
    assert service.rested("FORGED-0")["state"] == "not_ours"


# What is kept of refused ones


@pytest.fixture
def budget(service: Service) -> Iterator[None]:
    """A token is needed, and nothing was refused so far."""
    with service.changed(callback_token=SecretStr("x")):
        yield


def refused(service: Service, sender: str, times: int) -> list[Callback]:
    for _ in range(times):
        answer = service.client.post("/api-callback", json=NEW, environ_overrides={"REMOTE_ADDR": sender})
        assert answer.status_code == 401
    return stored(service)


def test_of_very_many_refused_callbacks_few_are_kept_and_that_is_kept_too(service: Service, budget: Any) -> None:
    rows = refused(service, STRANGER, 150)

    kept = [row for row in rows if row.outcome == CallbackOutcome.REJECTED]
    (flood,) = [row for row in rows if row.outcome == CallbackOutcome.FLOOD]
    assert 100 <= len(kept) <= 110
    assert (flood.body, flood.remote_address) == ("", STRANGER)


def test_a_sender_who_floods_leaves_others_their_records(service: Service, budget: Any) -> None:
    refused(service, STRANGER, 150)

    assert refused(service, UTOPIA, 1)[-1].remote_address == UTOPIA


@pytest.mark.sweep
def test_many_senders_together_have_a_budget(service: Service, budget: Any) -> None:
    for number in range(250):
        refused(service, f"10.0.{number}.1", 1)

    assert len(stored(service)) < 230


def test_one_who_has_a_whole_network_is_one_sender(service: Service, budget: Any) -> None:
    for number in range(150):
        refused(service, f"2001:db8::{number:x}", 1)

    assert len(stored(service)) <= 111


# What the office hears of it


def test_a_flood_is_told_when_it_begins_and_when_it_is_over(service: Service, budget: Any) -> None:
    refused(service, STRANGER, 120)
    start = now()

    for minutes in (0, 1, 1.5, 4, 15):
        watch_for_alerts(service.services, start + timedelta(minutes=minutes))

    over, begun = sorted(service.notices("lood"), key=lambda mail: "Callbacks" in mail["Subject"])
    assert begun["Subject"] == f"Callbacks flood in, most of them from {STRANGER}"
    assert "So many are refused that not all are kept" in begun.text
    assert "orders wait" not in begun.text
    assert over["Subject"] == "The flood of callbacks is over"


def test_orders_that_wait_for_their_turn_are_a_flood_when_there_are_many(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "AT_WORK", 0)
    for number in range(101):
        send(service, f"FORGED-{number}", STRANGER)

    (condition,) = callback_flood.conditions(service.services, now())

    assert (condition.wrong, condition.content["waiting"], condition.content["sender"]) == (True, 101, STRANGER)


def test_a_usual_day_is_no_flood(service: Service) -> None:
    send(service, "FORGED-1", STRANGER)

    (condition,) = callback_flood.conditions(service.services, now())

    assert not condition.wrong

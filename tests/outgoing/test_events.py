"""Events: told once, signed, tried again for a day, without anybody's data, and sent again when somebody says so."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update
from standardwebhooks import Webhook, WebhookVerificationError

from app.models import EventKind, Outgoing, OutgoingState, Role, now
from app.outgoing import events
from app.provisioning import review
from config import PROJECT
from tests.conftest import Service, wait_for
from tests.console.persons import Person, somebody_with
from tests.outgoing.receiver import Receiver, receiving

REF = "UIA202411-001186"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PERSON = ("Ada", "Lind", "ada.lind", "4065550143", "EXAMPLE AVENUE", "Bozeman")


@pytest.fixture
def receiver(service: Service) -> Iterator[Receiver]:
    """A receiver that the service tells of what happens."""
    with receiving() as receiver, service.changed(events_url=receiver.url, events_secret=SecretStr(SECRET)):
        yield receiver


def rows(service: Service) -> list[Outgoing]:
    return service.rows(select(Outgoing).order_by(Outgoing.id))


def told(service: Service, kind: EventKind = EventKind.TEST, key: str = "1") -> None:
    service.act(events.record, kind, key, by="a test")


def set_back(service: Service, **columns: Any) -> None:
    service.execute(update(Outgoing).values(**columns))


# What is told


def test_a_completed_order_is_told_once_signed_and_without_the_persons_data(
    service: Service, receiver: Receiver
) -> None:
    order = service.take(REF)
    assert events.send_due(service.services) == 1
    assert events.send_due(service.services) == 0

    ((headers, body),) = receiver.came
    event = Webhook(SECRET).verify(body, headers)
    assert (event["type"], event["data"]["orderref"], event["data"]["state"]) == ("order.completed", REF, "completed")
    assert event["data"]["customer_id"] == order["customer_id"]
    assert event["data"]["links"]["order"] == f"https://orders.example.com/console/orders/{REF}"
    assert [word for word in PERSON if word.casefold() in body.decode().casefold()] == []


def test_an_order_that_stops_and_one_that_is_closed_are_told_with_the_cause(
    service: Service, receiver: Receiver
) -> None:
    service.take(REF, plan="99 Gbps")
    service.act(review.dismiss, REF, "alice", "Ada Lind withdrew")
    events.send_due(service.services)

    said = [(one["type"], one["data"]["state"], one["data"]["problem"]) for one in receiver.bodies]
    assert said == [
        ("order.needs_review", "needs_review", "unknown_plan"),
        ("order.dismissed", "dismissed", None),
    ]
    assert "Ada" not in str(receiver.bodies)


def test_without_an_address_nothing_is_recorded(service: Service) -> None:
    service.take(REF)

    assert rows(service) == []
    assert events.send_due(service.services) == 0


def test_what_did_not_happen_is_not_told(service: Service, receiver: Receiver) -> None:
    with pytest.raises(RuntimeError), service.services.database.write() as session:
        events.record(service.services, session, EventKind.TEST, "1")
        raise RuntimeError

    assert rows(service) == []


# When it is not taken


@pytest.mark.parametrize("status", [301, 400, 429, 500])
def test_what_is_not_taken_is_tried_again_under_the_same_id(service: Service, receiver: Receiver, status: int) -> None:
    told(service)
    receiver.status = status
    events.send_due(service.services)
    (row,) = rows(service)
    assert (row.state, row.tries, row.error) == (OutgoingState.PENDING, 1, f"the receiver answered HTTP {status}")

    receiver.status = 200
    wait_for(lambda: events.send_due(service.services))

    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
    assert (rows(service)[0].state, rows(service)[0].error) == (OutgoingState.SENT, None)


def test_a_receiver_that_is_down_holds_nothing_up_and_is_not_asked_for_each_event(service: Service) -> None:
    settings = {"events_url": "http://127.0.0.1:1", "events_secret": SecretStr(SECRET), "retry_minutes": (60.0,)}
    with service.changed(**settings):
        assert service.take(REF)["state"] == "completed"
        told(service)

        assert events.send_due(service.services) == 0

    assert [row.tries for row in rows(service)] == [1, 0]


def test_when_one_is_taken_again_those_that_waited_follow_at_once(service: Service, receiver: Receiver) -> None:
    with service.changed(retry_minutes=(60.0,)):
        receiver.status = 503
        for number in range(3):
            told(service, key=str(number))
            events.send_due(service.services)
        receiver.status = 204
        told(service, key="new")

        assert events.send_due(service.services) == 4


def test_one_that_is_refused_while_others_are_taken_keeps_its_own_pause(service: Service, receiver: Receiver) -> None:
    receiver.refuses = (EventKind.CASE_DUE,)
    with service.changed(retry_minutes=(60.0,)):
        told(service, EventKind.CASE_DUE, "refused")
        for number in range(5):
            told(service, key=str(number))
            events.send_due(service.services)
            events.send_due(service.services)

    asked = [body["type"] for body in receiver.bodies]
    assert asked.count(EventKind.TEST) == 5
    assert asked.count(EventKind.CASE_DUE) == 2, "once more when another was taken, as after an outage; then no more"


def test_one_that_was_refused_alone_follows_after_an_outage_like_the_others(
    service: Service, receiver: Receiver
) -> None:
    receiver.refuses = (EventKind.CASE_DUE,)
    told(service, EventKind.CASE_DUE, "refused")
    told(service)
    with service.changed(retry_minutes=(60.0,)):
        for _ in range(3):
            events.send_due(service.services)
        receiver.refuses, receiver.status = (), 503
        set_back(service, next_try_at=None)
        told(service, key="waits")
        for _ in range(2):
            events.send_due(service.services)
        receiver.status = 204
        told(service, key="new")

        assert events.send_due(service.services) == 3


@pytest.mark.parametrize("events_url", [None, "http://127.0.0.1:1"], ids=["removed", "set again"])
def test_with_the_address_removed_what_waited_is_given_up_shown_and_sent_late_by_nobody(
    service: Service, receiver: Receiver, as_staff: Person, events_url: str | None
) -> None:
    told(service)
    told(service, key="2")
    with service.changed(events_url=None, events_secret=None):
        assert events.send_due(service.services) == 0
        assert "the address was removed" in as_staff.get("/console/events").text
    with service.changed(events_url=events_url):
        assert events.send_due(service.services) == 0

    assert [(row.state, row.next_try_at) for row in rows(service)] == [(OutgoingState.FAILED, None)] * 2
    assert receiver.came == []


def test_nothing_is_sent_again_while_no_address_is_set(service: Service, as_staff: Person) -> None:
    with service.changed(events_url="http://127.0.0.1:1"):
        told(service)
    set_back(service, state=OutgoingState.FAILED, error="the address was removed")

    assert "that failed" not in as_staff.get("/console/events").text
    as_staff.post(f"/console/events/{rows(service)[0].id}/again")
    as_staff.post("/console/events/failed/again")

    assert rows(service)[0].state == OutgoingState.FAILED


def test_after_a_day_it_is_given_up_and_stays_for_a_person(service: Service, receiver: Receiver) -> None:
    told(service)
    receiver.status = 500
    set_back(service, started_at=now() - timedelta(hours=25))
    events.send_due(service.services)

    assert rows(service)[0].state == OutgoingState.FAILED
    assert events.send_due(service.services) == 0


def test_a_receiver_that_is_gone_is_believed(service: Service, receiver: Receiver) -> None:
    told(service)
    receiver.status = 410
    events.send_due(service.services)

    assert rows(service)[0].state == OutgoingState.FAILED


def test_a_receivers_wish_to_wait_is_heeded_up_to_an_hour(service: Service, receiver: Receiver) -> None:
    told(service)
    receiver.status, receiver.headers = 429, {"Retry-After": "86400"}
    events.send_due(service.services)

    wait = (rows(service)[0].next_try_at or now()) - now()
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


def test_a_try_whose_process_died_is_made_again_under_the_same_id(service: Service, receiver: Receiver) -> None:
    told(service)
    set_back(service, tries=1, next_try_at=now() - timedelta(seconds=1))

    assert events.send_due(service.services) == 1


# In the console


@pytest.fixture
def as_staff(service: Service) -> Person:
    return somebody_with(service, Role.STAFF)


def test_the_orders_story_has_its_events_and_sends_one_again(
    service: Service, receiver: Receiver, as_staff: Person
) -> None:
    service.take(REF)
    events.send_due(service.services)
    (row,) = rows(service)
    assert "Event to your other systems: order.completed" in as_staff.get(f"/console/orders/{REF}").text

    answer = as_staff.post(f"/console/events/{row.id}/again", {"from": "order"})

    assert (answer.status_code, answer.location) == (303, f"/console/orders/{REF}")
    assert events.send_due(service.services) == 1
    first, second = (headers["webhook-id"] for headers, _ in receiver.came)
    assert first == second


def test_all_that_failed_are_sent_again_at_once(service: Service, receiver: Receiver, as_staff: Person) -> None:
    for number in range(3):
        told(service, key=str(number))
    set_back(service, state=OutgoingState.FAILED, error="the receiver answered HTTP 500", tries=9)
    assert "Send the 3 that failed again" in as_staff.get("/console/events").text

    as_staff.post("/console/events/failed/again")

    assert events.send_due(service.services) == 3


# The example receiver


@pytest.fixture
def example() -> Iterator[tuple[str, Any]]:
    """The receiver of docs/events.md, as it stands there."""
    page = (PROJECT / "docs" / "events.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "EVENTS_SECRET": SECRET, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    yield f"http://127.0.0.1:{port}/", process
    process.kill()
    process.communicate()


def test_the_example_receiver_takes_each_event_once_and_no_forged_one(
    service: Service, example: tuple[str, Any]
) -> None:
    url, process = example
    with service.changed(events_url=url, events_secret=SecretStr(SECRET)):
        service.take(REF)
        assert events.send_due(service.services) == 1
        assert process.stdout.readline() == f"order.completed {REF}\n"
        set_back(service, state=OutgoingState.PENDING)
        assert events.send_due(service.services) == 1, "a repeat is answered like the first"
    with service.changed(events_url=url, events_secret=SecretStr("whsec_" + "A" * 32)):
        told(service)
        assert events.send_due(service.services) == 0
    assert rows(service)[-1].error == "the receiver answered HTTP 401"


def test_a_signature_is_of_the_time_of_the_try(service: Service, receiver: Receiver) -> None:
    told(service)
    row = rows(service)[0]
    old = events.request(service.services.settings, row, now() - timedelta(minutes=6))

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(old.data, dict(old.headers))

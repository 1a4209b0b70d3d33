"""Chat and push: what is told, once, to each channel; nobody's data; a channel that is down; no address shown."""

import json
import logging
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text, update

from app.channels import delivery, messages, notify_urls
from app.models import Alert, AlertKind, Notice, NoticeKind, NoticeState, Order, OrderState, Outgoing, Role, now
from app.provisioning.causes.open_causes import backfill
from app.provisioning.problems import UNKNOWN_PLAN
from config_values import parts_of_secret_address
from tests.conftest import Service
from tests.console.persons import Person, somebody_with
from tests.outgoing.receiver import Receiver, receiving

TOKEN = "TokenOf24Letters99"
GIVEN_UP = "the address was removed"
DOWN = f"json://127.0.0.1:1/{TOKEN}"


def at(receiver: Receiver, token: str = TOKEN) -> str:
    return receiver.url.replace("http://", "json://").replace("/events", f"/{token}")


@pytest.fixture
def channel(service: Service) -> Iterator[Receiver]:
    """A channel that takes messages as JSON."""
    with receiving() as receiver, told_to(service, at(receiver)):
        yield receiver


def told_to(service: Service, *urls: str) -> Any:
    return service.changed(notify_urls=tuple(SecretStr(url) for url in urls))


def stopped(service: Service, count: int = 3, first: int = 1) -> None:
    """So many orders that wait for an unknown plan, of a person whom nobody else needs to know."""
    account = {"unknown_plans": ["2.5 Gbps"], "applicant": {"first_name": "Ada"}}
    values = {"state": OrderState.NEEDS_REVIEW, "problem": UNKNOWN_PLAN.code, "account": account, "reason": "Ada Lind"}
    with service.services.database.write() as session:
        for number in range(first, first + count):
            session.add(Order(orderref=f"UIA202411-{number:06}", **values))
    backfill(service.services.database)


def say(service: Service, after: timedelta = timedelta(minutes=2)) -> None:
    """Look, some time from now, and send what is due."""
    messages.look(service.services, now() + after)
    delivery.send_due(service.services)


def titles(channel: Receiver) -> list[str]:
    return [body["title"] for body in channel.bodies]


def rows(service: Service) -> list[Outgoing]:
    return service.rows(select(Outgoing).order_by(Outgoing.id))


# What needs somebody


@pytest.mark.long
def test_a_cause_is_told_once_with_its_count_however_many_orders_join_it(service: Service, channel: Receiver) -> None:
    stopped(service, 3)
    say(service, timedelta())
    assert titles(channel) == [], "they still gather"
    say(service)
    stopped(service, 40, first=10)
    say(service)

    assert titles(channel) == ["Needs you: 3 orders wait for the plan 2.5 Gbps"]
    assert channel.bodies[0]["message"].startswith("https://orders.example.com/console/causes?cause=unknown_plan")


@pytest.mark.long
def test_a_cause_that_comes_back_is_told_again(service: Service, channel: Receiver) -> None:
    stopped(service, 1)
    say(service)
    service.execute(update(Order).values(state=OrderState.DISMISSED, cause=None))
    say(service)
    stopped(service, 2, first=10)
    say(service)

    assert titles(channel) == [
        f"Needs you: {words} for the plan 2.5 Gbps" for words in ("1 order waits", "2 orders wait")
    ]


def test_no_message_names_anybody(service: Service, channel: Receiver) -> None:
    stopped(service, 1)
    say(service)

    assert len(channel.came) == 1
    assert [word for word in ("ada", "lind", "uia202411") if word in str(channel.bodies).casefold()] == []


@pytest.mark.sqlite
def test_what_is_looked_up_every_few_seconds_is_found_without_a_look_at_all_that_went_out(service: Service) -> None:
    plan = "explain query plan select id, key from outgoing where kind = 'cause'"
    with service.services.database.read() as session:
        assert "USING INDEX ix_outgoing_kind" in str(session.execute(text(plan)).all())


# Trouble, and the morning


def test_an_alert_is_told_when_it_opens_and_when_it_is_over(service: Service, channel: Receiver) -> None:
    moments = {"began_at": now(), "opened_at": now(), "looked_at": now()}
    alert = {"kind": AlertKind.SYSTEM_DOWN, "subject": "powercode", "slot": "x"}
    service.add(Alert(**alert, **moments, content={"system": "PowerCode"}))
    say(service)
    service.execute(update(Alert).values(slot=None, closed_at=now(), gone_since=now()))
    say(service)
    say(service)

    assert titles(channel) == ["PowerCode does not answer", "PowerCode answers again"]


def test_what_is_long_past_is_not_told_where_channels_are_new(service: Service, channel: Receiver) -> None:
    before = now() - timedelta(hours=2)
    moments = {"began_at": before, "opened_at": before, "looked_at": before}
    service.add(Alert(kind=AlertKind.MAIL_STUCK, subject="mail", slot="x", **moments, content={}))
    say(service)

    assert titles(channel) == []


def test_the_mornings_numbers_are_told_with_the_mail(service: Service, channel: Receiver) -> None:
    content = {
        "orders_needing": 2,
        "done": {"completed": 12},
        "days": "yesterday",
        "needs": [{"title": "2 orders wait for the plan 2.5 Gbps"}],
        "alerts": [],
    }
    notice = {"kind": NoticeKind.MORNING_SUMMARY, "state": NoticeState.SENT}
    service.add(Notice(key="morning_summary:2026-11-23", content=content, **notice))
    say(service)

    assert titles(channel) == ["Good morning: 2 orders need you; 12 accounts made yesterday"]
    assert "- 2 orders wait for the plan 2.5 Gbps" in channel.bodies[0]["message"]


# A channel that is down


def test_a_channel_that_is_down_keeps_no_other_waiting_and_is_given_up_after_an_hour(service: Service) -> None:
    stopped(service, 1)
    with receiving() as receiver, told_to(service, DOWN, at(receiver)), service.changed(retry_minutes=(60.0,)):
        say(service)
        assert len(receiver.came) == 1
        down = next(row for row in rows(service) if row.error)
        assert (down.state, down.error) == ("pending", "it can't be reached, or did not take it")
        long_ago = {"started_at": now() - timedelta(hours=2), "next_try_at": None}
        service.execute(update(Outgoing).where(Outgoing.id == down.id).values(long_ago))
        delivery.send_due(service.services)

    assert [row.state for row in rows(service) if row.error] == ["failed"]


def test_a_channel_that_never_answers_ends_by_its_timeout_and_the_other_has_its_message(service: Service) -> None:
    stopped(service, 1)
    with socket.create_server(("127.0.0.1", 0)) as silent, receiving() as receiver:
        hangs = f"json://127.0.0.1:{silent.getsockname()[1]}/?rto=0.3&cto=0.3"
        with told_to(service, hangs, at(receiver)), service.changed(retry_minutes=(60.0,)):
            say(service)

    assert len(receiver.came) == 1
    assert sorted(row.state for row in rows(service)) == ["pending", "sent"]


def test_what_was_not_taken_is_sent_again_once(service: Service, channel: Receiver) -> None:
    stopped(service, 1)
    channel.status = 503
    say(service)
    assert rows(service)[0].error == "it was not taken (HTTP 503)"
    channel.status = 200
    service.execute(update(Outgoing).values(next_try_at=None))
    delivery.send_due(service.services)
    delivery.send_due(service.services)

    assert [row.state for row in rows(service)] == ["sent"]
    assert len(channel.came) == 2


def test_what_waits_for_a_channel_that_is_not_set_any_more_is_given_up(service: Service, channel: Receiver) -> None:
    stopped(service, 1)
    with told_to(service, DOWN):
        say(service)
    delivery.send_due(service.services)

    assert [(row.state, row.error) for row in rows(service)] == [("failed", GIVEN_UP)]


def test_with_all_channels_removed_what_waited_is_given_up_and_told_late_to_nobody(service: Service) -> None:
    stopped(service, 1)
    with receiving() as receiver:
        with told_to(service, at(receiver)):
            messages.look(service.services, now() + timedelta(minutes=2))
        delivery.send_due(service.services)
        with told_to(service, at(receiver)):
            delivery.send_due(service.services)

        assert [(row.state, row.error) for row in rows(service)] == [("failed", GIVEN_UP)]
        assert receiver.came == []


def test_a_cause_that_is_settled_before_it_is_told_is_not_told_late(service: Service) -> None:
    stopped(service, 1)
    with receiving() as receiver, told_to(service, at(receiver)), service.changed(retry_minutes=(60.0,)):
        receiver.status = 503
        say(service)
        service.execute(update(Order).values(state=OrderState.DISMISSED, cause=None))
        receiver.status = 200
        say(service)

        assert [(row.state, row.error) for row in rows(service)] == [("failed", "It was settled before it was told")]
        assert len(receiver.came) == 1


def test_without_channels_nothing_is_recorded(service: Service) -> None:
    stopped(service, 1)
    say(service)

    assert rows(service) == []


# The settings page, and the secrets


@pytest.fixture
def as_administrator(service: Service) -> Person:
    return somebody_with(service, Role.ADMINISTRATOR)


def test_the_settings_page_tells_which_channel_does_not_work_and_tests_one(
    service: Service, channel: Receiver, as_administrator: Person
) -> None:
    stopped(service, 1)
    with told_to(service, at(channel), DOWN), service.changed(retry_minutes=(60.0,)):
        say(service)
        page = as_administrator.get("/console/settings").text
        assert "JSON, number 2" in page
        assert "does not work</span>: it can&#39;t be reached" in page
        works, _ = notify_urls.channels(service.services.settings)
        answer = as_administrator.post(f"/console/settings/channels/{works.name}/test", follow_redirects=True)
        assert "JSON, number 1: the message was taken." in answer.text
        assert as_administrator.post("/console/settings/channels/none/test").status_code == 404
    assert titles(channel)[-1] == "Test: messages arrive here"


@pytest.fixture
def log_lines() -> Iterator[list[logging.LogRecord]]:
    """What reaches the log; pytest's own fixture also has what is kept from it."""
    lines: list[logging.LogRecord] = []
    handler, root = logging.Handler(logging.DEBUG), logging.getLogger()
    handler.emit = lines.append  # type: ignore[method-assign]
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)


def test_a_channels_address_is_shown_nowhere(
    service: Service, as_administrator: Person, log_lines: list[logging.LogRecord]
) -> None:
    stopped(service, 1)
    with told_to(service, DOWN):
        say(service)
        page = as_administrator.get("/console/settings").text
    assert "1 set, not shown" in page
    assert TOKEN not in page
    assert TOKEN not in repr(notify_urls.channels(service.services.settings))
    assert [record for record in log_lines if record.name.startswith("apprise")] == []
    assert TOKEN not in json.dumps([row.error for row in rows(service)])


def test_the_parts_of_an_address_that_can_be_tokens_are_masked_in_the_log() -> None:
    parts = parts_of_secret_address("ntfys://user:long%40password@ntfy.example.com/fiber?token=abcdefgh1")

    assert {"long@password", "abcdefgh1"} <= set(parts)
    assert "fiber" not in parts

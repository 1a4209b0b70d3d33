"""The morning mail: when it comes, that it comes once, and what it says."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.aftercare import cases
from app.aftercare.case_kinds import CANCEL
from app.models import (
    Alert,
    AlertKind,
    Notice,
    NoticeKind,
    NoticeState,
    Order,
    OrderState,
    OrderStep,
    ScheduleMark,
    StepState,
    now,
)
from app.morning.schedule import tell_when_due
from app.morning.summary import summary
from app.provisioning import teamwork
from app.provisioning.causes.open_causes import backfill
from app.provisioning.problems import UNKNOWN_PLAN
from tests.conftest import Service

DENVER = ZoneInfo("America/Denver")
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=DENVER)
SCHEDULE = "0 7 * * mon-fri"


@pytest.fixture
def office(service: Service) -> Iterator[Service]:
    """An office that has had the schedule for a month."""
    with service.changed(morning_summary=SCHEDULE):
        service.add(ScheduleMark(name=f"morning {SCHEDULE}", kept_since=MONDAY - timedelta(days=30)))
        yield service


def told(service: Service) -> list[str]:
    kind = Notice.kind == NoticeKind.MORNING_SUMMARY
    return service.rows(select(Notice.key).where(kind).order_by(Notice.id))


def add(service: Service, *orders: dict[str, Any]) -> None:
    with service.services.database.write() as session:
        for number, values in enumerate(orders, 1):
            session.add(Order(**{"orderref": f"UIA202411-{number:06}", **values}))
    backfill(service.services.database)


def content(service: Service, moment: datetime = MONDAY) -> dict[str, Any]:
    return service.read(summary, service.services.settings, moment)


# When


@pytest.mark.parametrize(
    ("after", "comes"),
    [
        (timedelta(seconds=-1), False),
        (timedelta(), True),
        (timedelta(hours=2, minutes=59), True),
        (timedelta(hours=3, minutes=1), False),
    ],
)
def test_it_comes_at_its_time_or_a_little_later_and_not_in_the_afternoon(
    office: Service, after: timedelta, comes: bool
) -> None:
    assert tell_when_due(office.services, MONDAY + after) is comes


def test_it_comes_once_a_day_however_many_ask_and_whatever_the_schedule_becomes(office: Service) -> None:
    assert [tell_when_due(office.services, MONDAY + timedelta(minutes=each)) for each in (0, 1, 1)] == [True] + [
        False
    ] * 2
    with office.changed(morning_summary="30 7 * * mon-fri"):
        with office.services.database.write() as session:
            session.add(ScheduleMark(name="morning 30 7 * * mon-fri", kept_since=MONDAY))
        assert not tell_when_due(office.services, MONDAY + timedelta(minutes=31))
    assert tell_when_due(office.services, MONDAY + timedelta(days=1))
    assert told(office) == ["morning_summary:2026-11-23", "morning_summary:2026-11-24"]


def test_none_comes_at_the_weekend_or_where_it_is_switched_off(office: Service) -> None:
    assert not tell_when_due(office.services, MONDAY - timedelta(days=1))
    with office.changed(morning_summary=None):
        assert not tell_when_due(office.services, MONDAY)


def test_after_days_off_there_is_one_of_today_and_none_of_the_days_between(office: Service) -> None:
    assert tell_when_due(office.services, MONDAY)
    assert tell_when_due(office.services, MONDAY + timedelta(days=3, minutes=20))
    assert told(office) == ["morning_summary:2026-11-23", "morning_summary:2026-11-26"]


def test_a_schedule_that_was_set_up_after_its_time_begins_the_next_day(service: Service) -> None:
    now = datetime.now(UTC)
    today = now.astimezone(service.services.settings.zone)
    with service.changed(morning_summary=f"{today.minute} {today.hour} * * *"):
        assert not tell_when_due(service.services)


# What it says


def test_done_yesterday_is_on_a_monday_what_was_done_since_friday(office: Service) -> None:
    friday, sunday = MONDAY - timedelta(days=3), MONDAY - timedelta(hours=8)
    done = {"state": OrderState.COMPLETED, "received_at": friday}
    add(
        office,
        *({**done, "finished_at": when} for when in (friday, sunday)),
        {**done, "finished_at": friday - timedelta(days=1), "received_at": friday - timedelta(days=1)},
        {**done, "finished_at": MONDAY},
        {**done, "state": OrderState.DISMISSED, "finished_at": sunday},
    )

    assert content(office)["days"] == "from Friday to Sunday"
    assert content(office)["done"] == {"came": 4, "completed": 2, "added": 0, "exists": 0, "not_ours": 0, "closed": 1}
    assert content(office, MONDAY + timedelta(days=1))["days"] == "yesterday"


def added_to_a_customer(office: Service, finished_at: datetime) -> None:
    """Two orders that were finished then: one made an account, one was added to a customer whom a person named."""
    add(
        office, *({"state": OrderState.COMPLETED, "finished_at": finished_at, "received_at": finished_at} for _ in "ab")
    )
    with office.services.database.write() as session:
        made, added = session.scalars(select(Order).order_by(Order.id)).all()
        session.add(OrderStep(order_id=made.id, name="create_customer", state=StepState.DONE))
        found = {"customer_id": "1001"}
        session.add(OrderStep(order_id=added.id, name="find_customer", state=StepState.DONE, result=found))


def test_an_order_that_was_added_to_a_customer_is_no_account_that_was_made(office: Service) -> None:
    added_to_a_customer(office, MONDAY - timedelta(days=1))

    done = content(office)["done"]
    assert (done["completed"], done["added"]) == (1, 1)
    tell_when_due(office.services, MONDAY)
    (mail,) = office.notices("Good morning")
    assert mail["Subject"].endswith("; 1 account made, 1 order added to a customer from Friday to Sunday")
    assert "- Added to customers:     1\n" in mail.text
    assert "Added to customers" in str(mail.get_body(("html",)).get_content())


def test_what_needs_somebody_is_told_by_cause_with_the_oldest_order_and_nobodys_name(office: Service) -> None:
    plan = {"unknown_plans": ["2.5 Gbps"], "first_name": "Ada"}
    stopped = {"state": OrderState.NEEDS_REVIEW, "problem": UNKNOWN_PLAN.code, "account": plan, "reason": "Ada Lind"}
    add(office, *([stopped] * 3), {"state": OrderState.EXISTS, "customer_id": "1001"})

    said = content(office)

    assert said["needs"][0]["title"] == "3 orders wait for the plan 2.5 Gbps"
    assert (said["causes"], said["orders_needing"]) == (2, 4)
    assert said["needs"][0]["since"] is not None
    assert said["oldest"]["orderref"] == "UIA202411-000001"
    assert "Ada" not in str(said)


def test_the_mail_says_all_of_it_in_text_and_html(office: Service) -> None:
    plan = {"unknown_plans": ["2.5 Gbps"]}
    stopped = {"state": OrderState.NEEDS_REVIEW, "problem": UNKNOWN_PLAN.code, "account": plan}
    add(
        office,
        stopped,
        stopped,
        {"state": OrderState.WAITING, "waiting_for": "powercode", "waiting_since": MONDAY - timedelta(hours=2)},
        {"state": OrderState.COMPLETED, "finished_at": MONDAY - timedelta(days=1)},
    )
    with office.services.database.write() as session:
        moments = {"began_at": MONDAY, "opened_at": MONDAY, "looked_at": MONDAY}
        alert = {"kind": AlertKind.SYSTEM_DOWN, "subject": "powercode", "slot": "x", **moments}
        session.add(Alert(**alert, content={"system": "PowerCode", "orders": []}))
    tell_when_due(office.services, MONDAY)

    (mail,) = office.notices("Good morning")

    assert mail["Subject"] == (
        "Good morning: 2 orders need you; 1 account made from Friday to Sunday; PowerCode does not answer"
    )
    html = str(mail.get_body(("html",)).get_content())
    for words in ("2 orders wait for the plan 2.5 Gbps", "PowerCode does not answer", "UIA202411-000001", "no trouble"):
        assert (words in mail.text, words in html) == (True, True), words
    assert "https://orders.example.com/console" in mail.text
    assert re.search(r'<a href="[^"]*/UIA202411-000001"[^>]*>The oldest open order: UIA202411-000001, since ', html)
    assert "<strong>Done from Friday to Sunday</strong>" in html
    assert re.search(r"<td[^>]*>Accounts made</td>\s*<td[^>]*text-align:right[^>]*>1</td>", html)
    assert re.search(r"<td[^>]*>UTOPIA</td>\s*<td[^>]*>no trouble known</td>", html)


def test_a_cause_of_one_order_is_the_link_to_it_but_for_what_is_in_brackets(office: Service) -> None:
    add(office, {"state": OrderState.EXISTS})
    tell_when_due(office.services, MONDAY)

    (mail,) = office.notices("Good morning")

    html = str(mail.get_body(("html",)).get_content())
    assert re.search(r'/UIA202411-000001"[^>]*>1 order: the person has an account already</a> \(since ', html)


def test_what_is_put_off_needs_nobody_and_is_counted(office: Service) -> None:
    stopped = {"state": OrderState.NEEDS_REVIEW, "problem": UNKNOWN_PLAN.code, "account": {"unknown_plans": ["x"]}}
    add(office, *([stopped] * 3))
    day = now().astimezone(DENVER).date() + timedelta(days=2)
    with office.services.database.write() as session:
        teamwork.put_off(session, "Stan", day, DENVER, Order.orderref != "UIA202411-000001", reason="Ada Lind is away")
    tell_when_due(office.services, MONDAY)

    (mail,) = office.notices("Good morning")

    said = f"2 orders are put off; the first comes back on {day:%A} {day.day} {day:%B}."
    assert "Good morning: 1 order needs you;" in mail["Subject"]
    assert said in mail.text
    assert said in str(mail.get_body(("html",)).get_content())
    assert "Ada" not in mail.text


def test_a_quiet_morning_says_so(office: Service) -> None:
    tell_when_due(office.services, MONDAY + timedelta(days=1))

    (mail,) = office.notices("Good morning")

    assert mail["Subject"] == "Good morning: nothing needs you; 0 accounts made yesterday"
    assert "Nothing needs you." in mail.text


def test_a_mail_that_could_not_be_sent_needs_somebody(office: Service) -> None:
    with office.services.database.write() as session:
        session.add(Notice(key="x", kind=NoticeKind.TEST_CALLBACK, content={}, state=NoticeState.FAILED))
    tell_when_due(office.services, MONDAY)

    (mail,) = office.notices("Good morning")

    assert "Good morning: something needs you" in mail["Subject"]
    assert "1 mail to the office could not be sent" in mail.text


def test_what_follows_the_accounts_is_in_it_where_somebody_is_needed(office: Service) -> None:
    assert content(office)["aftercare"]["due"] == 0
    with office.services.database.write() as session:
        day = MONDAY.date()
        cases.open_case(session, CANCEL, by="Stan Staff", due_on=day, slot="1", customer_id="1001")
        cases.open_case(session, CANCEL, by="Stan Staff", due_on=day + timedelta(days=1), slot="2", customer_id="1002")

    assert tell_when_due(office.services, MONDAY)

    (mail,) = office.notices("Good morning")
    assert "Good morning: something needs you" in mail["Subject"]
    assert "No order needs you." in mail.text
    assert "After the account:\n- 1 case is due\nSee them: https://orders.example.com/console/aftercare" in mail.text

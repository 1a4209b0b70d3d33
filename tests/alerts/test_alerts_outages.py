"""A remote system that is down: one mail when it is noticed, and one when it is over."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from app.alerts import long_waits
from app.alerts.alert_words import title
from app.alerts.watch import watch_for_alerts
from app.models import Order, OrderState, RemoteSystem, System, now
from app.safekeeping import after_restore
from app.wording import outage_words
from tests.alerts.alert_mails import MINUTE, alerts, another_host, looks, mail_is_stuck, mail_works, open_kinds, says
from tests.conftest import Service
from tests.notices.arrived_mails import the_mail
from tests.provisioning.waiting_orders import the_time_has_come
from tests.tools.at_once import at_once

REF, OTHER = "UIA202411-001186", "UIA202411-001187"


# A remote system is down


def down_with_orders(service: Service, *orderrefs: str) -> None:
    """PowerCode is down, and these orders wait for it."""
    service.sandbox.powercode.down()
    for number, orderref in enumerate(orderrefs):
        service.take(orderref, siteid=f"7148{number}", firstname=f"Ada{number}", address=f"{number + 1} LAKE ROAD")


def told_after(service: Service, minutes: int) -> None:
    """PowerCode is down, an order waits for it, and the office is told after so long."""
    down_with_orders(service, REF)
    a_while_ago(service, minutes)
    long_waits.tell(service.services)


def a_while_ago(service: Service, minutes: float) -> None:
    """The outage began so long ago."""
    long_ago = now() - timedelta(minutes=minutes)
    service.execute(update(RemoteSystem).values(down_since=long_ago))
    waiting = update(Order).where(Order.state == OrderState.WAITING)
    service.execute(waiting.values(waiting_since=long_ago))


def answers_again(service: Service, *orderrefs: str) -> None:
    """PowerCode answers, and the orders go on."""
    service.sandbox.powercode.up()
    the_time_has_come(service)
    for orderref in orderrefs:
        service.rested(orderref, "completed")


@pytest.mark.long
def test_an_outage_has_one_mail_when_it_is_noticed_and_one_when_it_is_over(patient: Service) -> None:
    down_with_orders(patient, REF, OTHER)
    a_while_ago(patient, 200)
    for _ in range(3):
        long_waits.tell(patient.services)
        watch_for_alerts(patient.services)
    assert [mail["Subject"] for mail in patient.notices()] == ["Still waiting for PowerCode: 2 orders"]

    answers_again(patient, REF, OTHER)
    looks(patient, 0, 5, 11, 12, 30)

    mail = the_mail(patient, "PowerCode answers again after 3 h 20 min")
    assert says(mail, "2 orders waited: 2 completed by now, 0 still under way. Nothing was lost.", "Nothing.")
    assert len(patient.notices("PowerCode")) == 2
    (alert,) = alerts(patient)
    assert (alert.kind, alert.subject, alert.told, alert.slot) == ("system_down", "powercode", True, None)


@pytest.mark.long
def test_a_refused_key_is_told_as_that_with_its_setting_from_the_first_mail_to_the_last(patient: Service) -> None:
    server = patient.sandbox.powercode
    key, server.api_key = server.api_key, "a new one, made there"
    order = patient.take(REF)
    assert order["reason"].startswith("PowerCode refuses our API key")
    a_while_ago(patient, 200)
    long_waits.tell(patient.services)

    mail = the_mail(patient, "PowerCode refuses our API key (PC_API_KEY): 1 order waits")
    assert says(
        mail, "refuses our API key since", "Correct PC_API_KEY in .env", "this server's IP address", "systemctl reload"
    )
    assert "answered" not in mail.text
    (alert,) = alerts(patient)
    assert title(alert) == "PowerCode refuses our API key (PC_API_KEY)"

    server.api_key = key
    answers_again(patient, REF)
    looks(patient, 11)

    mail = the_mail(patient, "PowerCode accepts our API key again (PC_API_KEY), after 3 h 20 min")
    assert says(mail, "PowerCode refused our API key (PC_API_KEY) from")
    assert "not answer" not in mail.text


def test_an_outage_that_turns_out_to_be_a_refused_key_is_told_as_that_from_then_on(patient: Service) -> None:
    told_after(patient, 31)
    patient.execute(update(RemoteSystem).values(error=outage_words.key_refused("PowerCode", "Invalid API key")))

    watch_for_alerts(patient.services)

    (alert,) = alerts(patient)
    assert title(alert) == "PowerCode refuses our API key (PC_API_KEY)"
    assert alert.content["orders"] == [REF]


@pytest.mark.long
def test_a_mail_about_thousands_of_orders_names_some_and_counts_the_others(patient: Service) -> None:
    down_with_orders(patient, REF)
    with patient.services.database.write() as session:
        waits = {"state": OrderState.WAITING, "waiting_for": "powercode", "waiting_since": now()}
        session.add_all(Order(orderref=f"WAITS-{each:04}", stage="account", **waits) for each in range(1199))
    a_while_ago(patient, 200)

    long_waits.tell(patient.services)

    mail = the_mail(patient, "Still waiting for PowerCode: 1200 orders")
    assert says(mail, "WAITS-0048", "and 1150 more")


@pytest.mark.long
def test_orders_that_come_to_wait_later_are_counted_and_not_told_of_again(patient: Service) -> None:
    told_after(patient, 31)
    patient.take(OTHER, siteid="714999", firstname="Iris", address="9 HILL ROAD")
    watch_for_alerts(patient.services)
    a_while_ago(patient, 40)
    long_waits.tell(patient.services)

    answers_again(patient, REF, OTHER)
    looks(patient, 11)

    assert says(the_mail(patient, "answers again"), "2 orders waited")
    assert len(patient.notices("Still waiting")) == 1


def test_an_order_that_needs_somebody_after_the_outage_is_in_the_mail_at_its_end(patient: Service) -> None:
    told_after(patient, 31)
    patient.sandbox.powercode.up()
    patient.execute(update(RemoteSystem).values(down_since=None, up_since=now()))
    patient.execute(update(Order).values(state=OrderState.NEEDS_REVIEW, waiting_for=None, waiting_since=None))
    looks(patient, 11)

    mail = the_mail(patient, "PowerCode answers again")
    assert mail["Subject"].endswith(": 1 order needs you")
    assert says(mail, "1 that needs you", "Settle what needs you")


def test_a_system_that_answers_for_a_moment_is_still_the_same_outage(patient: Service) -> None:
    told_after(patient, 60)
    patient.execute(update(RemoteSystem).values(down_since=None, up_since=now() - 12 * MINUTE))
    watch_for_alerts(patient.services, now() - 10 * MINUTE)
    values = {"down_since": now() - 9 * MINUTE, "error": "down again"}
    patient.execute(update(RemoteSystem).values(values))
    patient.execute(update(Order).values(told_of_wait_since=None))
    long_waits.tell(patient.services)
    looks(patient, 60)

    assert len(patient.notices("PowerCode")) == 1
    assert open_kinds(patient) == ["system_down"]


def test_an_outage_that_ended_while_nobody_looked_is_closed_before_the_next_is_told(patient: Service) -> None:
    told_after(patient, 300)
    values = {"up_since": now() - 200 * MINUTE, "down_since": now() - 40 * MINUTE}
    patient.execute(update(RemoteSystem).values(values))
    patient.execute(update(Order).values(told_of_wait_since=None, waiting_since=now() - 40 * MINUTE))
    long_waits.tell(patient.services)

    assert sorted(mail["Subject"] for mail in patient.notices()) == [
        "PowerCode answers again after 1 h 40 min",
        "Still waiting for PowerCode: 1 order",
        "Still waiting for PowerCode: 1 order",
    ]
    assert open_kinds(patient) == ["system_down"]


def test_when_no_order_waits_any_more_nothing_is_said_about_the_system(patient: Service) -> None:
    told_after(patient, 31)
    patient.execute(update(Order).values(state=OrderState.DISMISSED, waiting_for=None, waiting_since=None))
    looks(patient, 0, 11)

    mail = the_mail(patient, "No order waits for PowerCode any more")
    assert says(mail, "the next order will show whether it works", "1 closed otherwise")
    assert "answers again" not in mail.text


def test_a_system_that_nobody_called_opens_nothing(patient: Service) -> None:
    patient.add(RemoteSystem(name=System.POWERCODE, down_since=now() - timedelta(hours=5), failures=1))
    long_waits.tell(patient.services)
    watch_for_alerts(patient.services)

    assert alerts(patient) == []
    assert patient.notices() == []


@pytest.mark.sweep
def test_of_two_hosts_that_see_the_same_only_one_writes(patient: Service) -> None:
    down_with_orders(patient, REF)
    a_while_ago(patient, 60)
    mail_is_stuck(patient, 300)
    with another_host(patient) as other:
        hosts = (patient.services, other)
        at_once(*[partial(long_waits.tell, host) for host in hosts])
        at_once(*[partial(watch_for_alerts, host) for host in hosts])
        mail_works(patient)
        answers_again(patient, REF)
        for minutes in (0, 11, 12, 24):
            patient.mail_settled()
            at_once(*[partial(watch_for_alerts, host, now() + minutes * MINUTE) for host in hosts])

    subjects = [mail["Subject"] for mail in patient.notices()]
    for words in ("Still waiting", "held up", "answers again"):
        assert len([subject for subject in subjects if words in subject]) == 1
    assert len(alerts(patient)) == 2


# What a backup knows is old


def test_what_was_wrong_when_a_backup_was_made_is_not_wrong_after_it_was_put_back(patient: Service) -> None:
    mail_is_stuck(patient, 300)
    watch_for_alerts(patient.services)
    patient.sandbox.mailbox.up()

    after_restore.settle(patient.services, now())

    assert alerts(patient) == []

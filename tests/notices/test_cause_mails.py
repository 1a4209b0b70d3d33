"""Orders that stop for one reason are one mail, and not forty."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.models import Notice, Order, OrderState, System, ToldCause, now
from app.provisioning import review, teamwork
from app.provisioning.causes import cause_mails
from tests.conftest import Service, wait_for
from tests.console.made_orders import apart, settled_as

PLAN = "2.5 Gbps"


def stopped(service: Service, *numbers: int, plan: str = PLAN) -> None:
    for number in numbers:
        home = apart(number, plan=plan, lastname=f"Lind{number}")
        settled_as(service, f"UIA202412-000{number}", OrderState.NEEDS_REVIEW, **home)


def subjects(service: Service) -> list[str]:
    return [str(mail["Subject"]).strip() for mail in service.notices("Needs you")]


def waits_for_mail(service: Service) -> bool:
    return service.scalar(select(Notice.waiting_for)) == System.MAIL


def later(service: Service, hours: float) -> None:
    """The last mail was so long ago; then the schedule looks."""
    with service.services.database.write() as session:
        for told in session.scalars(select(ToldCause)):
            told.told_at -= timedelta(hours=hours)
        for order in session.scalars(select(Order)):
            order.stopped_at = (order.stopped_at or now()) - timedelta(hours=hours)
    cause_mails.tell_of_those_who_joined(service.services)


FIRST = f"Needs you: plan {PLAN} is unknown, order UIA202412-000401, Ada Lind401"


def test_the_first_order_of_a_cause_is_told_at_once_and_others_join_it_quietly(service: Service) -> None:
    stopped(service, 401, 402, 403)
    stopped(service, 404, plan="Voice")

    assert subjects(service) == [FIRST, "Needs you: plan Voice is unknown, order UIA202412-000404, Ada Lind404"]


def test_a_day_later_one_mail_counts_those_who_joined_and_then_it_is_quiet_again(service: Service) -> None:
    stopped(service, 401, 402, 403)
    later(service, 23)
    assert len(subjects(service)) == 1

    later(service, 2)
    later(service, 30)

    assert subjects(service) == [FIRST, f"Needs you still: plan {PLAN} is unknown, 3 orders"]


def test_what_is_put_off_is_not_counted_by_the_daily_mail_and_does_not_keep_news_quiet(service: Service) -> None:
    stopped(service, 401, 402, 403)
    zone = service.services.settings.zone
    day = now().astimezone(zone).date() + timedelta(days=2)
    service.write(teamwork.put_off, "Stan", day, zone, Order.orderref != "UIA202412-000401")
    later(service, 25)
    assert len(subjects(service)) == 1

    service.write(teamwork.put_off, "Stan", day, zone)
    stopped(service, 404)

    assert subjects(service)[1:] == [FIRST.replace("401", "404")]


@pytest.mark.long
def test_a_mail_that_had_to_wait_tells_of_all_who_joined_meanwhile(service: Service) -> None:
    service.sandbox.mailbox.down()
    stopped(service, 401)
    wait_for(lambda: waits_for_mail(service))
    stopped(service, 402, 403)
    service.sandbox.mailbox.up()

    wait_for(lambda: subjects(service))
    (mail,) = service.notices("Needs you")
    assert mail["Subject"].strip() == f"Needs you: plan {PLAN} is unknown, 3 orders"
    assert "3 fiber orders stopped for this reason" in mail.text
    listed = "these:\n- UIA202412-000402, Ada Lind402\n- UIA202412-000403, Ada Lind403\n\nYou get"
    assert f"With the first, which is below, {listed}" in mail.text
    assert "The first of them:\n\nOrder:              UIA202412-000401" in mail.text
    assert "Settle all of them at once here: https://orders.example.com/console" in mail.text


def test_a_cause_that_comes_back_after_it_was_settled_is_told_again(service: Service) -> None:
    stopped(service, 401)
    service.act(review.dismiss, "UIA202412-000401", "Stan", "not sold")

    stopped(service, 402)

    assert len(subjects(service)) == 2


@pytest.mark.parametrize(("hours", "mails"), [(0.9, 1), (1.1, 2)])
def test_of_orders_that_are_decided_one_by_one_more_are_told_within_the_hour(
    service: Service, hours: float, mails: int
) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer", times=2)
    for number in (401, 402):
        settled_as(service, f"UIA202412-000{number}", OrderState.NEEDS_REVIEW, **apart(number, lastname=f"L{number}"))

    later(service, hours)

    assert len(subjects(service)) == mails

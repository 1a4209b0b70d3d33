"""Each notice arrives once, whatever dies, refuses or is down on its way."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app import notices
from app.models import Notice, NoticeDelivery, NoticeKind, NoticeState, Order, now
from app.provisioning import review
from app.remote import breaker
from app.running.background import ABOUT_ORDERS
from tests.conftest import Service, wait_for
from tests.notices.arrived_mails import ONE_DAY, OTHER, REF, arrived, breakers, the_mail

OFFICE, BILLING = "office@example.com", "billing@example.com"


def to_both(service: Service) -> Any:
    """Two recipients."""
    return service.changed(email_recipients=(OFFICE, BILLING))


# Each arrives once


def test_each_recipient_gets_a_message_of_their_own(service: Service) -> None:
    with to_both(service):
        service.take()
        mails = service.notices()

    assert [mail.envelope.recipients for mail in mails] == [(OFFICE,), (BILLING,)]
    assert [mail["To"] for mail in mails] == [OFFICE, BILLING]


def test_a_refused_recipient_stops_and_repeats_nothing_for_the_others(service: Service) -> None:
    service.sandbox.mailbox.rejected_recipients.add(OFFICE)
    with to_both(service):
        service.take()
        wait_for(lambda: service.sandbox.mailbox.connections >= 2)
        assert [mail["To"] for mail in service.notices()] == [BILLING]
        assert service.show(REF)["notices"][0]["error"] == "1 recipients refused"

        service.sandbox.mailbox.rejected_recipients.clear()
        assert [mail["To"] for mail in arrived(service, 2)] == [BILLING, OFFICE]
    assert service.show(REF)["notices"][0]["state"] == "sent"


def test_a_recipient_who_is_refused_for_good_ends_the_notice_as_failed(service: Service) -> None:
    service.sandbox.mailbox.rejected_recipients.add(OFFICE)
    with service.changed(give_up_after_hours=0.00001):
        service.take()
        wait_for(lambda: service.show(REF)["notices"][0]["state"] == "failed")

    assert "550" in service.show(REF)["notices"][0]["error"]


def test_a_mail_server_that_is_down_delays_the_notice_and_never_the_account(service: Service) -> None:
    service.sandbox.mailbox.down()

    assert service.take()["state"] == "completed"
    wait_for(lambda: service.show(REF)["notices"][0]["next_try_at"])
    assert "MAIL_SERVER" in service.show(REF)["notices"][0]["error"]
    service.sandbox.mailbox.up()

    assert len(arrived(service, 1)) == 1


def test_one_notice_tries_a_mail_server_that_is_down_and_the_others_wait_for_it(service: Service) -> None:
    service.sandbox.mailbox.refuse = True
    with service.changed(retry_minutes=ONE_DAY):
        service.take(REF)
        wait_for(lambda: service.show(REF)["notices"][0]["next_try_at"])
        tried = service.sandbox.mailbox.connections
        service.take(OTHER, siteid="714912", address="7 LAKE ROAD")
        wait_for(lambda: service.show(OTHER)["notices"][0]["next_try_at"])

    assert service.sandbox.mailbox.connections == tried


def test_a_mail_that_gets_no_answer_is_no_outage_of_the_mail_server(service: Service) -> None:
    service.sandbox.mailbox.fault("DATA", "no_answer")
    with service.changed(retry_minutes=ONE_DAY):
        service.take(REF)
        wait_for(lambda: service.show(REF)["notices"][0]["next_try_at"])
        service.take(OTHER, siteid="714912", address="7 LAKE ROAD")

        wait_for(lambda: service.show(OTHER)["notices"][0]["state"] == "sent")
    assert service.read(breaker.systems_down) == {}


def test_a_server_that_takes_no_mail_from_us_is_down(service: Service) -> None:
    service.sandbox.mailbox.fault("MAIL", "reject", times=None, code=550)
    with service.changed(retry_minutes=ONE_DAY):
        service.take(REF)
        wait_for(lambda: service.show(REF)["notices"][0]["next_try_at"])

    assert "550" in str(service.read(breaker.systems_down)["mail"].error)


def test_a_mail_that_may_have_arrived_is_repeated_with_the_same_message_id(service: Service) -> None:
    service.sandbox.mailbox.fault("DATA", "no_answer")
    service.take()

    first, second = arrived(service, 2)

    assert first["Message-ID"] == second["Message-ID"]
    assert first["Subject"] == second["Subject"]


def test_a_mail_that_a_kill_interrupted_is_sent_again_with_the_same_message_id(service: Service) -> None:
    service.take()
    sent = the_mail(service)
    with service.services.database.write() as session:
        session.execute(update(NoticeDelivery).values(state="sending"))
        notice = session.scalars(select(Notice)).one()
        notice.state = NoticeState.PENDING
        notices.next_run(service.services.work_queue, session, notice)

    _, repeated = arrived(service, 2)

    assert repeated["Message-ID"] == sent["Message-ID"]


def test_a_notice_that_nothing_works_on_is_picked_up(service: Service) -> None:
    with service.services.database.write() as session:
        order = Order(orderref=REF, state="completed", reason=None)
        session.add(order)
        session.flush()
        session.add(Notice(key="lost", kind="needs_you", order_id=order.id, created_at=now() - timedelta(hours=1)))

    notices.pick_up_stranded_notices(service.services)

    assert len(arrived(service, 1)) == 1


def test_a_notice_that_a_dead_workflow_had_claimed_is_picked_up(service: Service) -> None:
    claimed = {"claimed_by": "notice-99999", "created_at": now() - timedelta(hours=1)}
    service.add(Notice(key="claimed", kind=NoticeKind.TEST_CALLBACK, restarts=1, **claimed))

    notices.pick_up_stranded_notices(service.services)

    assert len(arrived(service, 1)) == 1


def test_a_workflow_that_a_crash_repeats_delivers_all_that_it_had_claimed_and_nothing_of_others(idle: Service) -> None:
    mine, others = "notice-3", "notice-9"
    for key, claimed_by in (("left behind", mine), ("others'", others), ("own", mine), ("nobody's", None)):
        idle.add(Notice(key=key, kind=NoticeKind.TEST_CALLBACK, claimed_by=claimed_by))

    assert notices.deliver(idle.services, ABOUT_ORDERS, 3, 1) == NoticeState.SENT

    with idle.services.database.read() as session:
        rows = {row.key: (row.state, row.claimed_by, row.restarts) for row in session.scalars(select(Notice))}
    assert rows.pop("others'") == (NoticeState.PENDING, others, 0)
    assert rows == dict.fromkeys(("left behind", "own", "nobody's"), (NoticeState.SENT, None, 0))
    assert len(idle.sandbox.mailbox.messages) == 3


def test_a_notice_that_can_not_be_claimed_repeats_no_other(idle: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("first", "second"):
        idle.add(Notice(key=key, kind=NoticeKind.TEST_CALLBACK))
    monkeypatch.setattr(idle.services.work_queue, "withdraw", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        notices.deliver(idle.services, ABOUT_ORDERS, 1, 1)

    with idle.services.database.read() as session:
        rows = [(row.state, row.claimed_by) for row in session.scalars(select(Notice).order_by(Notice.id))]
    assert rows == [(NoticeState.SENT, None), (NoticeState.PENDING, None)]


def test_a_notice_that_another_workflow_is_at_work_on_is_left_to_it(service: Service) -> None:
    with service.services.database.write() as session:
        session.add(Notice(key="claimed", kind=NoticeKind.TEST_CALLBACK, claimed_by="notice-99999"))
        notices.record(service.services.work_queue, session, NoticeKind.TEST_CALLBACK, "mine")
    wait_for(lambda: service.sandbox.mailbox.messages)
    with service.services.database.write() as session:
        claimed = session.scalars(select(Notice).filter_by(key="claimed")).one()
        assert (claimed.state, claimed.claimed_by) == (NoticeState.PENDING, "notice-99999")
        claimed.state = NoticeState.DROPPED

    assert len(service.notices()) == 1


def test_every_notice_of_an_order_is_sent_once(service: Service) -> None:
    service.take(plan="10 Gbps")
    for _ in range(2):
        service.callback(REF)
    service.order(REF, plan="1 Gbps")
    service.act(review.resume, REF, "office")
    service.rested(REF, "completed")

    subjects = [str(mail["Subject"]).partition(":")[0] for mail in service.notices()]
    assert subjects == ["Needs you", "Account created"]
    assert [each["state"] for each in service.show(REF)["notices"]] == ["sent", "sent"]


def test_several_test_callbacks_within_a_minute_are_told_of_once(service: Service) -> None:
    for _ in range(5):
        service.client.post("/api-callback", json={"event": "Test", "msg": "Test"})

    assert 1 <= len(service.notices()) <= 2  # two, when the minute turns meanwhile


# After an outage


@pytest.mark.long
def test_notices_that_waited_go_out_one_after_the_other_and_a_new_one_does_not_wait_behind_them(
    service: Service,
) -> None:
    mailbox, work_queue = service.sandbox.mailbox, service.services.work_queue
    mailbox.down()
    with service.services.database.write() as session:
        for number in [*range(30), "new"]:
            notices.record(work_queue, session, NoticeKind.TEST_CALLBACK, f"{number}", remote_address=f"{number}")
    wait_for(lambda: breakers(service))
    connections = mailbox.connections
    mailbox.up()

    mails = arrived(service, 31)

    assert any("new" in mail.text for mail in mails[:6])
    assert mailbox.connections - connections <= 6

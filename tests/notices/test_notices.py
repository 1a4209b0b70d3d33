"""The mails to staff: what each says, and that each arrives once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app import notices
from app.alerts import long_waits
from app.models import Notice, NoticeDelivery, NoticeKind, NoticeState, Order, now
from app.provisioning import review, workflow
from app.remote import breaker
from sandbox import Mail
from tests.conftest import Service, wait_for

REF, OTHER = "UIA202411-001186", "UIA202411-001187"
ORDER_PAGE = f"https://orders.example.com/console/orders/{REF}"
CONTRACT_PAGE = f"{ORDER_PAGE}/contract"
OFFICE, BILLING = "office@example.com", "billing@example.com"
ADA = {"firstName": "Ada", "lastName": "Lind", "physicalStreet": "12 N EXAMPLE AVENUE"}
ONE_DAY = (24 * 60,)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed are repeated soon."""
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0.01)


def html_of(mail: Mail) -> str:
    """The mail's HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def says(mail: Mail, *words: str) -> bool:
    """Whether both parts of a mail say all this."""
    return all(word in mail.text and word in html_of(mail) for word in words)


def the_mail(service: Service, subject: str = "") -> Mail:
    """The one mail with this in its subject."""
    (mail,) = service.notices(subject)
    return mail


def arrived(service: Service, number: int) -> list[Mail]:
    """The mails, once so many have arrived."""

    def look() -> bool:
        notices.wake_due_notices(service.services)
        return len(service.sandbox.mailbox.messages) >= number

    wait_for(look)
    service.mail_settled()
    assert len(service.sandbox.mailbox.messages) == number
    return service.sandbox.mailbox.messages


def page(service: Service, customer_id: str) -> str:
    """The address of a customer's page."""
    return f"{service.sandbox.powercode.url}/index.php?q&page=/customers/_view.php&customerid={customer_id}"


def breakers(service: Service) -> list[str]:
    """The systems that are taken to be down."""
    with service.services.database.read() as session:
        return list(breaker.systems_down(session))


def to_both(service: Service) -> Any:
    """Two recipients."""
    return service.changed(email_recipients=(OFFICE, BILLING))


# What each says


def test_account_created_names_everything_and_what_to_do_next(service: Service) -> None:
    order = service.take(plan="1 Gbps", apt="4")

    mail = the_mail(service)
    assert mail["Subject"] == f"Account created: Ada Lind, 12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715 ({REF})"
    assert says(mail, REF, "Ada Lind", "12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715", "ada.lind@example.com")
    assert says(mail, "4065550143", "1 Gbps (PowerCode service 164)", "Bond fee (PowerCode service 172)")
    assert says(mail, "What to do next", "Call the customer", "The signed contract is attached")
    assert order["customer_id"] in mail.text
    assert order["ticket_id"] in mail.text
    assert page(service, order["customer_id"]) in mail.text
    assert page(service, order["customer_id"]).replace("&", "&amp;") in html_of(mail)
    assert "not added" not in mail.text


def test_customer_exists_says_that_nothing_was_changed_and_how_to_go_on(service: Service) -> None:
    service.sandbox.powercode.add_customer(**ADA)
    service.take()

    mail = the_mail(service)
    assert mail["Subject"].startswith("Customer exists already: Ada Lind, 12 N EXAMPLE AVENUE")
    assert says(mail, "Nothing was changed in PowerCode", "PowerCode customer 1001: the same name at the same address")
    assert f"settle it here:\n  {ORDER_PAGE}" in mail.text
    assert f'href="{ORDER_PAGE}"' in html_of(mail)
    assert page(service, "1001") in mail.text
    assert "Bond fee" not in mail.text
    assert list(mail.attachments) == [f"contract-{REF}.pdf"]


def test_needs_you_gives_the_reason_what_can_be_done_and_the_page_to_do_it_on(service: Service) -> None:
    service.sandbox.powercode.fault("addCustomerService", "no_answer")
    service.take()

    mail = the_mail(service)
    assert mail["Subject"] == f"Needs you: PowerCode did not say whether it was done, order {REF}, Ada Lind"
    assert says(mail, "PowerCode did not say whether the plan 250 Mbps (163) was added for customer 1001")
    assert f"Settle it here: {ORDER_PAGE}" in mail.text
    assert says(mail, "It is there: go on", "It is not there: do it again", "Close the order, with a note")
    assert f'href="{ORDER_PAGE}"' in html_of(mail)
    assert says(mail, "250 Mbps (PowerCode service 163), not known whether it was added")
    assert page(service, "1001") in mail.text


def test_needs_you_links_each_customer_who_may_be_meant(service: Service) -> None:
    service.sandbox.powercode.add_customer(**{**ADA, "lastName": "Lindt", "extAccountID": "714780"})
    service.take()

    mail = the_mail(service)
    assert says(mail, "It is customer 1001: go on with it", "It is somebody else: open a new account")
    assert page(service, "1001") in mail.text


def test_needs_you_for_an_unknown_plan_says_how_to_map_it(service: Service) -> None:
    service.take(plan="10 Gbps'; true")

    mail = the_mail(service)
    assert "10 Gbps'; true (unknown)" in mail.text
    assert """Say which PowerCode service the plan "10 Gbps'; true" is""" in mail.text


def test_needs_you_for_an_incomplete_contract_shows_what_there_is(service: Service) -> None:
    service.take(lastname=None, zip="")

    mail = the_mail(service)
    assert says(mail, "the last name, the ZIP code", "12 N EXAMPLE AVENUE")
    assert "None" not in mail.text


def test_the_test_callback_is_told_of_and_asks_for_nothing(service: Service) -> None:
    service.client.post("/api-callback", json={"event": "Test", "msg": "Test"})

    mail = the_mail(service)
    assert mail["Subject"] == "UTOPIA's test callback arrived"
    assert says(mail, "127.0.0.1", "There is nothing to do")
    assert service.sandbox.utopia.calls == []


def test_still_waiting_names_the_system_the_orders_and_the_last_answer(service: Service) -> None:
    service.sandbox.powercode.down()
    with service.changed(retry_minutes=ONE_DAY):
        service.take(REF)
        service.take(OTHER, siteid="714912")
    with service.changed(notice_after_minutes=0.0001, retry_minutes=ONE_DAY):
        long_waits.tell(service.services)

    mail = the_mail(service)
    assert mail["Subject"] == "Still waiting for PowerCode: 2 orders"
    assert says(mail, REF, OTHER, "PowerCode can", "no connection", "Nothing is lost in the meantime")


def test_times_in_mails_are_in_the_offices_zone(service: Service) -> None:
    with service.changed(timezone="Europe/Oslo"):
        service.client.post("/api-callback", json={"event": "Test", "msg": "Test"})
        mail = the_mail(service)

    assert " CET" in mail.text or " CEST" in mail.text


def test_markup_in_a_name_is_text_in_a_mail(service: Service) -> None:
    service.take(firstname="<script>alert(1)</script>", lastname="Lind & <b>Moe</b>")

    html = html_of(the_mail(service))
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Lind &amp; &lt;b&gt;Moe&lt;/b&gt;" in html


def test_letters_of_any_script_arrive_as_they_are(service: Service) -> None:
    service.take(firstname="Åsa 愛", lastname="Łukasz-O’Neil")

    mail = the_mail(service)
    assert "Åsa 愛 Łukasz-O’Neil" in mail["Subject"]
    assert says(mail, "Åsa 愛 Łukasz-O’Neil")


# The contract


def test_the_contract_is_attached(service: Service) -> None:
    service.take()

    ((name, content),) = the_mail(service).attachments.items()
    assert name == f"contract-{REF}.pdf"
    assert content.startswith(b"%PDF") and REF.encode() in content


def test_a_contract_that_is_not_ready_follows_in_a_second_mail_when_it_is(service: Service) -> None:
    service.take(contract_ready=False)
    first = the_mail(service)
    assert first.attachments == {}
    assert says(first, "it follows in a second mail")

    service.sandbox.utopia.set_contract_ready(REF)

    _, second = arrived(service, 2)
    assert second["Subject"] == f"Contract for Ada Lind ({REF})"
    assert list(second.attachments) == [f"contract-{REF}.pdf"]
    assert second["Message-ID"] != first["Message-ID"]


def test_a_utopia_that_is_down_delays_the_contract_and_not_the_notice(service: Service) -> None:
    service.sandbox.utopia.fault("contractdownload", "http", times=1, status=502)
    service.take()

    first, second = arrived(service, 2)

    assert "Account created" in first["Subject"]
    assert list(second.attachments) == [f"contract-{REF}.pdf"]


def test_a_contract_that_never_comes_is_given_up_with_a_mail_that_says_so(service: Service) -> None:
    service.take(contract_ready=False)
    the_mail(service)
    with service.services.database.write() as session:
        session.execute(update(Notice).values(created_at=now() - timedelta(days=4)))

    _, second = arrived(service, 2)

    assert "Contract still missing for Ada Lind" in second["Subject"]
    assert says(second, "not asked for any more")
    assert second.attachments == {}


def test_a_contract_above_the_limit_is_linked_and_not_attached(service: Service) -> None:
    service.order(REF)
    service.sandbox.utopia.set_contract_ready(REF, pdf=b"%PDF-1.4\n" + bytes(2_000_000))
    with service.changed(mail_attachment_mb=1.0):
        service.callback(REF)
        service.rested(REF)
        mail = the_mail(service)

    assert mail.attachments == {}
    assert says(
        mail, "The signed contract is not attached: it is larger (2 MB) than what is attached to a mail", "1 MB"
    )
    assert f"  {CONTRACT_PAGE}\n" in mail.text
    assert f'href="{CONTRACT_PAGE}"' in html_of(mail)
    assert breakers(service) == []


def test_no_contract_is_attached_where_none_is_wanted(service: Service) -> None:
    with service.changed(mail_attachment_mb=0.0):
        service.take()
        assert says(the_mail(service), "The signed contract is not attached: it is larger")


@pytest.mark.parametrize(("action", "code"), [("MAIL", 552), ("DATA", 552), ("DATA", 554)])
def test_a_contract_that_the_mail_server_does_not_take_holds_nothing_back(
    service: Service, action: str, code: int
) -> None:
    service.sandbox.mailbox.fault(action, "reject", code=code, text="5.3.4 Message too large")
    service.take()

    mail = the_mail(service)
    assert mail["Subject"].startswith("Account created")
    assert says(mail, "The signed contract is not attached: the mail server does not take a mail with it")
    assert CONTRACT_PAGE in mail.text
    assert mail.attachments == {}
    assert service.show(REF)["notices"][0]["state"] == "sent"


def test_a_contract_above_the_size_that_the_mail_server_announces_is_linked(service: Service) -> None:
    service.sandbox.mailbox.largest = 50_000
    service.order(REF)
    service.sandbox.utopia.set_contract_ready(REF, pdf=b"%PDF-1.4\n" + bytes(60_000))
    service.callback(REF)
    service.rested(REF)

    mail = the_mail(service)
    assert says(mail, "the mail server does not take a mail with it (60 kB)")
    assert mail.attachments == {}


def test_a_contract_that_is_too_large_to_fetch_is_told_as_that(service: Service) -> None:
    service.order(REF)
    service.sandbox.utopia.set_contract_ready(REF, pdf=b"%PDF-1.4\n" + bytes(33 * 1024 * 1024))
    service.callback(REF)
    service.rested(REF)

    mail = the_mail(service)
    assert says(mail, "The signed contract (35 MB) is too large to be fetched from UTOPIA here", "UTOPIA's portal")
    assert "not ready" not in mail.text
    assert breakers(service) == []


def test_a_contract_that_follows_is_linked_where_it_is_too_large(service: Service) -> None:
    service.take(contract_ready=False)
    the_mail(service)
    service.sandbox.utopia.set_contract_ready(REF, pdf=b"%PDF-1.4\n" + bytes(200_000))
    with service.changed(mail_attachment_mb=0.1):
        _, second = arrived(service, 2)

    assert second["Subject"] == f"Contract for Ada Lind ({REF})"
    assert says(second, "The signed contract is not attached: it is larger (200 kB)")


def test_after_three_deaths_a_notice_goes_out_without_its_contract(service: Service) -> None:
    service.take()
    the_mail(service)
    mails = []
    for deaths in (2, 3):
        with service.services.database.write() as session:
            session.execute(delete(NoticeDelivery))
            notice = session.scalars(select(Notice)).one()
            notice.state, notice.restarts = NoticeState.PENDING, deaths
            notices.next_run(service.services.work_queue, session, notice)
        mails.append(service.notices()[-1])

    twice, thrice = mails
    assert list(twice.attachments) == [f"contract-{REF}.pdf"]
    assert thrice.attachments == {}
    assert says(thrice, "The signed contract is not attached: sending it broke off several times")
    with service.services.database.read() as session:
        assert session.scalars(select(Notice)).one().restarts == 0


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
    with service.services.database.read() as session:
        assert breaker.systems_down(session) == {}


def test_a_server_that_takes_no_mail_from_us_is_down(service: Service) -> None:
    service.sandbox.mailbox.fault("MAIL", "reject", times=None, code=550)
    with service.changed(retry_minutes=ONE_DAY):
        service.take(REF)
        wait_for(lambda: service.show(REF)["notices"][0]["next_try_at"])

    with service.services.database.read() as session:
        assert "550" in str(breaker.systems_down(session)["mail"].error)


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
    with service.services.database.write() as session:
        claimed = {"claimed_by": "notice-99999", "created_at": now() - timedelta(hours=1)}
        session.add(Notice(key="claimed", kind=NoticeKind.TEST_CALLBACK, restarts=1, **claimed))

    notices.pick_up_stranded_notices(service.services)

    assert len(arrived(service, 1)) == 1


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
    with service.services.database.write() as session:
        review.resume(service.services, session, REF, "office")
    service.rested(REF, "completed")

    subjects = [str(mail["Subject"]).partition(":")[0] for mail in service.notices()]
    assert subjects == ["Needs you", "Account created"]
    assert [each["state"] for each in service.show(REF)["notices"]] == ["sent", "sent"]


def test_several_test_callbacks_within_a_minute_are_told_of_once(service: Service) -> None:
    for _ in range(5):
        service.client.post("/api-callback", json={"event": "Test", "msg": "Test"})

    assert 1 <= len(service.notices()) <= 2  # two, when the minute turns meanwhile


# After an outage


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

"""The contract that goes with a notice, follows it, or is linked instead."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from app import notices
from app.models import Notice, NoticeDelivery, NoticeState, now
from tests.conftest import Service
from tests.notices.arrived_mails import ORDER_PAGE, REF, arrived, breakers, html_of, says, the_mail
from tests.tools.everyday import everyday

CONTRACT_PAGE = f"{ORDER_PAGE}/contract"


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


@pytest.mark.long
def test_a_utopia_that_is_down_delays_the_contract_and_not_the_notice(service: Service) -> None:
    service.sandbox.utopia.fault("contractdownload", "http", times=1, status=502)
    service.take()

    first, second = arrived(service, 2)

    assert "Account created" in first["Subject"]
    assert list(second.attachments) == [f"contract-{REF}.pdf"]


@pytest.mark.long
def test_a_contract_that_never_comes_is_given_up_with_a_mail_that_says_so(service: Service) -> None:
    service.take(contract_ready=False)
    the_mail(service)
    service.execute(update(Notice).values(created_at=now() - timedelta(days=4)))

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


@pytest.mark.parametrize(("action", "code"), everyday(("MAIL", 552), ("DATA", 552), ("DATA", 554)))
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
    assert service.one(select(Notice)).restarts == 0

"""What each notice says, and to whom."""

from app.alerts import long_waits
from tests.conftest import Service
from tests.notices.arrived_mails import ONE_DAY, ORDER_PAGE, OTHER, REF, html_of, says, the_mail

ADA = {"firstName": "Ada", "lastName": "Lind", "physicalStreet": "12 N EXAMPLE AVENUE"}


def page(service: Service, customer_id: str) -> str:
    """The address of a customer's page."""
    return f"{service.sandbox.powercode.url}/index.php?q&page=/customers/_view.php&customerid={customer_id}"


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
    assert says(mail, "Otherwise close the order there, with a note")
    assert f"settle it here:\n  {ORDER_PAGE}" in mail.text
    assert f'or is for somebody else, <a href="{ORDER_PAGE}" style="color:#14568c">settle it here</a>' in html_of(mail)
    assert page(service, "1001") in mail.text
    assert "Bond fee" not in mail.text
    assert list(mail.attachments) == [f"contract-{REF}.pdf"]


def test_an_order_without_an_account_has_its_address_as_the_account_would_have_it(service: Service) -> None:
    service.take(email="", apt="4", state="Montana")

    assert says(the_mail(service), "12 N EXAMPLE AVENUE APT 4, Bozeman MT 59715")


def test_needs_you_gives_the_reason_what_can_be_done_and_the_page_to_do_it_on(service: Service) -> None:
    service.sandbox.powercode.fault("addCustomerService", "no_answer")
    service.take()

    mail = the_mail(service)
    assert mail["Subject"] == f"Needs you: PowerCode did not say whether it was done, order {REF}, Ada Lind"
    assert says(mail, "PowerCode did not say whether the plan 250 Mbps (163) was added for customer 1001")
    assert f"Settle it here: {ORDER_PAGE}" in mail.text
    assert says(mail, "It is there: go on", "It is not there: do it again", "Close the order, with a note")
    assert f'href="{ORDER_PAGE}"' in html_of(mail)
    assert "<strong>Why:</strong> PowerCode did not say" in html_of(mail)
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

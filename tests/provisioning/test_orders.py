"""An order becomes an account: the whole way, over real HTTP and SMTP."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.provisioning import intake
from app.provisioning.plans import plan_table
from tests.conftest import Service, wait_for
from tests.provisioning.decisions_made import FIRST, SECOND, resume
from tests.tools.everyday import everyday


def test_an_order_becomes_an_account_with_its_plans_ticket_tags_and_notice(service: Service) -> None:
    order = service.take(plan="1 Gbps", contract_ready=True)

    assert order["state"] == "completed"
    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.company_name == "Ada Lind"
    assert [(plan.service_id, plan.quantity) for plan in customer.services] == [(164, 1), (172, 1)]
    assert customer.tags == [5, 9]
    (ticket,) = customer.tickets
    assert "Ada" in ticket.fields["description"]
    (mail,) = service.notices()
    assert "Account created" in mail["Subject"]
    assert "contract-UIA202411-001186.pdf" in mail.attachments


def test_an_order_with_two_plans_and_two_tags_takes_at_most_thirteen_remote_calls(service: Service) -> None:
    service.take(plan="1 Gbps", contract_ready=True)

    service.mail_settled()
    (customer,) = service.sandbox.powercode.customers.values()
    assert (len(customer.services), len(customer.tags)) == (2, 2)
    assert sum(service.sandbox.utopia.call_counts.values()) + sum(service.sandbox.powercode.call_counts.values()) <= 13


def test_the_finished_order_shows_what_was_made(service: Service) -> None:
    order = service.take()

    (customer,) = service.sandbox.powercode.customers.values()
    assert order["customer_id"] == str(customer.customer_id)
    assert order["ticket_id"] == str(customer.tickets[0].ticket_id)
    assert order["services"] == [
        {"service_id": 163, "description": "250 Mbps", "added": True},
        {"service_id": 172, "description": "Bond fee", "added": True},
    ]
    assert {step["state"] for step in order["steps"]} == {"done"}
    assert [callback["outcome"] for callback in order["callbacks"]] == ["order"]


# What the account is made of


def test_the_unit_is_in_the_street_line(service: Service) -> None:
    service.take(apt="4")

    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.fields["physicalStreet"] == "12 N EXAMPLE AVENUE APT 4"


@pytest.mark.parametrize(
    ("written", "code"), everyday(("UTAH", "UT"), ("Montana", "MT"), ("Idaho", "ID"), ("ut", "UT"))
)
def test_the_state_is_sent_as_its_code(service: Service, written: str, code: str) -> None:
    service.take(state=written)

    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.fields["physicalState"] == code


def test_an_address_that_is_not_on_the_map_is_taken_and_the_notice_says_so(service: Service) -> None:
    order = service.take(address="7 NEW STREET")

    assert order["state"] == "completed"
    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.fields["physicalAutomaticallyGeocode"] == "0"
    (mail,) = service.notices()
    assert "could not find the address on the map" in mail.text


def test_every_new_account_gets_each_additional_plan(service: Service) -> None:
    service.sandbox.powercode.services |= {173: "Router rental"}
    service.write(plan_table.map_plan, "Router rental", 173, additional=True)

    service.take()

    (customer,) = service.sandbox.powercode.customers.values()
    assert [plan.service_id for plan in customer.services] == [163, 172, 173]


def test_the_same_tag_twice_in_the_settings_is_one_tag_and_none_is_fine(service: Service) -> None:
    with service.changed(pc_cust_tags=(9, 9)):
        service.take(FIRST)
    with service.changed(pc_cust_tags=()):
        service.take(SECOND, siteid="714999", firstname="Ole", email="ole@example.com", phone="4065550190")

    assert [customer.tags for customer in service.sandbox.powercode.customers.values()] == [[9], []]


def test_the_customers_notes_name_the_order_the_site_and_the_terms(service: Service) -> None:
    service.take()

    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.fields["customerNotes"].splitlines() == [
        "Order# UIA202411-001186",
        "Utopia SiteID: 714780",
        "Agreed to Service Provider Terms: 2025-10-20 14:03:11",
    ]


def test_the_customer_is_made_with_the_settings_of_this_server(service: Service) -> None:
    with service.changed(pc_tax_zone_id=7, pc_bill_day="1", pc_grace_period_days=3, pc_ticket_category=55):
        service.take()

    (customer,) = service.sandbox.powercode.customers.values()
    wanted = {"taxZoneId": "7", "billDay": "1", "gracePeriodDays": "3", "invoicePreference": "Email", "dueByDays": "0"}
    assert wanted.items() <= customer.fields.items()
    assert customer.tickets[0].fields["category"] == "55"


def test_each_customer_gets_a_portal_password_that_is_kept_nowhere(service: Service) -> None:
    service.take(FIRST)
    service.take(SECOND, siteid="714999", firstname="Ole", email="ole@example.com", phone="4065550190")

    passwords = [each.fields["customerPortalPassword"] for each in service.sandbox.powercode.customers.values()]
    assert len(set(passwords)) == 2
    assert all(len(password) >= 16 for password in passwords)
    mails = b"".join(mail.raw for mail in service.notices())
    for place in (stored_bytes(service), mails):
        assert not [password for password in passwords if password.encode() in place]


def test_the_portal_password_of_the_settings_is_used_and_not_stored(service: Service) -> None:
    with service.changed(customer_portal_password=SecretStr("from-the-settings-1")):
        service.take()

    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.fields["customerPortalPassword"] == "from-the-settings-1"
    assert b"from-the-settings-1" not in stored_bytes(service)


def stored_bytes(service: Service) -> bytes:
    """Everything in the database's files, the engine's tables included."""
    path = service.services.database.path
    files = [path, Path(f"{path}-wal")]
    return b"".join(file.read_bytes() for file in files if file.exists())


# What stops an order before the first write


def test_an_order_of_another_provider_is_recorded_without_a_mail(service: Service) -> None:
    service.callback(FIRST)

    assert service.rested(FIRST)["state"] == "not_ours"
    assert service.notices() == []


def test_a_contract_with_gaps_stops_the_order_and_names_each_gap(service: Service) -> None:
    order = service.take(lastname="None", phone=None, city="", state="Ontario")

    assert order["state"] == "needs_review"
    for gap in ("the last name", "the phone number", "the city", "not a US state"):
        assert gap in order["reason"]
    assert service.sandbox.powercode.call_counts.total() == 0


def test_a_cancelled_contract_makes_no_account(service: Service) -> None:
    order = service.take(status="Cancelled")

    assert order["state"] == "needs_review"
    assert service.sandbox.powercode.call_counts.total() == 0


def test_an_order_without_a_monthly_plan_stops(service: Service) -> None:
    order = service.take(orderitems=None)

    assert order["state"] == "needs_review"
    assert service.sandbox.powercode.call_counts.total() == 0


def test_an_unknown_plan_stops_the_order_before_anything_is_written(service: Service) -> None:
    order = service.take(plan="10 Gbps")

    assert order["state"] == "needs_review"
    assert '"10 Gbps"' in order["reason"]
    assert service.sandbox.powercode.call_counts.total() == 0


def test_a_broken_ticket_template_stops_the_order_before_anything_is_written(service: Service, tmp_path: Path) -> None:
    template = tmp_path / "new_desc.txt"
    template.write_text("Hello {first_name},\n\nyour plan is {plam}.\n")
    with service.changed(ticket_template_dir=tmp_path):
        order = service.take()

        assert order["state"] == "needs_review"
        assert "line 3: unknown placeholder {plam}" in order["reason"]
        assert service.sandbox.powercode.call_counts.total() == 0

        template.write_text("Hello {first_name},\n\nyour plan is {plan}.\n")
        resume(service, FIRST)
        service.rested(FIRST, "completed")

    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.tickets[0].fields["description"] == "<p>Hello Ada,</p>\n<p>your plan is 250 Mbps.</p>"


def test_an_edit_of_the_ticket_template_needs_no_restart(service: Service, tmp_path: Path) -> None:
    template = tmp_path / "new_desc.txt"
    with service.changed(ticket_template_dir=tmp_path):
        template.write_text("First text for {first_name}.")
        service.take(FIRST)
        template.write_text("Second text for {first_name}.")
        service.take(SECOND, siteid="714999", firstname="Ole", email="ole@example.com", phone="4065550190")

    tickets = service.sandbox.powercode.tickets.values()
    assert [each.fields["description"] for each in tickets] == [
        "<p>First text for Ada.</p>",
        "<p>Second text for Ole.</p>",
    ]


def test_an_order_that_a_person_sends_is_taken_as_if_its_callback_had_come(service: Service) -> None:
    service.order(FIRST)
    with service.services.database.write() as session:
        intake.take_in(service.services, session.connection(), [FIRST])

    assert service.rested(FIRST)["state"] == "completed"
    wait_for(lambda: service.sandbox.mailbox.messages)

"""A stop for somebody who may be a customer: both side by side, what each decision does, and how it is undone."""

import re
from typing import Literal

import pytest

from app.provisioning import review
from tests.conftest import Service
from tests.console.decision_buttons import PAGE, REF, decide, decisions, run_of
from tests.console.persons import Person, words_of
from tests.tools.everyday import everyday

LINDT = {"lastName": "Lindt", "firstName": "Ada", "physicalStreet": "12 North Example Ave."}
THE_SAME_PHONE = {**LINDT, "phone": "(406) 555-0143"}


def row(page: str, label: str) -> str:
    """A line of the comparison, in words."""
    found = re.search(rf'<th scope="row">{label}</th>(.*?)</tr>', page, re.DOTALL)
    return words_of(found[1]) if found else ""


@pytest.mark.parametrize("shape", everyday("nested", "flat"))
def test_both_are_shown_side_by_side_with_what_agrees_and_what_differs(
    service: Service, as_staff: Person, shape: Literal["nested", "flat"]
) -> None:
    service.sandbox.powercode.record_shape = shape
    service.sandbox.powercode.add_customer(status="Not Active", **THE_SAME_PHONE)

    assert service.take()["state"] == "needs_review"

    page = as_staff.get(PAGE).text
    assert row(page, "Name") == "Ada Lind Ada Lindt ≈ nearly the same"
    assert row(page, "Address").endswith("12 North Example Ave., Bozeman 59715 = the same")
    assert row(page, "Phone") == "4065550143 (406) 555-0143 = the same"
    assert row(page, "Mail") == "ada.lind@example.com grace.moe@example.com ≠ different"
    assert row(page, "Site") == "714780 none ? can't tell"
    assert row(page, "Status") == "a new order Not Active"
    assert row(page, "Plans, since when").startswith("250 Mbps (163) can't tell")


def test_each_decision_says_what_it_does_to_powercode(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.add_customer(**LINDT)
    service.take()

    said = words_of(as_staff.get(PAGE).text)

    assert "customer 1001 gets the plan 250 Mbps (163), the welcome ticket and any tags" in said
    assert "a new customer is made, with the plan 250 Mbps (163), the plan Bond fee (172), the welcome ticket" in said
    assert "Nothing is changed at customer 1001." in said


def test_after_a_mistyped_number_the_right_one_is_still_offered_and_the_order_is_said_to_be_added_there(
    service: Service, as_staff: Person
) -> None:
    service.sandbox.powercode.add_customer(**LINDT)
    service.take()
    service.act(review.resume, REF, "Stan", customer_id="5555")
    service.rested(REF, "needs_review")
    asked = words_of(as_staff.get(PAGE).text)
    assert "It is customer 1001: go on with it" in asked
    assert asked.count("Go on with another customer") == 1
    assert "- It is customer 1001: go on with it\n" in service.notices("no such customer")[-1].text

    with service.changed(pc_cust_tags=()):
        decide(service, as_staff, "customer", customer_id="1001")
        service.rested(REF, "completed")

    said = words_of(as_staff.get(PAGE).text)
    assert "Its plans and ticket were added to customer 1001, whom a person named. No new account was made." in said
    assert "Mail to staff: added to customer 1001" in said
    (mail,) = service.notices("Added to customer 1001: Ada Lind, ")
    assert "This fiber order was added to customer 1001, whom a person named. No new account was made." in mail.text


def test_what_our_own_orders_gave_to_the_other_is_told_with_its_day(service: Service, as_staff: Person) -> None:
    service.take("UIA-1", lastname="Lindt", email="lindt@example.com", phone="4065550177")
    service.take()

    page = as_staff.get(PAGE).text

    assert re.search(r"250 Mbps \(163\), 20\d\d-\d\d-\d\d, by UIA-1", row(page, "Plans, since when"))


def test_a_new_account_is_asked_for_once_more_where_a_contact_is_shared(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.add_customer(**THE_SAME_PHONE)
    service.take()

    asked = as_staff.post(f"{PAGE}/new-customer", {"run": run_of(service)})

    assert asked.status_code == 200
    assert "The phone number is the same." in words_of(asked.text)
    assert service.state(REF) == "needs_review"
    assert decisions(service) == []

    decide(service, as_staff, "new-customer", sure="yes")

    assert service.rested(REF, "completed")["customer_id"] == "1002"


A_NEW_ACCOUNT = [
    "If it is customer 1001 after all: what to undo",
    "Set customer 1002, whom this order made, to Not Active",
    "off customer 1002 (250 Mbps (163), Bond fee (172))",
    "Close ticket 15 of customer 1002",
]
THE_WRONG_CUSTOMER = [
    "If customer 1001 is somebody else after all: what to undo",
    "Take the plan 250 Mbps (163) off customer 1001.",
    "Take the tags 5, 9 off customer 1001",
]


@pytest.mark.parametrize(
    ("action", "form", "to_undo"),
    [("new-customer", {}, A_NEW_ACCOUNT), ("customer", {"customer_id": "1001"}, THE_WRONG_CUSTOMER)],
)
def test_a_decision_by_mistake_is_undone_by_what_the_page_lists(
    service: Service, as_staff: Person, action: str, form: dict[str, str], to_undo: list[str]
) -> None:
    service.sandbox.powercode.add_customer(**LINDT)
    service.take()
    assert 'id="undoing"' not in as_staff.get(PAGE).text

    decide(service, as_staff, action, **form)
    service.rested(REF, "completed")

    said = words_of(as_staff.get(PAGE).text)
    assert [words for words in to_undo if words not in said] == []


def test_an_order_that_nobody_decided_about_has_nothing_to_undo(service: Service, as_staff: Person) -> None:
    service.take()

    assert 'id="undoing"' not in as_staff.get(PAGE).text


def test_the_forecast_compares_with_the_same_searches(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.add_customer(**THE_SAME_PHONE)
    service.order()

    page = as_staff.get(f"/console/orders/new?orderref={REF}").text

    assert "It would stop, and ask you" in page
    assert row(page, "Phone") == "4065550143 (406) 555-0143 = the same"
    assert service.sandbox.powercode.count("searchCustomers") == 4

"""Corrections of what UTOPIA says: on an order's page, by two people at once, and over which fields they lie."""

import pytest
from sqlalchemy import select

from app.models import Order
from app.provisioning import corrections, review
from app.provisioning.applicants import CORRECTABLE, Wrong, contract_of, corrected, fields_of, read_applicant
from sandbox import a_contract
from tests.conftest import Service
from tests.console.decision_buttons import decisions
from tests.console.entered_orders import OTHER, REF, customer_of, fields_in
from tests.console.persons import Person
from utopia import Contract


def stopped(service: Service, **contract: str) -> str:
    assert service.take(REF, **(contract or {"phone": ""}))["state"] == "needs_review"
    return f"/console/orders/{REF}/correct"


def test_an_order_that_stopped_is_corrected_and_goes_on(service: Service, as_staff: Person) -> None:
    path = stopped(service)
    page = as_staff.get(path).text
    assert 'id="phone-fault">This is missing. Write 7 to 15 digits, such as 406-555-0143.<' in page

    again = as_staff.post(path, {**fields_in(page), "phone": "4065550143", "act": "look"}).text
    assert "A new account is made" in again
    answer = as_staff.post(path, {**fields_in(again), "act": "save"})

    assert (answer.status_code, answer.location) == (303, f"/console/orders/{REF}")
    service.rested(REF, "completed")
    assert "4065550143" in customer_of(service)["phone"]
    assert decisions(service) == [
        ("Stan Staff", "correct", 'the phone number: "" -> "4065550143"'),
        ("Stan Staff", "resume", None),
    ]


def test_a_portal_name_that_is_taken_is_corrected_and_no_mail_address_with_it(
    service: Service, as_staff: Person
) -> None:
    powercode = service.sandbox.powercode
    powercode.refuse_taken_portal_names = True
    powercode.add_customer(customerPortalUsername="ada.lind@example.com")
    assert service.take(REF)["problem"] == "customer_refused"
    path = f"/console/orders/{REF}/correct"
    wrong = as_staff.post(path, {**fields_in(as_staff.get(path).text), "portal_username": "a b", "act": "save"}).text
    assert "Write it without blanks" in wrong

    as_staff.post(path, {**fields_in(as_staff.get(path).text), "portal_username": "ada.lind.2", "act": "save"})

    service.rested(REF, "completed")
    made = powercode.customers[1002].fields
    assert (made["customerPortalUsername"], made["emailAddress"]) == ("ada.lind.2", "ada.lind@example.com")
    assert decisions(service)[0] == ("Stan Staff", "correct", 'the portal\'s user name: "" -> "ada.lind.2"')


def test_a_correction_outlives_a_second_look_at_utopia(service: Service, as_staff: Person) -> None:
    path = stopped(service, phone="", plan="10 Gbps")
    as_staff.post(path, {**fields_in(as_staff.get(path).text), "phone": "4065550143", "act": "save"})
    assert service.rested(REF, "needs_review")["problem"] == "unknown_plan"
    service.sandbox.utopia.orders[REF]["customer"]["lastname"] = "Lund"
    service.sandbox.utopia.orders[REF]["orderitems"][0]["description"] = "250 Mbps"

    service.act(review.resume, REF, "Stan")

    service.rested(REF, "completed")
    assert [one.company_name for one in service.sandbox.powercode.customers.values()] == ["Ada Lund"]


def test_a_correction_that_leaves_a_fault_is_not_saved(service: Service, as_staff: Person) -> None:
    path = stopped(service, phone="", zip="")

    answer = as_staff.post(path, {**fields_in(as_staff.get(path).text), "phone": "4065550143", "act": "save"})

    assert answer.status_code == 422
    assert 'id="zip-fault"' in answer.text
    assert 'value="4065550143"' in answer.text
    assert decisions(service) == []


def test_two_people_who_correct_an_order_do_not_overwrite_each_other(service: Service, as_staff: Person) -> None:
    path = stopped(service, phone="", plan="10 Gbps")
    form = fields_in(as_staff.get(path).text)
    as_staff.post(path, {**form, "phone": "4065550143", "act": "save"})
    service.rested(REF, "needs_review")

    answer = as_staff.post(path, {**form, "phone": "4065550199", "act": "save"})

    assert answer.status_code == 303
    assert service.one(select(Order.corrections)) == {"phone": "4065550143"}


def test_an_order_of_which_something_is_in_powercode_cannot_be_corrected(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.fault("addCustomerService", "status_code")
    path = stopped(service, firstname="Ada")

    assert as_staff.get(path).status_code == 303
    assert as_staff.post(path, {"run": "1", "phone": "4065550199", "act": "save"}).status_code == 303
    assert decisions(service) == []


@pytest.mark.long
def test_what_was_decided_about_the_person_is_asked_again_after_a_correction(
    service: Service, as_staff: Person
) -> None:
    service.take(OTHER)
    path = stopped(service, lastname="Linde")
    service.sandbox.powercode.fault("createCustomer", "status_code")
    service.act(review.resume, REF, "Stan", new_customer=True)
    assert service.rested(REF, "needs_review")["problem"] == "customer_refused"

    as_staff.post(path, {**fields_in(as_staff.get(path).text), "last_name": "Lind", "act": "save"})

    service.rested(REF, "exists")


def test_an_order_that_nobody_knows_has_no_page(service: Service, as_staff: Person) -> None:
    assert as_staff.get("/console/orders/UIA-404/correct").status_code == 404


# The pure part


def test_corrections_lie_over_every_field_that_utopia_has() -> None:
    contract = Contract.read(a_contract())
    assert contract is not None
    written = dict.fromkeys(CORRECTABLE, "x")

    whole = corrected(contract, {**written, "site_id": "1", "nonsense": "2"})

    assert fields_of(whole) == written
    assert whole.address.site_id == contract.address.site_id
    assert corrected(contract, None) == contract


def test_only_what_differs_is_a_correction_and_blanks_do_not() -> None:
    contract = Contract.read(a_contract(firstname=" Ada  Maria "))
    assert contract is not None

    assert corrections.corrections_of(fields_of(contract), {**fields_of(contract), "city": " Bozeman "}) == {}
    assert corrections.corrections_of(fields_of(contract), {"unit": "4"}) == {"unit": "4"}
    assert corrections.unusable(contract, {"unit": "4" * 101, "state": "Narnia"}) == {
        "unit": Wrong.TOO_LONG,
        "state": Wrong.NO_STATE,
    }


def test_an_order_without_a_contract_reads_as_an_empty_one() -> None:
    reading = read_applicant(contract_of(Order(orderref=REF)))

    assert set(reading.wrong) == {*CORRECTABLE, "site_id"} - {"unit", "portal_username"}

"""Customers whom somebody typed in by hand, through the whole service: whom an order stops for, and what staff read."""

import pytest
from sqlalchemy import select

from app.models import Order
from app.provisioning import review
from app.safekeeping.order_erasure import forget
from app.safekeeping.pruning import prune
from tests.conftest import Service
from tests.tools.everyday import everyday

REF = "UIA202411-001186"
ADA = {"firstName": "Ada", "lastName": "Lind", "physicalStreet": "12 N EXAMPLE AVENUE"}


def found_customers(service: Service, orderref: str = REF) -> str:
    return str(service.one(select(Order.found_customers).filter_by(orderref=orderref)))


def test_the_mail_about_a_look_alike_compares_both(service: Service) -> None:
    service.sandbox.powercode.add_customer(**{**ADA, "lastName": "Lindt", "phone": "406.555.0143"}, status="Delinquent")

    service.take()

    (mail,) = service.notices("Needs you")
    assert "Phone: the same\n  order:     4065550143\n  PowerCode: 406.555.0143\n" in mail.text
    assert "Mail: different\n" in mail.text
    assert "Status\n  order:     a new order\n  PowerCode: Delinquent\n" in mail.text
    html = mail.get_body(("html",)).get_content()
    assert "= the same" in html
    assert "≠ different" in html


def test_somebody_who_moved_gets_an_account_and_staff_read_of_the_other(service: Service) -> None:
    service.sandbox.powercode.add_customer(**{**ADA, "physicalStreet": "48 OLD MILL ROAD"}, status="Not Active")

    assert service.take()["state"] == "completed"

    (mail,) = service.notices("Account created")
    said = " ".join(mail.text.split())
    assert "The same person is customer 1001 at 48 OLD MILL ROAD, Bozeman 59715 (Not Active)" in said


@pytest.mark.parametrize("before", everyday(0, 1, 2, 3))
def test_an_order_waits_for_a_search_that_fails_and_makes_no_second_account(service: Service, before: int) -> None:
    powercode = service.sandbox.powercode
    powercode.add_customer(**ADA)
    if before:
        powercode.fault("searchCustomers", "slow", times=before, seconds=0)
    powercode.fault("searchCustomers", "garbage")

    assert service.take()["state"] != "completed"
    assert service.rested(REF, "exists")["customer_id"] == "1001"
    assert len(powercode.customers) == 1


def test_a_new_account_in_doubt_is_not_made_twice_where_powercode_shows_no_notes(service: Service) -> None:
    powercode = service.sandbox.powercode
    powercode.record_tells = ("phone", "mail", "zip")
    powercode.add_customer(**{**ADA, "lastName": "Lindt"})
    assert service.take()["state"] == "needs_review"
    powercode.fault("createCustomer", "no_answer")

    decide(service)

    assert service.rested(REF, "needs_review")["problem"] == "look_alike"
    assert len(powercode.customers) == 2


def decide(service: Service) -> None:
    """Say that it is somebody else, as a person does."""

    service.act(review.resume, REF, "stan", new_customer=True)


def test_what_was_compared_goes_with_the_orders_other_details(service: Service) -> None:
    service.sandbox.powercode.add_customer(**ADA)
    assert service.take()["state"] == "exists"
    assert "grace.moe@example.com" in found_customers(service)
    service.mail_settled()

    forget(service.services, REF, "stan")

    assert found_customers(service) == "None"


def test_what_was_compared_is_pruned(service: Service) -> None:
    service.sandbox.powercode.add_customer(**ADA)
    service.take()
    service.mail_settled()

    with service.changed(keep_days=-1):
        prune(service.services, pause=0)

    assert found_customers(service) == "None"


def test_nothing_of_the_customers_who_were_compared_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.sandbox.powercode.add_customer(**{**ADA, "lastName": "Lindtwurm", "emailAddress": "wurm@example.com"})
    service.take()

    assert "Lindtwurm" not in caplog.text
    assert "wurm@example.com" not in caplog.text


PAIRS = [
    ("Ada Lind", "1940 E 5625 S", "Lind, Ada", "1940 East 5625 So."),
    ("Jose Muñoz", "1941 E 5625 S", "Jose Munoz", "1941 E. 5625 S."),
    ("Sean O'Brien", "12 W Park West Rd", "Sean O Brien", "12 West Park West Road"),
    ("Robert Dahl", "88 W 55 S", "Bob Dahl", "88 W 55S"),
    ("Ole Berg", "222 N 1200 W TRLR 44", "Ole Berg", "222 N 1200 W Trailer #44"),
    ("ANA FOSS", "450 S 900 E Unit 12", "Ana Foss", "450 S 900 E #12"),
    ("Ida Vik", "123½ S Main St", "Ida Vik", "123 1/2 S Main St"),
    ("Gro Holm", "PO BOX 342", "Gro Holm", "P.O. Box 342"),
    ("Maria De La Cruz", "7 N Example Ave", "Maria DeLaCruz", "7 North Example Avenue"),
    ("Ana Garcia-Lopez", "8 N Example Ave", "Ana Garcia", "8 N Example Ave"),
    ("Ngọc Nguyễn", "9 N Example Ave", "Ngoc Nguyen", "9 N. Example Ave"),
    ("Jürgen Müller", "10 N Example Ave", "Jurgen Muller", "10 N Example Ave"),
]


@pytest.mark.long
def test_none_of_a_dozen_customers_typed_in_by_hand_gets_a_second_account(service: Service) -> None:
    powercode = service.sandbox.powercode
    orders = {}
    for number, (name, street, their_name, their_street) in enumerate(PAIRS):
        powercode.add_customer(companyName=their_name, physicalStreet=their_street, phone=f"(406) 555-02{number:02}")
        first, _, last = name.partition(" ")
        contact = {"email": f"c{number}@example.com", "phone": f"40655503{number:02}", "siteid": f"9100{number:02}"}
        orders[service.order(f"UIA-{number}", firstname=first, lastname=last, address=street, **contact)] = name

    for orderref in orders:
        assert service.callback(orderref).status_code == 200

    made = {name: service.rested(orderref)["state"] for orderref, name in orders.items()}
    assert [name for name, state in made.items() if state not in ("exists", "needs_review")] == []
    assert len(powercode.customers) == len(PAIRS)

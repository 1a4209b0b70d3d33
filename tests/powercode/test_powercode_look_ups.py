"""Customers who are searched for and read, and what is nobody rather than not known."""

from typing import Any

import pytest

from powercode import OutcomeUnknown, Refused
from tests.powercode.one_call import KEY, NOTES, Said, form_of


@pytest.mark.parametrize(
    "content",
    [
        {"statusCode": 0, "customers": []},
        {"statusCode": 0, "customers": None},
        {"statusCode": "0", "message": "No customers found"},
        {"statusCode": 4, "message": "No customers found"},
        {"statusCode": 1},
    ],
)
def test_a_search_without_a_hit_is_empty_in_each_of_its_forms(said: Said, content: dict[str, Any]) -> None:
    found, request = said(lambda pc: pc.search_customers("Ada Lind"), content)
    assert form_of(request) == {"apiKey": KEY, "action": "searchCustomers", "searchString": "Ada Lind"}
    assert found == ()


@pytest.mark.parametrize(
    "message",
    [
        "Invalid API key",
        "You do not have permission",
        "Authentication failed",
        "IP address not recognised",
        "Access denied",
    ],
)
def test_a_refused_key_is_not_read_as_nobody_found(said: Said, message: str) -> None:
    refusal = {"statusCode": 2, "message": message}
    for look in (
        lambda pc: pc.search_customers("Ada Lind"),
        lambda pc: pc.read_customer(customer_id=7),
        lambda pc: pc.read_customer(ext_account_id="714780"),
    ):
        with pytest.raises(Refused):
            said(look, refusal)


def test_found_customers_have_names_addresses_and_ids_as_digits(said: Said) -> None:
    hits = [{"CustomerID": 7, "CompanyName": "Ada Lind", "Address1": "12 N EXAMPLE AVENUE", "City": "Bozeman", "x": 1}]
    found, _ = said(lambda pc: pc.search_customers("Ada"), {"statusCode": 0, "customers": hits})
    assert [(c.customer_id, c.name, c.address, c.city) for c in found] == [
        ("7", "Ada Lind", "12 N EXAMPLE AVENUE", "Bozeman")
    ]
    assert found[0].texts == ("7", "Ada Lind", "12 N EXAMPLE AVENUE", "Bozeman", "1")


def test_a_found_customer_without_an_id_is_unknown_rather_than_left_out(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.search_customers("Ada"), {"statusCode": 0, "customers": [{"CompanyName": "Ada Lind"}]})


RECORD = {
    "CustomerID": "7",
    "firstName": "Ada",
    "lastName": "Lind",
    "physicalStreet": "12 N EXAMPLE AVENUE",
    "emailAddress": "ada.lind@example.com",
    "phone": '[{"Type": "Home", "Number": "4065550143"}]',
    "customerNotes": "\r\n".join(NOTES),
    "extAccountID": 714780,
}


@pytest.mark.parametrize(
    "content", [RECORD, {"customer": RECORD}, {"customers": [RECORD]}, {"customer": [RECORD]}, {"data": [RECORD]}]
)
def test_a_customer_is_read_wherever_the_record_sits(said: Said, content: dict[str, Any]) -> None:
    customer, request = said(
        lambda pc: pc.read_customer(ext_account_id=714780), {"statusCode": 0, "message": "found", **content}
    )
    assert form_of(request) == {"apiKey": KEY, "action": "readCustomer", "extAccountID": "714780"}
    assert (customer.customer_id, customer.name, customer.address) == ("7", "Ada Lind", "12 N EXAMPLE AVENUE")
    assert (customer.email, customer.phone, customer.ext_account_id) == ("ada.lind@example.com", "4065550143", "714780")
    assert customer.mentions_order("UIA202411-001186")
    assert "found" not in customer.texts


@pytest.mark.parametrize(
    "content",
    [
        {"statusCode": 4, "message": "Invalid customerID"},
        {"statusCode": 0, "customer": None},
        {"statusCode": 0, "customer": []},
        {"statusCode": 0, "customers": []},
    ],
)
def test_an_unknown_customer_is_none(said: Said, content: dict[str, Any]) -> None:
    customer, request = said(lambda pc: pc.read_customer(customer_id=7), content)
    assert form_of(request) == {"apiKey": KEY, "action": "readCustomer", "customerID": "7"}
    assert customer is None


def test_success_without_a_customer_is_unknown_rather_than_nobody(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.read_customer(ext_account_id=5), {"statusCode": 0, "message": ""})


def test_a_record_without_an_id_has_the_one_that_was_asked_for(said: Said) -> None:
    content = {"statusCode": 0, "name": "Ada Lind", "phones": [{"Number": "4065550143"}], "memo": "Order# X1"}
    customer, _ = said(lambda pc: pc.read_customer(customer_id=7), content)
    assert (customer.customer_id, customer.name, customer.phone) == ("7", "Ada Lind", "4065550143")
    assert customer.mentions_order("X1")
    with pytest.raises(OutcomeUnknown, match="id"):
        said(lambda pc: pc.read_customer(ext_account_id=5), content)


@pytest.mark.parametrize("given", [{}, {"customer_id": 7, "ext_account_id": 5}])
def test_a_customer_is_read_by_one_id(said: Said, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="customer_id or ext_account_id"):
        said(lambda pc: pc.read_customer(**given), {})

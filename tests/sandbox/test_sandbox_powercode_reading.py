"""The simulated PowerCode finds and reads customers in each of the ways that the reference leaves open."""

from typing import Any, Literal

import pytest
import requests

from sandbox import PowerCode
from tests.sandbox.powercode_calls import CUSTOMER, Call, failed


@pytest.mark.parametrize("text", ["Ada Lind", "Lind", "N EXAMPLE", "59715-", "4065550143", "0143"])
def test_a_search_finds_a_part_of_name_address_and_phone(call: Call, powercode: PowerCode, text: str) -> None:
    powercode.add_customer()
    customer_id = call("createCustomer", **{**CUSTOMER, "physicalZip": "59715-0001"})["customerID"]
    assert call("searchCustomers", searchString=text)["customers"] == [
        {
            "CustomerID": customer_id,
            "CompanyName": "Ada Lind",
            "Address1": "12 N EXAMPLE AVENUE",
            "City": "Bozeman",
        }
    ]


@pytest.mark.parametrize("text", ["ada lind", "Peña", "12 n Example", "406-555-0143"])
def test_a_search_takes_what_is_written_as_it_is_written(call: Call, text: str) -> None:
    call("createCustomer", **{**CUSTOMER, "lastName": "Lind Pena"})
    assert call("searchCustomers", searchString=text)["customers"] == []


@pytest.mark.parametrize("text", ["ada peña", "Pena", "12 n example"])
def test_a_search_that_folds_disregards_case_and_accents_alone(call: Call, powercode: PowerCode, text: str) -> None:
    powercode.search_folds = True
    call("createCustomer", **{**CUSTOMER, "lastName": "Peña"})
    assert call("searchCustomers", searchString=text)["customers"]
    assert call("searchCustomers", searchString="12-n")["customers"] == []


def test_a_search_tells_what_the_server_is_said_to_tell(call: Call, powercode: PowerCode) -> None:
    powercode.add_customer(status="Not Active", phone="406.555.0119")
    (short,) = call("searchCustomers", searchString="555.0119")["customers"]
    powercode.search_tells = ("phone", "mail", "zip", "site", "status")
    (whole,) = call("searchCustomers", searchString="555.0119")["customers"]
    assert set(short) == {"CustomerID", "CompanyName", "Address1", "City"}
    assert (whole["phone"], whole["Status"], whole["physicalZip"]) == ("406.555.0119", "Not Active", "59715")
    assert "extAccountID" not in whole  # nobody typed one in


def test_a_search_without_a_hit_answers_in_three_ways(call: Call, powercode: PowerCode) -> None:
    assert call("searchCustomers", searchString="nobody")["customers"] == []
    powercode.search_without_hit = "no_list"
    answer = call("searchCustomers", searchString="nobody")
    assert "customers" not in answer
    assert answer["statusCode"] == 0
    powercode.search_without_hit = "status_code"
    assert failed(call("searchCustomers", searchString="nobody"))


def test_a_customer_is_read_by_id_and_by_site_without_the_password(call: Call, powercode: PowerCode) -> None:
    customer_id = call("createCustomer", **CUSTOMER)["customerID"]
    by_id = call("readCustomer", customerID=customer_id)
    assert by_id["customerNotes"] == CUSTOMER["customerNotes"]
    assert by_id["extAccountID"] == "714780"
    assert "customerPortalPassword" not in by_id
    assert call("readCustomer", extAccountID="714780") == by_id


def test_a_record_lies_beside_the_status_code_or_nested(call: Call, powercode: PowerCode) -> None:
    customer_id = call("createCustomer", **CUSTOMER)["customerID"]
    powercode.record_shape = "nested"
    assert call("readCustomer", customerID=customer_id)["customer"] == {
        "customerId": customer_id,
        "companyName": "Ada Lind",
        "status": "Active",
        **{name: CUSTOMER[name] for name in ("firstName", "lastName", "extAccountID", "emailAddress", "phone")},
        **{name: value for name, value in CUSTOMER.items() if name.startswith("physical") and "Geocode" not in name},
        **{name: CUSTOMER[name] for name in ("customerNotes", "customerPortalUsername")},
    }
    powercode.record_shape = None
    shapes = ["customer" in call("readCustomer", customerID=customer_id) for _ in range(4)]
    assert sorted(shapes) == [False, False, True, True]


@pytest.mark.parametrize("shape", ["flat", "nested"])
def test_a_record_may_have_fewer_fields(call: Call, powercode: PowerCode, shape: Literal["flat", "nested"]) -> None:
    powercode.record_shape, powercode.record_tells = shape, ()
    call("createCustomer", **CUSTOMER)
    answer = call("readCustomer", extAccountID="714780")
    record = answer.get("customer", answer)
    assert record["extAccountID"] == "714780"
    assert record["status"] == "Active"
    assert not {"phone", "emailAddress", "physicalZip", "customerNotes", "customerPortalUsername"} & record.keys()


def test_a_customer_typed_in_by_hand_has_no_site(call: Call, powercode: PowerCode) -> None:
    customer = powercode.add_customer()
    assert "extAccountID" not in call("readCustomer", customerID=customer.customer_id)


def test_an_action_may_come_as_json(powercode: PowerCode) -> None:
    customer = powercode.add_customer()
    body = {"apiKey": powercode.api_key, "action": "readCustomer", "customerID": customer.customer_id}
    assert requests.post(powercode.api_url, json=body, timeout=5).json()["firstName"] == "Grace"
    assert powercode.count("readCustomer") == 1


def test_a_site_that_several_share_answers_with_the_oldest(call: Call, powercode: PowerCode) -> None:
    older = powercode.add_customer(extAccountID="714780")
    call("createCustomer", **CUSTOMER)
    assert call("readCustomer", extAccountID="714780")["CustomerID"] == older.customer_id


@pytest.mark.parametrize("fields", [{"customerID": 1}, {"customerID": "x"}, {"extAccountID": "1"}, {}])
def test_a_customer_who_is_not_there_is_a_failure(call: Call, fields: dict[str, Any]) -> None:
    assert failed(call("readCustomer", **fields))


def test_ids_come_as_numbers_and_as_strings(call: Call, powercode: PowerCode) -> None:
    powercode.ids_as_strings = None
    powercode.add_customer()
    kinds = {type(call("readCustomer", customerID=1001)["CustomerID"]) for _ in range(2)}
    assert kinds == {int, str}

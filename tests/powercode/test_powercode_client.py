"""Each call of PowerCode's APIs: what goes out, and what comes back."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from powercode import NewTicket, OutcomeUnknown, PowerCodeClient, Refused, Tag, customer_page
from tests.powercode.one_call import ADA, KEY, Said, form_of


def query_of(request: str) -> tuple[str, str, dict[str, list[str]]]:
    method, target, _ = request.split("\r\n", maxsplit=1)[0].split(" ")
    assert f"Authorization: Basic {base64.b64encode(KEY.encode()).decode()}" in request
    return method, urlsplit(target).path, parse_qs(urlsplit(target).query)


# Writing


def test_a_customer_is_created_with_just_the_forms_fields(said: Said) -> None:
    customer_id, request = said(lambda pc: pc.create_customer(ADA), {"statusCode": 0, "customerID": 8123})
    assert customer_id == "8123"
    assert form_of(request) == {
        "apiKey": KEY,
        "action": "createCustomer",
        "firstName": "Ada",
        "lastName": "Lind",
        "emailAddress": "ada.lind@example.com",
        "physicalStreet": "12 N EXAMPLE AVENUE",
        "physicalCity": "Bozeman",
        "physicalState": "MT",
        "physicalZip": "59715",
        "physicalAutomaticallyGeocode": "1",
        "billingSameAsPhysical": "1",
        "taxZoneId": "1",
        "invoicePreference": "Email",
        "billDay": "Activation Date",
        "dueByDays": "0",
        "gracePeriodDays": "10",
        "customerNotes": "Order# UIA202411-001186\nUtopia SiteID: 714780\n"
        "Agreed to Service Provider Terms: 2025-10-20 14:03:11",
        "customerPortalUsername": "ada.lind@example.com",
        "customerPortalPassword": "portal-word-19",
        "phone": '[{"Type": "Home", "Number": "4065550143"}]',
        "extAccountID": "714780",
    }


def test_the_second_try_without_geocoding_differs_in_that_alone() -> None:
    first, second = ADA.fields(), ADA.model_copy(update={"geocode": False}).fields()
    assert second.pop("physicalAutomaticallyGeocode") == "0"
    assert first.pop("physicalAutomaticallyGeocode") == "1"
    assert first == second


def test_a_note_with_a_line_break_cannot_pose_as_another_orders_note() -> None:
    sly = ADA.model_copy(update={"notes": ("Utopia SiteID: 1\nOrder# X2",)})
    assert sly.fields()["customerNotes"] == "Utopia SiteID: 1 Order# X2"


@pytest.mark.parametrize(
    "made", [{}, {"customerID": None}, {"customerID": ""}, {"customerID": "0"}, {"customerID": "new"}]
)
def test_a_customer_created_without_a_usable_id_is_an_unknown_outcome(said: Said, made: dict[str, Any]) -> None:
    with pytest.raises(OutcomeUnknown, match="customerID"):
        said(lambda pc: pc.create_customer(ADA), {"statusCode": 0, **made})


@pytest.mark.parametrize(("prorate", "wire"), [(False, "0"), (True, "1")])
def test_a_service_is_added_once_with_quantity_one(said: Said, prorate: bool, wire: str) -> None:
    _, request = said(lambda pc: pc.add_customer_service("7", 164, prorate=prorate), {"statusCode": 0, "message": "ok"})
    assert form_of(request) == {
        "apiKey": KEY,
        "action": "addCustomerService",
        "customerID": "7",
        "serviceID": "164",
        "quantity": "1",
        "prorateService": wire,
    }


def test_a_ticket_is_created_with_just_the_forms_fields(said: Said) -> None:
    ticket = NewTicket(customer_id="7", description="<p>Welcome & thanks</p>", category=54)
    ticket_id, request = said(
        lambda pc: pc.create_ticket(ticket), {"message": "Ticket created", "statusCode": 0, "ticketID": " 15 "}
    )
    assert ticket_id == "15"
    assert form_of(request) == {
        "apiKey": KEY,
        "action": "createTicket",
        "type": "Individual",
        "summary": "Customer has requested fiber service",
        "category": "54",
        "ticketType": "21",
        "description": "<p>Welcome & thanks</p>",
        "status": "1",
        "responsibleUser": "Sales",
        "responsibleGroupID": "4",
        "customerViewable": "1",
        "customerID": "7",
    }


def test_a_ticket_is_read_in_powercodes_own_fields(said: Said) -> None:
    answer, request = said(lambda pc: pc.read_ticket(15), {"statusCode": 0, "ticketID": 15, "summary": "x"})
    assert form_of(request) == {"apiKey": KEY, "action": "readTicket", "ticketID": "15"}
    assert answer.content["summary"] == "x"


# UAPI


TAGS = {"Success": True, "Response": [{"TagID": 5, "TagName": "Bridged Handoff"}, {"TagID": "9", "TagName": None}]}


@pytest.mark.parametrize(
    ("call", "method", "query"),
    [
        (lambda pc: pc.customer_tags(7), "GET", {"customerID": ["7"]}),
        (lambda pc: pc.add_customer_tag("7", 5), "POST", {"customerID": ["7"], "tags[]": ["5"]}),
        (lambda pc: pc.remove_customer_tag(7, "5"), "DELETE", {"customerID": ["7"], "tags[]": ["5"]}),
    ],
)
def test_tags_are_read_and_changed_one_a_call(
    said: Said, call: Callable[[PowerCodeClient], Any], method: str, query: dict[str, list[str]]
) -> None:
    tags, request = said(call, TAGS)
    assert query_of(request) == (method, "/uapi/customer/tags/customer", query)
    assert tags == (Tag(tag_id="5", name="Bridged Handoff"), Tag(tag_id="9"))


@pytest.mark.parametrize("response", [[], None, {}])
def test_a_customer_without_tags_has_none(said: Said, response: object) -> None:
    assert said(lambda pc: pc.customer_tags(7), {"Success": True, "Response": response})[0] == ()


def test_a_tag_without_an_id_is_unknown(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.customer_tags(7), {"Success": True, "Response": [{"TagName": "x"}]})


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"Success": False, "Message": "Unknown tag"}, 200),
        ({"Success": "false"}, 200),
        ({"Success": False}, 400),
        (b"<html>Unauthorized</html>", 401),
        ({}, 403),
    ],
)
def test_the_uapi_refuses_by_success_or_by_status(said: Said, content: object, status: int) -> None:
    with pytest.raises(Refused) as caught:
        said(lambda pc: pc.add_customer_tag(7, 5), content, status)
    assert (caught.value.status_code, caught.value.status) == (-1, status)


@pytest.mark.parametrize(
    ("content", "status"), [({}, 200), ({"Response": []}, 200), ({"Success": True}, 404), ([], 200)]
)
def test_a_uapi_answer_that_does_not_say_success_is_unknown(said: Said, content: object, status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.add_customer_tag(7, 5), content, status)


# Pure


@pytest.mark.parametrize("base", ["https://pc.example.com:444", "https://pc.example.com:444/"])
def test_the_customers_page_is_linked_for_staff(base: str) -> None:
    expected = "https://pc.example.com:444/index.php?q&page=/customers/_view.php&customerid=8123"
    assert customer_page(base, "8123") == expected


def test_a_customer_without_a_phone_has_no_number() -> None:
    assert json.loads(ADA.model_copy(update={"phone": ""}).fields()["phone"]) == []

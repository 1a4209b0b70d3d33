"""Each call of PowerCode's APIs: what goes out, and what comes back."""

import base64
import copy
import json
import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from powercode import (
    NewCustomer,
    NewTicket,
    OutcomeUnknown,
    PowerCodeClient,
    PowerCodeError,
    Refused,
    Tag,
    Throttled,
    customer_page,
    order_notes,
)
from tests.tools.raw_server import RawServer, answers, http

KEY = "powercode-key-7731"
Said = Callable[..., tuple[Any, str]]
NOTES = order_notes("UIA202411-001186", "714780", "2025-10-20 14:03:11")
ADA = NewCustomer(
    first_name="Ada",
    last_name="Lind",
    email="ada.lind@example.com",
    phone="4065550143",
    street="12 N EXAMPLE AVENUE",
    city="Bozeman",
    state="MT",
    zip="59715",
    ext_account_id="714780",
    portal_password="portal-word-19",
    notes=NOTES,
)
TICKET = NewTicket(customer_id="7", description="<p>Welcome</p>", category=54)


@pytest.fixture
def said() -> Said:
    """Run a call against a server that gives one answer; returns the call's result and the request's text."""

    def run(call: Callable[[PowerCodeClient], Any], content: object, status: int = 200) -> tuple[Any, str]:
        with RawServer(answers(http(content, status))) as server:
            client = PowerCodeClient(f"{server.url}/api/1/index.php", f"{server.url}/uapi/", KEY, read_timeout=5)
            result = call(client)
            return result, server.requests[0].decode()

    return run


def form_of(request: str) -> dict[str, str]:
    head, _, body = request.partition("\r\n\r\n")
    assert head.startswith("POST /api/1/index.php HTTP/1.1")
    assert "application/x-www-form-urlencoded" in head
    return dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))


def query_of(request: str) -> tuple[str, str, dict[str, list[str]]]:
    method, target, _ = request.split("\r\n", maxsplit=1)[0].split(" ")
    assert f"Authorization: Basic {base64.b64encode(KEY.encode()).decode()}" in request
    return method, urlsplit(target).path, parse_qs(urlsplit(target).query)


# statusCode


@pytest.mark.parametrize("code", [0, "0", " 0 ", 0.0])
def test_status_code_zero_is_success_as_a_number_or_a_string(said: Said, code: int | float | str) -> None:
    message, _ = said(lambda pc: pc.add_customer_service(7, 164), {"statusCode": code, "message": "Service added"})
    assert message == "Service added"


@pytest.mark.parametrize("code", [23, "23", " 23 "])
def test_a_geocoding_refusal_is_recognised_as_a_number_or_a_string(said: Said, code: int | str) -> None:
    with pytest.raises(Refused) as caught:
        said(lambda pc: pc.create_customer(ADA), {"statusCode": code, "message": "could not be geocoded"})
    assert (caught.value.status_code, caught.value.message) == (23, "could not be geocoded")


@pytest.mark.parametrize(
    "content", [{"message": "ok"}, {"statusCode": None}, {"statusCode": "ok"}, {"statusCode": True}, [], "0"]
)
def test_an_answer_without_a_status_code_is_unknown(said: Said, content: object) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.create_customer(ADA), content)


def test_an_http_error_that_claims_success_is_unknown(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.add_customer_service(7, 164), {"statusCode": 0}, 404)


def test_an_http_error_with_a_reason_is_a_refusal(said: Said) -> None:
    with pytest.raises(Refused, match="Invalid serviceID") as caught:
        said(lambda pc: pc.add_customer_service(7, 1), {"statusCode": 4, "message": "Invalid serviceID"}, 400)
    assert (caught.value.status, caught.value.status_code) == (400, 4)


# Refusals of a change


NAMES_THE_FAULT = [
    "Invalid serviceID",
    "Missing required field: lastName",
    "Customer not found",
    "no such category",
    "The plan is retired",
    "The customer portal username is already in use",
    "physicalState must be a USPS code",
    "You are not allowed to use this action",
    "API key is not authorized",
]
TELLS_NOTHING = [
    "Lock wait timeout exceeded; try restarting transaction",
    "Deadlock found when trying to get lock; try restarting transaction",
    "MySQL server has gone away",
    "Invalid query: Duplicate entry '15' for key 'PRIMARY'",
    "Not found: the database is not available",
    "Not today",
    "Unknown error",
    "Your request was received",
    "",
    "Invalid serviceID " + "x" * 200,
]
CHANGES = {
    "customer": lambda pc: pc.create_customer(ADA),
    "plan": lambda pc: pc.add_customer_service(7, 164),
    "ticket": lambda pc: pc.create_ticket(TICKET),
}


@pytest.mark.parametrize("words", NAMES_THE_FAULT)
def test_a_refusal_that_names_what_is_wrong_is_certain(said: Said, words: str) -> None:
    for change in CHANGES.values():
        with pytest.raises(Refused):
            said(change, {"statusCode": 1, "message": words})


@pytest.mark.parametrize("words", TELLS_NOTHING)
def test_a_refusal_in_words_of_trouble_or_in_unknown_words_tells_nothing_of_a_change(said: Said, words: str) -> None:
    for change in CHANGES.values():
        with pytest.raises(OutcomeUnknown) as caught:
            said(change, {"statusCode": 1, "message": words})
        assert words[:40] in caught.value.detail


def test_the_status_code_of_geocoding_is_a_refusal_whatever_its_words(said: Said) -> None:
    for words in ("", "Lock wait timeout exceeded", "Not today"):
        with pytest.raises(Refused):
            said(CHANGES["customer"], {"statusCode": 23, "message": words})


def test_a_tag_refused_in_words_of_trouble_tells_nothing(said: Said) -> None:
    with pytest.raises(OutcomeUnknown):
        said(lambda pc: pc.add_customer_tag(7, 5), {"Success": False, "Message": "Lock wait timeout exceeded"})


@pytest.mark.parametrize(("prompt", "error"), [(60.0, Throttled), (0.0, OutcomeUnknown)])
def test_too_many_requests_is_proof_only_where_it_comes_at_once(
    said: Said, monkeypatch: pytest.MonkeyPatch, prompt: float, error: type[PowerCodeError]
) -> None:
    monkeypatch.setattr("powercode.answers.PROMPT_SECONDS", prompt)
    for change in (*CHANGES.values(), lambda pc: pc.add_customer_tag(7, 5)):
        with pytest.raises(error) as caught:
            said(change, {}, 429)
        assert type(caught.value) is error


def test_too_many_requests_to_a_look_up_may_be_repeated_however_late_it_comes(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("powercode.answers.PROMPT_SECONDS", 0.0)
    with pytest.raises(Throttled):
        said(lambda pc: pc.search_customers("Ada"), {}, 429)


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
    assert answer.rows[0]["summary"] == "x"


# Looking up


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


@pytest.mark.parametrize(
    "error", [Refused("no", "createCustomer", 200, 23), Throttled("later", "readTicket", 429, 7.0)]
)
def test_an_error_survives_being_copied_and_stored(error: Refused | Throttled) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))


def test_a_customer_without_a_phone_has_no_number() -> None:
    assert json.loads(ADA.model_copy(update={"phone": ""}).fields()["phone"]) == []

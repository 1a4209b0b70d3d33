"""The simulated PowerCode speaks the reference's wire format and bills twice what is sent twice."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from sandbox import PowerCode
from sandbox.form_api import CREATE_CUSTOMER_FIELDS, CREATE_TICKET_FIELDS
from tests.sandbox.powercode_calls import CUSTOMER, Call, Uapi, failed

TICKET = {
    "type": "Individual",
    "summary": "Customer has requested fiber service",
    "category": 54,
    "ticketType": 21,
    "description": "<p>Welcome</p>",
    "status": 1,
    "responsibleUser": "Sales",
    "responsibleGroupID": 4,
    "customerViewable": 1,
}


def test_a_wrong_key_is_refused_with_http_200(call: Call, powercode: PowerCode) -> None:
    assert failed(call("createCustomer", **{**CUSTOMER, "apiKey": "wrong"}))
    assert powercode.customers == {}


def test_an_action_that_the_reference_does_not_list_is_refused(call: Call) -> None:
    assert failed(call("deleteCustomer", customerID=1001))


def test_a_customer_is_created_with_the_fields_sent(call: Call, powercode: PowerCode) -> None:
    answer = call("createCustomer", **CUSTOMER)
    assert answer["statusCode"] == 0
    customer = powercode.customers[answer["customerID"]]
    assert customer.fields == {name: str(value) for name, value in CUSTOMER.items()}
    assert customer.company_name == "Ada Lind"
    assert powercode.count("createCustomer") == 1
    assert "apiKey" not in powercode.calls[0].fields


@pytest.mark.parametrize("name", CREATE_CUSTOMER_FIELDS)
def test_every_field_of_a_customer_is_required(call: Call, powercode: PowerCode, name: str) -> None:
    assert failed(call("createCustomer", **{**CUSTOMER, name: ""}))
    assert powercode.customers == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("physicalState", "Montana"),
        ("physicalState", "XX"),
        ("phone", "4065550143"),
        ("phone", "[]"),
        ("emailAddress", "None"),
        ("taxZoneId", "one"),
        ("physicalAutomaticallyGeocode", "yes"),
    ],
)
def test_a_field_in_another_form_is_refused(call: Call, name: str, value: str) -> None:
    assert failed(call("createCustomer", **{**CUSTOMER, name: value}))


def test_a_new_street_is_created_without_geocoding_alone(call: Call, powercode: PowerCode) -> None:
    street = {**CUSTOMER, "physicalStreet": "7 New Street"}
    assert call("createCustomer", **street)["statusCode"] == 23
    assert powercode.customers == {}
    assert call("createCustomer", **{**street, "physicalAutomaticallyGeocode": 0})["statusCode"] == 0


def test_the_same_customer_sent_twice_is_two_customers(call: Call, powercode: PowerCode) -> None:
    call("createCustomer", **CUSTOMER)
    call("createCustomer", **CUSTOMER)
    assert len(powercode.customers) == 2


def test_a_taken_portal_name_is_refused_when_the_server_does_so(call: Call, powercode: PowerCode) -> None:
    powercode.refuse_taken_portal_names = True
    call("createCustomer", **CUSTOMER)
    assert failed(call("createCustomer", **{**CUSTOMER, "customerPortalUsername": "ADA.LIND@example.com"}))


def test_a_service_added_twice_is_billed_twice(call: Call, powercode: PowerCode) -> None:
    customer = powercode.add_customer()
    for quantity in (1, 2):
        answer = call(
            "addCustomerService",
            customerID=customer.customer_id,
            serviceID=164,
            quantity=quantity,
            prorateService=1,
        )
        assert answer["statusCode"] == 0
    assert [(each.service_id, each.quantity, each.prorated) for each in customer.services] == [
        (164, 1, True),
        (164, 2, True),
    ]


@pytest.mark.parametrize("wrong", [{"serviceID": 999}, {"quantity": 0}, {"prorateService": ""}, {"customerID": 1}])
def test_a_service_that_cannot_be_added_is_refused(call: Call, powercode: PowerCode, wrong: dict[str, Any]) -> None:
    customer = powercode.add_customer()
    fields = {"customerID": customer.customer_id, "serviceID": 164, "quantity": 1, "prorateService": 0}
    assert failed(call("addCustomerService", **{**fields, **wrong}))
    assert customer.services == []


def test_a_ticket_can_be_read_back(call: Call, powercode: PowerCode) -> None:
    customer = powercode.add_customer()
    answer = call("createTicket", customerID=customer.customer_id, **TICKET)
    assert answer == {"message": "Ticket created", "statusCode": 0, "ticketID": 15}
    assert customer.tickets[0].fields["description"] == "<p>Welcome</p>"
    assert call("readTicket", ticketID=15)["summary"] == TICKET["summary"]
    assert failed(call("readTicket", ticketID=16))


@pytest.mark.parametrize("name", CREATE_TICKET_FIELDS)
def test_every_field_of_a_ticket_is_required(call: Call, powercode: PowerCode, name: str) -> None:
    fields = {"customerID": powercode.add_customer().customer_id, **TICKET}
    assert failed(call("createTicket", **{**fields, name: ""}))
    assert powercode.tickets == {}


def test_a_new_customer_has_the_servers_status_until_it_is_changed(call: Call, powercode: PowerCode) -> None:
    powercode.status_when_made = "Not Active"
    customer_id = call("createCustomer", **CUSTOMER)["customerID"]
    assert call("readCustomer", customerID=customer_id)["status"] == "Not Active"
    assert failed(call("updateCustomerStatus", customerID=customer_id, status="Activ"))
    call("updateCustomerStatus", customerID=customer_id, status="Active")
    assert call("readCustomer", customerID=customer_id)["status"] == "Active"


def test_a_change_of_a_customer_leaves_the_other_fields(call: Call, powercode: PowerCode) -> None:
    customer = powercode.add_customer()
    assert failed(call("updateCustomer", customerID=customer.customer_id))
    call("updateCustomer", customerID=customer.customer_id, physicalCity="Belgrade")
    assert (customer.fields["physicalCity"], customer.fields["firstName"]) == ("Belgrade", "Grace")


@pytest.mark.parametrize(
    ("kind", "args", "made"),
    [
        ("no_answer", {}, 1),
        ("cut", {}, 1),
        ("reset", {}, 0),
        ("reset", {"processed": True}, 1),
        ("refuse", {}, 0),
    ],
)
def test_a_lost_answer_tells_nothing_of_what_was_made(
    call: Call, powercode: PowerCode, kind: str, args: dict[str, Any], made: int
) -> None:
    powercode.fault("createCustomer", kind, **args)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        call("createCustomer", **CUSTOMER)
    assert len(powercode.customers) == made


@pytest.mark.long
def test_many_callers_at_once_lose_nothing(call: Call, powercode: PowerCode) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: call("createCustomer", **CUSTOMER), range(200)))
    assert len({answer["customerID"] for answer in answers}) == len(powercode.customers) == 200


def test_the_uapi_takes_the_key_alone(uapi: Uapi, powercode: PowerCode) -> None:
    path, customer_id = "customer/tags/customer", powercode.add_customer().customer_id
    assert uapi("GET", path, customerID=customer_id).json() == {"Success": True, "Response": []}
    assert uapi("GET", path, key=f"{powercode.api_key}:", customerID=customer_id).status_code == 401


def test_a_tag_added_twice_is_there_once(uapi: Uapi, powercode: PowerCode) -> None:
    customer = powercode.add_customer()
    path, parameters = "customer/tags/customer", {"customerID": customer.customer_id}
    for _ in range(2):
        answer = uapi("POST", path, **parameters, **{"tags[]": [5]})
        assert answer.json() == {"Success": True, "Response": [{"TagID": 5, "TagName": "Bridged Handoff"}]}
    uapi("POST", path, **parameters, **{"tags[]": [9]})
    assert [tag["TagID"] for tag in uapi("GET", path, **parameters).json()["Response"]] == [5, 9]
    uapi("DELETE", path, **parameters, **{"tags[]": [5]})
    assert customer.tags == [9]


@pytest.mark.parametrize("wrong", [{"customerID": 1}, {"tags[]": 77}, {"tags[]": []}])
def test_tags_that_cannot_be_added_are_no_success(uapi: Uapi, powercode: PowerCode, wrong: dict[str, Any]) -> None:
    parameters = {"customerID": powercode.add_customer().customer_id, "tags[]": 5, **wrong}
    assert uapi("POST", "customer/tags/customer", **parameters).json()["Success"] is False


def test_tags_in_a_body_are_not_read(powercode: PowerCode, uapi: Uapi) -> None:
    customer = powercode.add_customer()
    token = base64.b64encode(powercode.api_key.encode()).decode()
    requests.post(
        f"{powercode.uapi_url}/customer/tags/customer",
        data={"customerID": customer.customer_id, "tags[]": 5},
        headers={"Authorization": f"Basic {token}"},
        timeout=5,
    )
    assert customer.tags == []


def test_the_uapi_refuses_in_its_own_way(uapi: Uapi, powercode: PowerCode) -> None:
    powercode.fault("GET customer/tags/customer", "status_code", message="Not now")
    assert uapi("GET", "customer/tags/customer", customerID=1).json() == {"Success": False, "Message": "Not now"}


def test_the_customers_page_shows_the_account_escaped(powercode: PowerCode) -> None:
    customer = powercode.add_customer(services=(164,), tags=(5,), lastName="<script>", customerPortalPassword="hidden")
    link = f"{powercode.url}/index.php?q&page=/customers/_view.php&customerid={customer.customer_id}"
    page = requests.get(link, timeout=5)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Grace &lt;script&gt;" in page.text
    assert "1 Gbps x 1" in page.text
    assert "Bridged Handoff" in page.text
    assert "<script>" not in page.text
    assert "hidden" not in page.text
    assert requests.get(link + "9", timeout=5).status_code == 404

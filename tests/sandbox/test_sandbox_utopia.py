"""The simulated UTOPIA speaks the reference's wire format."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox import ABSENT, Utopia, a_contract
from sandbox.contracts import contract_pdf
from sandbox.provider_calls import PROVIDER_CALLS

Ask = Callable[..., requests.Response]

ORDER = "UIA202411-001186"

REFERENCE_CONTRACT = {
    "status": "Signed",
    "ordersource": "webcustomer",
    "promo": "",
    "contractdownload": "Ready",
    "customer": {"firstname": "Ada", "lastname": "Lind", "email": "ada.lind@example.com", "phone": "4065550143"},
    "address": {
        "siteid": "714780",
        "address": "12 N EXAMPLE AVENUE",
        "apt": "",
        "city": "Bozeman",
        "zip": "59715",
        "state": "Montana",
    },
    "billingaddress": {
        "name": "Ada Lind",
        "phone": "4065550143",
        "address": "12 N EXAMPLE AVENUE",
        "apt": "",
        "city": "Bozeman",
        "zip": "59715",
        "state": "Montana",
    },
    "orderitems": [
        {
            "pid": "259",
            "chargetype": "mrc",
            "description": "250 Mbps",
            "costper": "65",
            "totalcost": "65",
            "qty": "1",
        }
    ],
    "orderphoneport": [],
    "termsagreement": {"sp_terms_agree_date": "2025-10-20 14:03:11"},
}
ALL_FIELDS = {
    **dict.fromkeys(("siteid", "cid", "mac", "projectid", "ticketid", "servid", "itemid"), "1"),
    **dict.fromkeys(("uiaid", "product", "issuedate"), "1"),
}


@pytest.fixture(scope="module")
def utopia() -> Iterator[Utopia]:
    server = Utopia()
    server.up()
    server.add_order(ORDER)
    yield server
    server.stop()


@pytest.fixture
def ask(utopia: Utopia) -> Ask:
    def post(path: str, apikey: str = utopia.api_key, **fields: Any) -> requests.Response:
        return requests.post(f"{utopia.url}/{path}", json={"apikey": apikey, **fields}, timeout=5)

    return post


def test_a_contract_is_the_references() -> None:
    assert a_contract() == REFERENCE_CONTRACT


def test_overrides_reach_the_parts_they_belong_to() -> None:
    contract = a_contract(
        lastname="Moe",
        apt="4",
        items=[{"description": "1 Gbps"}, {"chargetype": "nrc"}],
        termsagreement=ABSENT,
        orderphoneport=None,
        contract_ready=False,
    )
    assert contract["billingaddress"]["name"] == "Ada Moe"
    assert contract["billingaddress"]["apt"] == contract["address"]["apt"] == "4"
    assert [item["description"] for item in contract["orderitems"]] == ["1 Gbps", "250 Mbps"]
    assert contract["orderitems"][1]["chargetype"] == "nrc"
    assert "termsagreement" not in contract
    assert contract["orderphoneport"] is None
    assert contract["contractdownload"] != "Ready"


@pytest.mark.parametrize("path", ["spquery/contractlookup", "spquery/products", "address/search"])
def test_without_the_key_nothing_is_told(ask: Ask, path: str) -> None:
    response = ask(path, apikey="wrong", orderref=ORDER)
    assert (response.status_code, response.json()) == (401, {"error": "Authentication Failed"})


def test_a_body_that_is_not_json_has_no_key(utopia: Utopia) -> None:
    assert requests.post(f"{utopia.url}/spquery/products", data="[", timeout=5).status_code == 401


@pytest.mark.parametrize("call", ["contractlookup", "contractdownload"])
def test_an_order_of_another_provider_is_not_found(ask: Ask, call: str) -> None:
    response = ask(f"spquery/{call}", orderref="UIA202411-009999")
    assert (response.status_code, response.json()) == (404, {"error": "No valid records found for this ISP"})


def test_a_contract_can_be_downloaded_once_it_is_ready(utopia: Utopia, ask: Ask) -> None:
    utopia.add_order("UIA202411-000002", contract_ready=False)
    waiting = ask("spquery/contractdownload", orderref="UIA202411-000002")
    assert waiting.status_code == 200
    assert waiting.headers["Content-Type"] == "application/json"
    utopia.set_contract_ready("UIA202411-000002")
    ready = ask("spquery/contractdownload", orderref="UIA202411-000002")
    assert ready.headers["Content-Type"] == "application/pdf; charset=UTF-8"
    assert ready.content.startswith(b"%PDF-")


def test_the_pdfs_offsets_point_at_its_objects() -> None:
    pdf = contract_pdf(ORDER, a_contract(firstname="Zoë (jr.)", lastname="Łuk\\"))
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[1])
    assert pdf[table:].startswith(b"xref\n0 6\n")
    offsets = [int(row) for row in re.findall(rb"(\d{10}) 00000 n", pdf)]
    assert [pdf[offset:].startswith(b"%d 0 obj" % number) for number, offset in enumerate(offsets, 1)] == [True] * 5
    stream = re.search(rb"/Length (\d+) >>\nstream\n(.*)\nendstream", pdf, re.DOTALL)
    assert len(stream[2]) == int(stream[1])
    assert rb"(Zo\xeb \(jr.\) ?uk\\) Tj" in stream[2].replace("ë".encode("latin-1"), rb"\xeb")


@pytest.mark.parametrize("name", sorted(PROVIDER_CALLS))
def test_each_service_provider_call_answers_json(ask: Ask, name: str) -> None:
    response = ask(f"spquery/{name}", **ALL_FIELDS)
    assert response.status_code in (200, 404)
    assert isinstance(response.json(), list | dict)


@pytest.mark.parametrize("name", ["service", "customer", "apview", "macsearch", "suspend", "cancelservice"])
def test_a_missing_field_is_named_in_the_error(ask: Ask, name: str) -> None:
    assert ask(f"spquery/{name}").json()["error"].startswith("Missing required field: ")


def test_the_access_portal_has_the_routers_mac(ask: Ask) -> None:
    answer = ask("spquery/apview", siteid="714780").json()
    assert re.fullmatch("([0-9A-F]{2}:){5}[0-9A-F]{2}", answer["result"][0]["eth"]["eth1"]["macs"][0][:17])


def test_orders_are_found_by_site_and_status(ask: Ask) -> None:
    found = ask("spquery/orders", siteid="714780", status="Signed").json()
    assert ORDER in [order["orderref"] for order in found]
    assert ask("spquery/orders", siteid="1").json() == []


def test_the_address_search_tells_one_site_from_several(utopia: Utopia, ask: Ask) -> None:
    search = {"address": "12 N EXAMPLE", "postcode": "59715", "unitnum": ""}
    single = ask("address/search", search=search).json()["single"]
    assert single[0]["address_id"] == "714780"
    assert single[0]["status"] == "ORDERABLE"
    utopia.add_order("UIA202411-000004", siteid="714781", apt="2")
    assert len(ask("address/search", network="BOZEMAN", search=search).json()["multi"]) == 2


def test_an_unknown_call_is_not_found(ask: Ask) -> None:
    assert ask("spquery/nothing").status_code == 404

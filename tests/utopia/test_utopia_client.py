"""Each call of UTOPIA's API: what goes out, and what comes back."""

import copy
import gzip
import json
import pickle
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.tools.raw_server import RawServer, answers, http
from utopia import (
    AuthenticationFailed,
    Contract,
    NotOurs,
    NotReady,
    OutcomeUnknown,
    Refused,
    Throttled,
    TooLarge,
    UtopiaClient,
    UtopiaError,
)

KEY = "utopia-key-7731"
Said = Callable[..., tuple[Any, str, Any]]
REF = "UIA202411-001186"
PDF = b"%PDF-1.4\n%%EOF\n"
CONTRACT = {
    "status": "Signed",
    "contractdownload": "Ready",
    "customer": {"firstname": "Ada", "lastname": "Lind", "email": "ada.lind@example.com", "phone": "4065550143"},
    "address": {"siteid": "714780", "address": "12 N EXAMPLE AVENUE", "apt": "", "city": "Bozeman", "state": "Montana"},
    "orderitems": [{"pid": "259", "chargetype": "mrc", "description": "250 Mbps", "qty": "1"}],
    "termsagreement": {"sp_terms_agree_date": "2025-10-20 14:03:11"},
}

CALLS = [
    ("service", lambda utopia: utopia.service(5), {"siteid": 5}),
    ("orders", lambda utopia: utopia.orders(), {}),
    (
        "orders",
        lambda utopia: utopia.orders(status="New", siteid="5", orderref=REF),
        {"status": "New", "siteid": "5", "orderref": REF},
    ),
    ("orders", lambda utopia: utopia.all_orders(limit=1000), {}),
    ("customer", lambda utopia: utopia.customer("8"), {"cid": "8"}),
    ("checkaccess", lambda utopia: utopia.check_access(siteid=5), {"siteid": 5}),
    ("checkaccess", lambda utopia: utopia.check_access(clientid=8), {"clientid": 8}),
    ("apview", lambda utopia: utopia.ap_view(5), {"siteid": 5}),
    ("macsearch", lambda utopia: utopia.mac_search("00:00:5E:00:53:1A"), {"mac": "00:00:5E:00:53:1A"}),
    (
        "macsearch",
        lambda utopia: utopia.mac_search("00:00:5E:00:53:1A", hourshistory=24),
        {"mac": "00:00:5E:00:53:1A", "hourshistory": 24},
    ),
    ("products", lambda utopia: utopia.products(), {}),
    (
        "projects",
        lambda utopia: utopia.projects(statusid=1, siteid=5, orderref=REF),
        {"statusid": 1, "siteid": 5, "orderref": REF},
    ),
    ("projectdetail", lambda utopia: utopia.project_detail(3), {"projectid": 3}),
    (
        "outagetickets",
        lambda utopia: utopia.outage_tickets(
            siteid=5, clientid=8, eventdate="2026-11-14", status="open", sla=1, devicequery="x", utc=1
        ),
        {
            "siteid": 5,
            "clientid": 8,
            "eventdate": "2026-11-14",
            "status": "open",
            "sla": 1,
            "devicequery": "x",
            "utc": 1,
        },
    ),
    ("outageticket", lambda utopia: utopia.outage_ticket(4, utc=1), {"ticketid": 4, "utc": 1}),
    (
        "editserviceitem",
        lambda utopia: utopia.edit_service_item(6, spsubid1="a", spsubid2="b", spsubid3=""),
        {"servid": 6, "spsubid1": "a", "spsubid2": "b", "spsubid3": ""},
    ),
    (
        "editorderitem",
        lambda utopia: utopia.edit_order_item(7, handoff="eth", nnivlan=1, nnivlanservice="x", vlan=2, vlanservice="y"),
        {"itemid": 7, "handoff": "eth", "nnivlan": 1, "nnivlanservice": "x", "vlan": 2, "vlanservice": "y"},
    ),
    (
        "editorderitem",
        lambda utopia: utopia.edit_order_item(7, spsubid1="a", spsubid2="b", spsubid3="c"),
        {"itemid": 7, "spsubid1": "a", "spsubid2": "b", "spsubid3": "c"},
    ),
    ("suspend", lambda utopia: utopia.suspend(8, 5), {"cid": 8, "siteid": 5}),
    ("unsuspend", lambda utopia: utopia.unsuspend(8, 5), {"cid": 8, "siteid": 5}),
    (
        "changespeed",
        lambda utopia: utopia.change_speed(8, 5, uiaid=2, product="259", issuedate="2026-12-01"),
        {"cid": 8, "siteid": 5, "uiaid": 2, "product": "259", "issuedate": "2026-12-01"},
    ),
    (
        "cancelservice",
        lambda utopia: utopia.cancel_service(8, 5, issuedate="2026-12-01", singleservice=1),
        {"cid": 8, "siteid": 5, "issuedate": "2026-12-01", "singleservice": 1},
    ),
]


@pytest.fixture
def said() -> Said:
    """Run a call against a server that gives one answer; returns the call's result and what the server read."""

    def run(call: Callable[[UtopiaClient], Any], reply: bytes) -> tuple[Any, str, Any]:
        with RawServer(answers(reply)) as server, UtopiaClient(server.url, KEY, read_timeout=5) as client:
            result = call(client)
            head, _, body = server.requests[0].partition(b"\r\n\r\n")
            return result, head.decode(), json.loads(body)

    return run


@pytest.mark.parametrize(("name", "call", "fields"), CALLS)
def test_a_service_provider_call_sends_just_the_fields_given(
    said: Said, name: str, call: Callable[[UtopiaClient], Any], fields: dict[str, Any]
) -> None:
    answer, head, body = said(call, http({"result": [{"id": "1"}]}))
    assert head.startswith(f"POST /spquery/{name} HTTP/1.1")
    assert "application/json" in head
    assert body == {"apikey": KEY, **fields}
    assert (answer.action, answer.content, answer.rows) == (name, {"result": [{"id": "1"}]}, ({"id": "1"},))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ([], ()),
        ([{"a": 1}, 5], ({"a": 1},)),
        ({"a": 1}, ({"a": 1},)),
        ({"result": "success"}, ({"result": "success"},)),
    ],
)
def test_the_rows_of_an_answer_are_its_objects(said: Said, content: object, rows: tuple[dict[str, Any], ...]) -> None:
    answer, _, _ = said(lambda utopia: utopia.products(), http(content))
    assert answer.rows == rows


def test_a_contract_is_looked_up_by_its_orderref(said: Said) -> None:
    contract, head, body = said(lambda utopia: utopia.contract(REF), http(CONTRACT))
    assert head.startswith("POST /spquery/contractlookup ")
    assert body == {"apikey": KEY, "orderref": REF}
    assert (contract.customer.first_name, contract.address.site_id) == ("Ada", "714780")
    assert contract.items[0].description == "250 Mbps"
    assert contract.contract_ready
    assert contract.terms_agreed_on == "2025-10-20 14:03:11"


@pytest.mark.parametrize("content", [[], {}, {"status": "Signed"}, {"customer": None}, {"customer": []}, "Signed", 5])
def test_json_that_is_no_contract_is_an_unknown_outcome_not_an_empty_order(said: Said, content: object) -> None:
    with pytest.raises(OutcomeUnknown, match="UTOPIA answered without a contract"):
        said(lambda utopia: utopia.contract(REF), http(content))


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(
    "words",
    [
        "No valid records found for this ISP",
        "  no valid  records FOUND for this isp. ",
        "No valid\nrecords found for this ISP",
    ],
)
def test_another_providers_order_is_not_ours_at_any_status(said: Said, status: int, words: str) -> None:
    with pytest.raises(NotOurs) as caught:
        said(lambda utopia: utopia.contract(REF), http({"error": words}, status))
    assert caught.value.status == status
    assert not isinstance(caught.value, Refused)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (http({"error": "Authentication Failed"}, 401), AuthenticationFailed),
        (http({"error": "authentication failed"}), AuthenticationFailed),
        (http({"error": "who are you"}, 401), AuthenticationFailed),
        (http({"error": "Invalid orderref"}, 404), Refused),
        (http({"error": {"code": 7}}), Refused),
        (http({"message": "odd"}, 400), OutcomeUnknown),
    ],
)
def test_an_error_is_named_by_what_to_do_next(said: Said, reply: bytes, kind: type[UtopiaError]) -> None:
    with pytest.raises(kind) as caught:
        said(lambda utopia: utopia.contract(REF), reply)
    assert type(caught.value) is kind
    assert caught.value.action == "contractlookup"


def test_words_of_trouble_tell_nothing_of_a_change(said: Said) -> None:
    with pytest.raises(OutcomeUnknown, match="Lock wait timeout"):
        said(lambda utopia: utopia.suspend("7", "714780"), http({"error": "Lock wait timeout exceeded"}))


@pytest.mark.parametrize(
    "content",
    [
        {"status": "error", "message": "No such cid"},
        {"Status": "NotFound"},
        {"success": False},
        {"success": "false", "cid": "7"},
        {"result": "Failed"},
        {"Error": "No such cid"},
        [{"error": "No such cid"}],
        {"data": {"status": "failed"}},
        {"data": [{"errors": ["No such cid"]}]},
        [],
        {},
        False,
    ],
)
def test_a_change_whose_answer_says_no_or_nothing_is_not_taken_for_done(said: Said, content: Any) -> None:
    with pytest.raises(OutcomeUnknown, match="answered"):
        said(lambda utopia: utopia.cancel_service("7", "714780", issuedate="2026-12-01"), http(content))


@pytest.mark.parametrize(
    "content",
    [
        {"result": "success", "cid": "7"},
        {"status": "Cancelled", "error": ""},
        {"success": True, "errors": []},
        {"success": 1},
        [{"id": 1}],
        "OK",
    ],
)
def test_a_change_whose_answer_says_nothing_against_it_is_done(said: Said, content: Any) -> None:
    answer, _, _ = said(lambda utopia: utopia.suspend("7", "714780"), http(content))
    assert answer.content == content


def test_an_answer_that_says_no_to_a_question_is_an_answer(said: Said) -> None:
    answer, _, _ = said(lambda utopia: utopia.mac_search("00:00:5E:00:53:1A"), http({"status": "notfound"}))
    assert answer.content == {"status": "notfound"}


def test_an_empty_error_beside_a_contract_is_none(said: Said) -> None:
    contract, _, _ = said(lambda utopia: utopia.contract(REF), http({**CONTRACT, "error": ""}))
    assert contract.customer.last_name == "Lind"


def test_a_contract_is_downloaded_as_its_bytes(said: Said) -> None:
    big = PDF + b"x" * 6 * 1024 * 1024
    file = BytesIO()
    reply = http(big, 200, "application/pdf; charset=UTF-8")
    size, head, body = said(lambda utopia: utopia.contract_pdf(REF, file), reply)
    assert head.startswith("POST /spquery/contractdownload ")
    assert body == {"apikey": KEY, "orderref": REF}
    assert (size, file.getvalue()) == (len(big), big)


def test_a_contract_above_the_limit_is_told_by_its_size_and_not_read(said: Said) -> None:
    file = BytesIO()
    with pytest.raises(TooLarge) as large:
        said(lambda utopia: utopia.contract_pdf(REF, file, limit=1000), http(PDF + b"x" * 5000, 200, "application/pdf"))
    assert (large.value.size, file.getvalue()) == (len(PDF) + 5000, b"")
    assert "larger than 1000 bytes" in str(large.value)


def test_a_contract_of_unknown_size_is_read_up_to_the_limit(said: Said) -> None:
    endless = http(gzip.compress(PDF + b"x" * 1_000_000), 200, "application/pdf", Content_Encoding="gzip")
    file = BytesIO()
    with pytest.raises(TooLarge) as large:
        said(lambda utopia: utopia.contract_pdf(REF, file, limit=300_000), endless)
    assert large.value.size is None
    assert len(file.getvalue()) <= 300_000


def test_a_disk_without_room_for_the_contract_is_no_failure_of_utopia(said: Said) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        said(lambda utopia: utopia.contract_pdf(REF, full), http(PDF, 200, "application/pdf"))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (http({"status": "pending"}), NotReady),
        (http([]), NotReady),
        (http({"error": "Contract not ready"}), NotReady),
        (http({"error": "Contract Not Ready yet"}, 404), NotReady),
        (http({"error": "Invalid orderref"}, 404), Refused),
        (http({"error": "No valid records found for this ISP"}, 404), NotOurs),
        (http(b"<html>", 200, "application/pdf"), OutcomeUnknown),
        (http(PDF, 200, "text/html"), OutcomeUnknown),
        (http(PDF, 502, "application/pdf"), OutcomeUnknown),
        (http(b"", 200, "application/pdf"), OutcomeUnknown),
    ],
)
def test_a_download_without_a_pdf_says_whether_to_wait(said: Said, reply: bytes, kind: type[UtopiaError]) -> None:
    with pytest.raises(kind):
        said(lambda utopia: utopia.contract_pdf(REF, BytesIO()), reply)


SITE = {"address_id": 714780, "address": "12 N EXAMPLE AVENUE", "unitnum": None, "status": "ORDERABLE"}


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ({"single": [SITE]}, 1),
        ({"multi": [SITE, SITE]}, 2),
        ({"single": SITE, "multi": None}, 1),
        ({"single": []}, 0),
        ([], 0),
        ({}, 0),
    ],
)
def test_an_address_search_gives_the_sites_of_either_form(said: Said, content: object, count: int) -> None:
    sites, head, body = said(lambda utopia: utopia.address_search("12 N Example Ave", network="BOZEMAN"), http(content))
    assert head.startswith("POST /address/search ")
    search = {"address": "12 N Example Ave", "postcode": "", "unitnum": ""}
    assert body == {"apikey": KEY, "network": "BOZEMAN", "search": search}
    assert len(sites) == count
    assert all((site.address_id, site.unitnum, site.status) == ("714780", "", "ORDERABLE") for site in sites)


def test_an_address_search_without_sites_in_an_odd_answer_is_unknown(said: Said) -> None:
    with pytest.raises(OutcomeUnknown, match="without sites"):
        said(lambda utopia: utopia.address_search("12 N Example Ave"), http({"welcome": "to our network"}))


def test_an_address_that_utopia_repeats_is_not_shown(said: Said) -> None:
    with pytest.raises(Refused) as caught:
        said(lambda utopia: utopia.address_search("12 N Example Ave"), http({"error": "Nothing at 12 N EXAMPLE AVE!"}))
    assert caught.value.detail == "Nothing at ***!"


@pytest.mark.parametrize(
    ("content", "mac"),
    [
        ({"result": [{"eth": {"eth1": {"macs": ["00:00:5E:00:53:1A (dynamic)"]}}}]}, "00:00:5E:00:53:1A"),
        ({"result": [{"eth": {"eth1": {"macs": []}}}]}, None),
        ({"result": [{"eth": {"eth1": {"macs": [None]}}}]}, None),
        ({"result": []}, None),
        ({"result": None}, None),
        ([], None),
    ],
)
def test_the_routers_mac_is_found_in_the_access_portal_or_absent(said: Said, content: object, mac: str | None) -> None:
    portal, _, _ = said(lambda utopia: utopia.ap_view(5), http(content))
    assert portal.router_mac == mac


def test_a_contract_can_be_stored_and_read_again() -> None:
    contract = Contract.read(CONTRACT)
    assert Contract.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract


@pytest.mark.parametrize(
    "error",
    [Refused("no", "orders", 404), Throttled("later", "orders", 429, 7.0), NotOurs("not ours", "contractlookup")],
)
def test_an_error_survives_being_copied_and_stored(error: Refused | Throttled | NotOurs) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))

"""Looking up at UTOPIA and PowerCode: read-only, readable whatever comes, and clear words when nothing does."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from app.lookups import remote_requests
from app.lookups.look_up_catalogue import LOOK_UPS
from tests.conftest import Service
from tests.console.pages import HOSTILE
from tests.console.persons import Person

ORDER = "UIA202411-001186"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
ENTRIES = {
    "order": f"orderref={ORDER}",
    "address": "address=12+N+EXAMPLE&postcode=59715",
    "site": "siteid=714780",
    "access-portal": "siteid=714780",
    "mac": "mac=00:00:5E:00:53:1A&hours=24",
    ("utopia", "customer"): "cid=90001",
    "access": "siteid=714780",
    "orders": "siteid=714780",
    "projects": f"orderref={ORDER}",
    "project": "projectid=90001",
    "products": "",
    "outages": "status=open",
    "outage": "ticketid=7",
    "customers": "search=Ada",
    ("powercode", "customer"): "customer_id=1001",
    "ticket": "ticket_id=15",
    "tags": "customer_id=1001",
}
WORDS = {
    "outage": "UTOPIA has no such record: No outage ticket 7.",
    "outages": "Nothing was found",
    "access": "yes",
    "products": "1 Gbps",
    "mac": "714780",
    "access-portal": "00:00:5E:00:53:1A",
    "ticket": "Customer has requested fiber service",
    "tags": "Bridged Handoff",
    "project": "New Order",
    "projects": ORDER,
    "site": "Active",
    "address": "ORDERABLE",
}


def entries_of(look_up: Any) -> str:
    return ENTRIES.get(look_up.name) or ENTRIES.get((str(look_up.system), look_up.name), "")


@pytest.fixture
def known(service: Service) -> Service:
    """An order that became an account, so that both systems have something to show."""
    service.take(ORDER)
    return service


def test_each_look_up_shows_what_the_system_answers_and_changes_nothing_there(
    known: Service, as_read_only: Person
) -> None:
    before = known.sandbox.powercode.call_counts.copy()
    for look_up in LOOK_UPS:
        page = as_read_only.get(f"/console/look-up/{look_up.system}/{look_up.name}?{entries_of(look_up)}")

        assert page.status_code == 200, look_up
        assert WORDS.get(look_up.name, "Lind" if look_up.name != "orders" else ORDER) in page.text, look_up

    reading = {"searchCustomers", "readCustomer", "readTicket", "GET customer/tags/customer"}
    asked = known.sandbox.powercode.call_counts - before
    assert set(asked) <= reading
    changing = {"suspend", "unsuspend", "changespeed", "cancelservice", "editorderitem", "editserviceitem"}
    assert changing.isdisjoint(known.sandbox.utopia.call_counts)


def test_an_order_leads_to_its_page_here_or_to_taking_it_in_by_hand(known: Service, as_staff: Person) -> None:
    known.order("UIA202411-002000")

    known_here = as_staff.get(f"/console/look-up/utopia/order?orderref={ORDER}").text
    not_known = as_staff.get("/console/look-up/utopia/order?orderref=UIA202411-002000").text

    assert f'href="/console/orders/{ORDER}"' in known_here
    assert 'href="/console/orders/new?orderref=UIA202411-002000"' in not_known


def test_a_customer_leads_to_powercodes_page_and_an_id_in_a_list_to_its_look_up(
    known: Service, as_read_only: Person
) -> None:
    customer = as_read_only.get("/console/look-up/powercode/customer?customer_id=1001").text
    found = as_read_only.get("/console/look-up/powercode/customers?search=Ada").text

    assert "/customers/_view.php&amp;customerid=1001" in customer
    assert 'href="/console/look-up/powercode/customer?customer_id=1001"' in found


def test_a_hostile_customer_stays_text_on_every_page(service: Service, as_administrator: Person) -> None:
    service.order(ORDER, firstname=HOSTILE, lastname="javascript:alert(1)", address=f"1 {HOSTILE}")
    service.sandbox.powercode.add_customer(
        firstName=HOSTILE, physicalStreet=f"1 {HOSTILE}", customerNotes="javascript:alert(1)"
    )
    for path in (
        f"/console/look-up/utopia/order?orderref={ORDER}",
        "/console/look-up/utopia/customer?cid=90001",
        "/console/look-up/utopia/orders?status=",
        f"/console/look-up/utopia/orders?status={quote(HOSTILE)}",
        "/console/look-up/powercode/customer?customer_id=1001",
        f"/console/look-up/powercode/customers?search={quote(HOSTILE)}",
        "/console/look-up/changes/suspend?cid=90001&siteid=714780&check=1",
    ):
        page = as_administrator.get(path).text
        assert ESCAPED in page, path
        assert HOSTILE not in page, path
        assert not re.search(r'href="\s*javascript', page), path


@pytest.mark.parametrize(
    "content",
    [
        [{"x" * 300: "y" * 10_000}] * 3_000,
        {"result": {"a": [[[[[[[[1]]]]]]]]}},
        [1, "two", None, {"three": 3}],
        "just a text",
        {"error": ""},
        {"notes": "line\nbreak\r\n\u202etxet"},
        [{"link": "javascript:alert(1)", "siteid": "../../log?x=1", "cid": {"a": 1}}],
    ],
)
def test_whatever_utopia_answers_is_a_page_of_bounded_size(
    service: Service, as_read_only: Person, content: Any
) -> None:
    service.sandbox.utopia.fault("products", "http", status=200, body=content)

    page = as_read_only.get("/console/look-up/utopia/products")

    assert page.status_code == 200
    assert len(page.data) < 200_000
    assert 'href="javascript' not in page.text
    assert "look-up/utopia/site?siteid=.." not in page.text


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("garbage", {}, "UTOPIA gave no usable answer"),
        ("http", {"status": 429}, "UTOPIA was asked too often"),
        ("status_code", {"message": "Not today"}, "UTOPIA refused: Not today. Check what you entered."),
        ("no_answer", {}, "UTOPIA gave no usable answer"),
    ],
)
def test_a_fault_is_told_in_words(
    service: Service, as_read_only: Person, kind: str, options: dict[str, Any], words: str
) -> None:
    service.sandbox.utopia.fault("products", kind, **options)

    page = as_read_only.get("/console/look-up/utopia/products")

    assert page.status_code == 200
    assert words in page.text


@pytest.mark.parametrize(
    ("server", "path"),
    [("utopia", "utopia/products"), ("powercode", "powercode/customers?search=Ada")],
)
def test_a_system_that_is_down_is_told_in_words(service: Service, as_read_only: Person, server: str, path: str) -> None:
    service.sandbox.servers[server].down()

    assert "can&#39;t be reached" in as_read_only.get(f"/console/look-up/{path}").text


def test_a_wrong_key_and_an_unknown_record_are_told_apart(service: Service, as_read_only: Person) -> None:
    unknown = as_read_only.get("/console/look-up/utopia/order?orderref=UIA202411-000001").text
    right = service.sandbox.utopia.api_key
    service.sandbox.utopia.api_key = "another"
    try:
        wrong_key = as_read_only.get("/console/look-up/utopia/order?orderref=UIA202411-000001").text
    finally:
        service.sandbox.utopia.api_key = right

    assert "UTOPIA has no such record" in unknown
    assert "UTOPIA does not accept the key" in wrong_key


def test_a_key_that_utopia_repeats_is_shown_to_nobody(service: Service, as_read_only: Person) -> None:
    key = service.sandbox.utopia.api_key
    service.sandbox.utopia.fault("products", "http", status=200, body=[{"echo": f"key={key}"}], times=2)

    page = as_read_only.get("/console/look-up/utopia/products")
    file = as_read_only.get("/console/look-up/utopia/products/answer.json")

    assert "key=***" in page.text
    assert key not in page.text + file.text
    assert file.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("utopia/order?orderref=", "Write the "),
        ("utopia/mac?mac=x&hours=two", "Write digits only"),
        ("utopia/address?address=a&network=MARS", "Choose one of the list"),
        ("powercode/customers?search=" + "x" * 200, "Write at most "),
        ("utopia/order?orderref=%07", "Write letters, digits and signs only"),
    ],
)
def test_an_entry_that_can_not_be_asked_for_is_told_at_its_field(
    service: Service, as_read_only: Person, path: str, fault: str
) -> None:
    page = as_read_only.get(f"/console/look-up/{path}")

    assert page.status_code == 422
    assert fault in page.text
    assert sum(service.sandbox.utopia.call_counts.values()) == 0


def test_questions_that_wait_leave_threads_for_callbacks(service: Service, as_read_only: Person) -> None:
    for _ in range(remote_requests.AT_A_TIME):
        assert remote_requests._free.acquire(blocking=False)
    try:
        page = as_read_only.get("/console/look-up/utopia/products")
    finally:
        for _ in range(remote_requests.AT_A_TIME):
            remote_requests._free.release()

    assert "Other questions are still waiting" in page.text
    assert service.sandbox.utopia.count("products") == 0


def test_changes_are_offered_to_administrators_alone(
    known: Service, as_staff: Person, as_administrator: Person
) -> None:
    path = "/console/look-up/utopia/site?siteid=714780"

    assert "changes/cancel" not in as_staff.get(path).text
    assert "changes/cancel?siteid=714780" in as_administrator.get(path).text


@pytest.mark.parametrize("path", ["utopia/nonsense", "powercode/order?orderref=1", "elsewhere/order"])
def test_a_look_up_that_does_not_exist_is_not_found(as_read_only: Person, path: str) -> None:
    assert as_read_only.get(f"/console/look-up/{path}").status_code == 404

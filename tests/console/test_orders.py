"""The list of orders: what it shows, how it is filtered and sorted, and its file."""

import csv
import html
import re
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import insert

from app.models import Order
from app.provisioning import order_search_rows
from app.provisioning.order_search import Sort
from tests.conftest import Service
from tests.console.order_pages import PAGE, REF, many
from tests.console.persons import Person


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row">.*?<a href="[^"]*">([^<]*)</a>', page)


# The list


def test_an_empty_list_says_what_will_appear(as_read_only: Person) -> None:
    assert "No order yet. When UTOPIA sends one" in as_read_only.get("/console/orders").text


def test_the_list_shows_what_staff_need_to_know_an_order_by(service: Service, as_read_only: Person) -> None:
    service.take()
    service.take("UIA-2", plan="10 Gbps", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    page = as_read_only.get("/console/orders").text

    assert listed(page) == ["UIA-2", REF]
    for text in ("Ada Lind", "12 N EXAMPLE AVENUE", "250 Mbps", "1001", "needs you 1", "completed 1", "all 2"):
        assert text in page
    assert "No PowerCode service is known for the plan" in page


def test_a_waiting_order_shows_for_what_and_until_when(service: Service, as_read_only: Person) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.powercode.down()
        service.take()
        service.sandbox.powercode.up()

        page = as_read_only.get("/console/orders").text

    assert "for PowerCode, next try" in page


def test_the_list_is_filtered_by_state_and_words(service: Service, as_read_only: Person) -> None:
    service.take()
    service.take("UIA-2", plan="10 Gbps", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    def ask(query: str) -> list[str]:
        return listed(as_read_only.get(f"/console/orders?{query}").text)

    assert ask("state=needs_review") == ["UIA-2"]
    assert ask("q=ada") == [REF]
    assert ask("q=ada&state=needs_review") == []
    assert ask("q=4065550127") == ["UIA-2"]
    assert ask("state=nonsense&before=x&after=-1") == ["UIA-2", REF]
    assert ask("before=99999999999999999999999") == ["UIA-2", REF]


def linked(page: str, text: str) -> str:
    link = re.search(rf'<a href="([^"]*)"[^>]*>{text}', page)
    assert link, f"no link {text}"
    return html.unescape(link[1])


def test_pages_have_fifty_orders_and_lead_to_each_other(service: Service, as_read_only: Person) -> None:
    many(service, 120)

    first = as_read_only.get("/console/orders?q=uia&state=completed").text
    second = as_read_only.get(linked(first, "Next")).text
    third = as_read_only.get(linked(second, "Next")).text

    assert [len(listed(page)) for page in (first, second, third)] == [50, 50, 20]
    assert "<strong>51 to 100</strong> of 120" in second
    assert "Previous" not in first
    assert "Next" not in third
    assert listed(as_read_only.get(linked(second, "Previous")).text) == listed(first)
    assert "completed 120" in third
    assert "The list has fewer pages now" in as_read_only.get("/console/orders?q=uia&page=9").text


def test_the_list_is_filtered_by_cause_plan_and_day_and_says_so(service: Service, as_read_only: Person) -> None:
    many(service, 1)
    service.take("UIA-9", plan="10 Gbps")
    today = datetime.now(service.services.settings.zone).date()

    page = as_read_only.get("/console/orders").text
    assert '<option value="unknown_plan">A plan is unknown (1)</option>' in page
    assert '<option value="10 Gbps">10 Gbps</option>' in page
    for query in ("problem=unknown_plan", "plan=10+gbps", f"plan=10+Gbps&since={today}&until={today}"):
        page = as_read_only.get(f"/console/orders?{query}").text
        assert listed(page) == ["UIA-9"], query
        assert "<strong>1 to 1</strong> of 1" in page
    assert "selected>A plan is unknown" in as_read_only.get("/console/orders?problem=unknown_plan").text
    assert listed(as_read_only.get(f"/console/orders?until={today - timedelta(days=1)}").text) == []
    assert "Write the day as year-month-day" in as_read_only.get("/console/orders?since=31.12.2026").text
    kept = linked(as_read_only.get("/console/orders?plan=10+Gbps&page=1").text, "needs you 1")
    assert kept == "/console/orders?state=needs_review&plan=10+Gbps"


def test_the_columns_sort_the_list_and_say_so(service: Service, as_read_only: Person) -> None:
    many(service, 3)

    page = as_read_only.get(linked(as_read_only.get("/console/orders").text, "Order<")).text
    assert listed(page) == ["UIA-0000", "UIA-0001", "UIA-0002"]
    assert '<th scope="col" aria-sort="ascending">' in page
    page = as_read_only.get(linked(page, "Order<")).text
    assert listed(page) == ["UIA-0002", "UIA-0001", "UIA-0000"]
    assert '<th scope="col" aria-sort="descending">' in page
    for sort in Sort:
        assert len(listed(as_read_only.get(f"/console/orders?sort={sort}&q=uia&state=completed").text)) == 3


@pytest.mark.parametrize("text", [REF, REF.lower(), REF.replace("-", "").lower(), f"({REF})", f" {REF},"])
def test_a_reference_opens_the_order(service: Service, as_read_only: Person, text: str) -> None:
    rows = [{"orderref": orderref, "state": "completed"} for orderref in (REF, "UIA202411-001187")]
    service.execute(insert(Order), rows)
    order_search_rows.backfill(service.services.database)

    answer = as_read_only.get(f"/console/orders?q={quote(text)}")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert listed(as_read_only.get(f"/console/orders?q={quote(text)}&state=completed").text) == [REF]
    assert len(listed(as_read_only.get("/console/orders?q=UIA202411").text)) == 2


def test_every_page_has_the_search_box(as_read_only: Person) -> None:
    for path in ("/console", "/console/orders?q=ada", "/console/plans", "/console/people/me"):
        page = as_read_only.get(path).text
        assert page.count('role="search"') == 1
        assert '<form method="get" action="/console/orders" role="search"' in page
    assert 'name="q" value="ada"' in as_read_only.get("/console/orders?q=ada").text


def test_the_file_has_all_that_was_filtered_and_no_formulas(service: Service, as_read_only: Person) -> None:
    many(service, 60)
    service.take("UIA-9", plan="10 Gbps", firstname="=HYPERLINK(1)", lastname="Berg, Jr.")

    answer = as_read_only.get("/console/orders/csv")
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=orders-")
    assert answer.mimetype == "text/csv"
    assert len(rows) == 61
    assert (rows[0]["Order"], rows[0]["Person"]) == ("UIA-9", "'=HYPERLINK(1) Berg, Jr.")
    assert (rows[0]["State"], rows[0]["Cause"], rows[0]["Plan"]) == ("needs you", "A plan is unknown", "10 Gbps")
    filtered = as_read_only.get(linked(as_read_only.get("/console/orders?state=needs_review").text, "Download as CSV"))
    assert [row["Order"] for row in csv.DictReader(filtered.text.removeprefix("\ufeff").splitlines())] == ["UIA-9"]

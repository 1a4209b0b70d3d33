"""A walk in a real browser: look an order up, change something once, test a connection, read the log."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.conftest import Service
from tests.console.browsers import Browsing, axe

ORDER = "UIA202411-001186"


def test_a_look_up_leads_from_an_order_to_its_site_and_back(service: Service, browse: Browsing) -> None:
    service.order(ORDER)
    page = browse.goto("/console/look-up")

    page.get_by_label("Order reference").fill(ORDER)
    page.get_by_label("Order reference").press("Enter")
    expect(page.get_by_role("heading", name="UTOPIA: Order")).to_be_visible()
    expect(page.get_by_text("ada.lind@example.com", exact=True)).to_be_visible()
    page.get_by_role("link", name="See the services at the site").click()
    expect(page.get_by_role("region", name="Answer")).to_contain_text("Active")
    page.go_back()

    expect(page.get_by_label("Order reference")).to_have_value(ORDER)
    expect(page.get_by_role("link", name="Take it in by hand")).to_have_attribute(
        "href", f"/console/orders/new?orderref={ORDER}"
    )
    page.get_by_text("The answer as it came").click()
    axe(page)


def test_a_fault_in_an_entry_is_told_at_its_field(service: Service, browse: Browsing) -> None:
    page = browse.goto("/console/look-up/utopia/mac?mac=x&hours=two")

    field = page.get_by_label("Hours to look back")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("Write digits only"))
    axe(page)


def test_a_change_is_confirmed_by_name_and_going_back_sends_it_no_second_time(
    service: Service, browse_as_administrator: Browsing
) -> None:
    service.order(ORDER)
    page = browse_as_administrator.goto("/console/look-up/utopia/customer?cid=90001")
    page.get_by_role("link", name="Cancel service").click()
    expect(page.get_by_label("Customer number (cid)")).to_have_value("90001")
    page.get_by_label("Site id").fill("714780")
    page.get_by_label("Date").fill("2026-12-01")
    page.get_by_role("button", name="Look the customer up").click()

    expect(page.get_by_role("heading", name="Ada Lind")).to_be_visible()
    expect(page.get_by_text("12 N EXAMPLE AVENUE")).to_be_visible()
    confirmation = page.url
    page.get_by_role("button", name="Cancel service now").click()
    expect(page.get_by_role("alert")).to_contain_text("Write the number that stands above. Nothing was changed.")
    axe(page)
    assert service.sandbox.utopia.count("cancelservice") == 0

    page.goto(confirmation)
    page.get_by_label("Type the customer number").fill("90001")
    page.get_by_role("button", name="Cancel service now").click()
    expect(page.get_by_text("UTOPIA says that it is done.")).to_be_visible()
    page.go_back()

    expect(page.get_by_text("This was sent already; it was not sent again.")).to_be_visible()
    assert service.sandbox.utopia.count("cancelservice") == 1
    page.get_by_role("link", name="All changes").click()
    expect(page.get_by_role("row", name=re.compile("cancel service.*Ada Lind.*done"))).to_be_visible()


def test_the_settings_tests_say_what_they_found(service: Service, browse_as_administrator: Browsing) -> None:
    page = browse_as_administrator.goto("/console/settings")

    page.get_by_role("button", name="Ask PowerCode").click()
    expect(page.get_by_role("status")).to_contain_text("PowerCode answers and accepts the key.")
    page.get_by_role("button", name="Send a test mail").click()
    expect(page.get_by_role("status")).to_contain_text("took a test mail for office@example.com")
    assert len(service.sandbox.mailbox.messages) == 1
    service.sandbox.utopia.down()
    page.get_by_role("button", name="Ask UTOPIA").click()
    expect(page.locator(".notice[role=alert]").first).to_contain_text("Check UTOPIA_URL_ENDPOINT")
    axe(page)


def test_the_log_is_searched_by_order_and_downloaded(
    service: Service, browse_as_administrator: Browsing, tmp_path: Path
) -> None:
    log_file = tmp_path / "api_class.log"
    lines = [
        f"2026-11-22T13:08:24.001+00:00 INFO  [{ref}] app.x: event of {ref}\n" for ref in (ORDER, "UIA202411-009999")
    ]
    log_file.write_text("".join(lines), encoding="utf-8")
    with service.changed(log_file=log_file):
        page = browse_as_administrator.goto("/console/log")
        page.get_by_label("Order reference").fill(ORDER)
        page.get_by_role("button", name="Search").click()

        expect(page.get_by_role("region", name="Lines of the log")).to_contain_text(f"event of {ORDER}")
        expect(page.get_by_text("event of UIA202411-009999")).to_have_count(0)
        with page.expect_download() as downloading:
            page.get_by_role("link", name="Download the current file").click()

    assert Path(downloading.value.path()).read_text(encoding="utf-8") == "".join(lines)

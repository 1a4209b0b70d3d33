"""In a browser: an order entered by hand and corrected, and a plan that is mapped for two orders that waited."""

from playwright.sync_api import expect

from tests.conftest import Service
from tests.console.browsers import Browsing, axe

REF, OTHER = "UIA202411-001186", "UIA202411-001187"


def test_an_order_with_a_missing_field_is_entered_corrected_submitted_and_completed(
    service: Service, browse: Browsing
) -> None:
    service.order(REF, phone="")
    page = browse.goto("/console/orders/new")
    page.get_by_label("UTOPIA's order reference").fill(REF)
    page.get_by_role("button", name="See what will happen").click()
    expect(page.get_by_label("Phone")).to_have_attribute("aria-invalid", "true")
    axe(page)

    page.get_by_label("Phone").fill("4065550143")
    page.keyboard.press("Enter")  # looks again, and submits nothing
    expect(page.get_by_text("A new account is made")).to_be_visible()
    assert service.state(REF) is None
    axe(page)
    page.get_by_role("button", name="Submit the order: the account is made").click()

    page.wait_for_url(f"**/console/orders/{REF}")
    assert service.rested(REF, "completed")["customer_id"]


def test_an_order_that_stopped_is_corrected_by_keyboard_and_completed(service: Service, browse: Browsing) -> None:
    service.take(REF, email="ada at example.com")
    page = browse.goto(f"/console/orders/{REF}/correct")

    page.get_by_label("Mail address", exact=True).fill("ada.lind@example.com")
    save = page.get_by_role("button", name="Save and go on with the order")
    save.focus()
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/console/orders/{REF}")
    service.rested(REF, "completed")


def test_a_plan_is_unmapped_only_after_its_page_said_what_that_means(service: Service, browse: Browsing) -> None:
    page = browse.goto("/console/plans")
    page.get_by_role("link", name="Unmap 1 Gbps").click()
    expect(page.get_by_text("stop before anything is made, and need you")).to_be_visible()

    page.get_by_role("button", name="Sell this plan no more").click()

    expect(page.get_by_role("status")).to_contain_text("“1 Gbps” is sold no more")

"""What a page tells in a real browser: it stays until it was read, stands where one looks, and asks before words go."""

import re

import pytest
from playwright.sync_api import Dialog, expect

from app.models import Order, OrderState
from app.provisioning import order_search_rows
from tests.conftest import Service
from tests.console.browsers import PHONE, Browsing
from tests.console.order_pages import REF

pytestmark = pytest.mark.sweep

PAGE = f"/console/orders/{REF}"


def test_a_confirmation_stays_while_the_page_follows_the_order(service: Service, browse: Browsing) -> None:
    service.take(plan="10 Gbps")
    service.sandbox.powercode.services[165] = "10 Gbps"
    page = browse.goto(PAGE)
    page.get_by_label("PowerCode service for “10 Gbps”").fill("165")
    page.get_by_role("button", name="Keep this and go on").click()
    page.get_by_role("button", name="Bill it so").click()

    expect(page.locator("#status .state")).to_have_text("completed")
    told = page.locator(".message").first
    expect(told).to_be_visible()
    expect(page.locator("#offers")).to_have_count(0)
    told.get_by_role("link", name="Dismiss").click()
    expect(told).to_have_count(0)


def test_on_a_phone_a_wrong_number_is_told_where_one_looks(service: Service, browse: Browsing) -> None:
    service.take(plan="10 Gbps")
    browse.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page = browse.goto(PAGE)
    page.get_by_label("PowerCode service for “10 Gbps”").fill("ten")
    page.get_by_role("button", name="Keep this and go on").click()

    expect(page).to_have_title(re.compile(r"^Error: Order "))
    field = page.get_by_label("PowerCode service for “10 Gbps”")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    expect(page.get_by_role("alert").get_by_role("link")).to_have_text(re.compile("digits only, such as 164"))
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#services-0-fault")).to_be_in_viewport()


@pytest.mark.usefixtures("quick_refresh")
def test_the_tab_counts_what_needs_somebody(service: Service, browse: Browsing) -> None:
    page = browse.goto("/console")
    expect(page).to_have_title("Today – Fiber orders")

    service.take(plan="10 Gbps")

    expect(page).to_have_title("(1) Today – Fiber orders")
    expect(page.locator("#today > title")).to_have_count(0)


def test_leaving_a_changed_text_asks_and_a_sent_one_does_not(browse: Browsing) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page = browse.goto("/console/ticket-texts/new_desc.txt")
    page.on("dialog", stay)
    page.get_by_label("Text of new_desc.txt").press_sequentially("x")
    page.get_by_role("link", name="Today", exact=True).click(no_wait_after=True)
    expect(page).to_have_url(re.compile("new_desc.txt"))
    page.get_by_role("button", name="Preview without saving").click()

    expect(page).to_have_url(re.compile("new_desc.txt$"))
    assert asked == ["beforeunload"]


def test_what_people_carry_elsewhere_is_copied_with_a_button(service: Service, browse: Browsing) -> None:
    service.add(Order(orderref=REF, state=OrderState.COMPLETED))
    order_search_rows.backfill(service.services.database)
    browse.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = browse.goto(PAGE)
    page.get_by_role("button", name=f"Copy {REF}").click()

    page.wait_for_function("async ref => await navigator.clipboard.readText() === ref", arg=REF)


def test_the_focus_is_seen_on_everything_that_can_be_reached(browse: Browsing) -> None:
    page = browse.goto("/console/orders")
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name, style, width = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e === document.body ? '' : e.textContent.trim() || e.id, s.outlineStyle, s.outlineWidth] }"
        )
        if name:
            assert (style, width) == ("solid", "3px"), name
            seen.add(name)
    assert {"Today", "Sign out", "Find", "Filter", "find", "since"} <= seen


TARGETS = "header.top a, td > a:only-child, button, select, summary, input:not([type=hidden])"


def test_on_a_phone_the_menu_is_one_row_and_targets_fit_a_finger(
    service: Service, browse_as_administrator: Browsing
) -> None:
    browse = browse_as_administrator
    service.take(plan="10 Gbps")
    browse.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for path in ("/console", "/console/orders", PAGE, "/console/digest", "/console/ticket-texts", "/console/people"):
        page = browse.goto(path)
        tops = page.evaluate(
            "[...document.querySelectorAll('header.top .menus li')].map(e => e.getBoundingClientRect().top)"
        )
        assert len({round(top) for top in tops}) == 1, path
        small = page.evaluate(
            f"[...document.querySelectorAll('{TARGETS}')]"
            ".map(e => [e.outerHTML.slice(0, 90), (e.closest('label') ?? e).getBoundingClientRect()])"
            ".filter(([, r]) => r.width && (r.height < 43.5 || r.width < 43.5)).map(([html]) => html)"
        )
        assert small == [], path
    current = page.locator("header.top [aria-current]")
    expect(current).to_be_in_viewport(ratio=1)

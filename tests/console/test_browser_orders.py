"""Orders in a real browser: what staff press, what they see, and that nothing jumps meanwhile."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.models import Order, OrderState
from tests.conftest import Service
from tests.console.browsers import Browsing

REF = "UIA202411-001186"
PAGE = f"/console/orders/{REF}"


def comes_to_rest(page: Page, state: str) -> None:
    """The page shows the state by itself, without being loaded by anybody."""
    expect(page.locator("#status .state")).to_have_text(state)


def test_a_plan_is_mapped_and_the_page_follows_the_order_to_its_end(service: Service, browse: Browsing) -> None:
    service.take(plan="10 Gbps")
    service.sandbox.powercode.services[165] = "10 Gbps"

    page = browse.goto("/console/orders?state=needs_review")
    page.get_by_role("link", name=REF).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Order {REF}, ")
    page.get_by_label("PowerCode service for “10 Gbps”").fill("ten")
    page.get_by_role("button", name="Keep this and go on").click()
    expect(page.locator("#services-0-fault")).to_be_visible()
    page.get_by_label("PowerCode service for “10 Gbps”").fill("165")
    page.get_by_role("button", name="Keep this and go on").click()
    page.get_by_role("button", name="Bill it so").click()

    comes_to_rest(page, "completed")
    expect(page.get_by_text("is sold as service 165")).to_be_visible()
    expect(page.get_by_role("link", name="1001")).to_have_attribute("href", re.compile("customerid=1001"))


@pytest.mark.sweep
def test_a_ticket_of_somebody_else_is_refused_and_the_right_one_taken(service: Service, browse: Browsing) -> None:
    powercode = service.sandbox.powercode
    other = powercode.add_customer(firstName="Grace", lastName="Moe")
    with powercode.lock:
        theirs = str(powercode.keep_ticket(other, {"customerID": str(other.customer_id)}).ticket_id)
    powercode.fault("createTicket", "no_answer")
    service.take()
    mine = str(next(each.ticket_id for each in powercode.tickets.values() if str(each.ticket_id) != theirs))

    page = browse.goto(PAGE)
    page.get_by_label("Number of the ticket in PowerCode").fill(theirs)
    page.get_by_role("button", name="Check the number and go on").click()
    fault = page.locator("#ticket_id-fault")
    expect(fault).to_have_text(f"Ticket {theirs} belongs to customer 1001, and this order to customer 1002.")
    expect(page.get_by_label("Number of the ticket in PowerCode")).to_have_value(theirs)
    page.get_by_label("Number of the ticket in PowerCode").fill(mine)
    page.get_by_role("button", name="Check the number and go on").click()

    comes_to_rest(page, "completed")
    assert len(powercode.tickets) == 2


@pytest.mark.sweep
def test_an_order_of_somebody_known_is_added_there_after_a_look(service: Service, browse: Browsing) -> None:
    customer = service.knows_ada()
    service.take()

    page = browse.goto(PAGE)
    beside = page.locator(f"#beside-{customer.customer_id}")
    expect(beside.get_by_role("row", name="Address").get_by_role("cell")).to_contain_text(["12 N EXAMPLE", "the same"])
    assert customer.services == []
    page.get_by_role("button", name=f"Go on with customer {customer.customer_id}").click()

    comes_to_rest(page, "completed")
    assert [each.service_id for each in customer.services] == [163]


def test_an_order_is_closed_by_keyboard_alone(service: Service, browse: Browsing) -> None:
    service.take(plan="10 Gbps")

    page = browse.goto(PAGE)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "note":
            break
    page.keyboard.type("they moved away")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    comes_to_rest(page, "closed")
    expect(page.get_by_role("status").get_by_text(f"{REF} is closed.")).to_be_visible()


def waits(service: Service) -> Callable[[str], None]:
    """An order that waits; what is returned changes its state behind the page's back."""
    service.sandbox.powercode.down()
    service.take()
    service.sandbox.powercode.up()

    def become(state: str) -> None:
        service.execute(update(Order).values(state=state))

    return become


@pytest.mark.usefixtures("quick_refresh")
def test_a_story_that_renews_itself_closes_nothing_and_takes_no_words_away(service: Service, browse: Browsing) -> None:
    with service.changed(retry_minutes=(600,)):
        become = waits(service)
        page = browse.goto(PAGE)
        page.get_by_label("Why it is closed").fill("half a sen")
        said = page.locator("#story details").first
        said.locator("summary").click()
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        scrolled = page.evaluate("window.scrollY")

        with page.expect_response(re.compile("/story")):
            pass

        expect(said).to_have_attribute("open", "")
        expect(page.get_by_label("Why it is closed")).to_have_value("half a sen")
        assert page.evaluate("window.scrollY") == scrolled

        become(OrderState.COMPLETED)
        expect(page.get_by_text("The order has moved on: it is “completed” now.")).to_be_visible(timeout=20_000)
        comes_to_rest(page, "completed")
        expect(page.get_by_label("Why it is closed")).to_have_value("half a sen")
        page.get_by_role("link", name="Show what can be done").click()
        expect(page.get_by_role("heading", name="What happened")).to_be_visible()
        assert page.locator("#offer-dismiss").count() == 0


def test_orders_are_found_from_every_page_by_keyboard_alone(service: Service, browse: Browsing) -> None:
    service.take()
    service.take("UIA-2", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    page = browse.goto("/console/plans")
    page.keyboard.press("/")
    page.keyboard.type("(406) 555-0127")
    page.keyboard.press("Enter")

    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("link", name="UIA-2")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("searchbox", name="Find orders").fill("a/b")
    expect(page.get_by_role("searchbox", name="Find orders")).to_have_value("a/b")
    page.get_by_role("searchbox", name="Find orders").fill(f"({REF.lower()})")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Order {REF}, ")


@pytest.mark.sweep
@pytest.mark.usefixtures("quick_refresh")
def test_a_list_shows_by_itself_what_came_in(service: Service, browse: Browsing) -> None:
    service.take()
    page = browse.goto("/console/orders")
    page.get_by_label("Plan").select_option("250 Mbps")
    expect(page.get_by_text("1 to 1 of 1")).to_be_visible()
    service.take("UIA-2", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    expect(page.get_by_text("1 to 2 of 2")).to_be_visible()
    expect(page.get_by_label("Plan")).to_have_value("250 Mbps")

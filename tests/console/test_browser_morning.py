"""A morning at the desk, in a real browser: sign in, see what needs somebody, settle it, sign out."""

import pytest
from playwright.sync_api import Browser, expect

from app.models import Role
from tests.conftest import Service
from tests.console.browsers import Browsing, browsing, signed_in
from tests.console.made_orders import apart, settled_as
from tests.console.persons import NAMES, add_user
from tests.console.test_browser_orders import comes_to_rest

REF = "UIA202411-001186"
PAGE = f"/console/orders/{REF}"


def test_the_morning_from_the_sign_in_to_nothing_needs_you(service: Service, live_url: str, chromium: Browser) -> None:
    service.sandbox.powercode.fault("addCustomerService", "no_answer", processed=False)
    settled_as(service, REF, "needs_review", plan="1 Gbps")
    name = add_user(service, Role.STAFF)

    with browsing(chromium, live_url) as person:
        page = person.goto(f"{PAGE}?from=mail")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill("not my password")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("Name and password don't fit.")
        page.get_by_label("Password").fill("fiber to every door")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"Order {REF}, ")

        page.get_by_role("link", name="Today").click()
        expect(page.get_by_role("heading", name="1 thing needs you")).to_be_visible()
        page.get_by_role("link", name=REF).click()
        page.get_by_role("button", name="Send it once more").click()
        comes_to_rest(page, "completed")

        page.get_by_role("link", name="Today").click()
        expect(page.get_by_role("heading", name="Nothing needs you")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        page.go_back()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        person.faults.clear()  # the browser counts a refused sign-in as one

    (customer,) = service.sandbox.powercode.customers.values()
    assert [each.service_id for each in customer.services] == [164, 172]


@pytest.mark.sweep
def test_what_powercode_refused_is_tried_again_after_a_person_mended_it(service: Service, browse: Browsing) -> None:
    service.sandbox.powercode.fault("createTicket", "status_code", status_code=12, message="no such category")
    settled_as(service, REF, "needs_review")

    page = browse.goto(PAGE)
    page.get_by_role("button", name="Try again").click()

    comes_to_rest(page, "completed")


@pytest.mark.sweep
def test_a_plan_that_is_there_is_not_added_again(service: Service, browse: Browsing) -> None:
    service.sandbox.powercode.fault("addCustomerService", "no_answer")
    settled_as(service, REF, "needs_review")

    page = browse.goto(PAGE)
    page.get_by_role("button", name="It is there: go on").click()

    comes_to_rest(page, "completed")
    (customer,) = service.sandbox.powercode.customers.values()
    assert [each.service_id for each in customer.services] == [163, 172]


@pytest.mark.sweep
def test_somebody_who_only_looks_alike_gets_an_account_of_their_own(service: Service, browse: Browsing) -> None:
    home = apart(103)
    service.sandbox.powercode.add_customer(firstName="Ada", lastName="Lindt", physicalStreet=home["address"])
    settled_as(service, REF, "needs_review", **home)

    page = browse.goto(PAGE)
    page.get_by_role("button", name="Open a new account").click()

    comes_to_rest(page, "completed")
    assert len(service.sandbox.powercode.customers) == 2


def test_each_role_sees_the_pages_and_buttons_that_are_theirs(
    service: Service, live_url: str, chromium: Browser
) -> None:
    settled_as(service, REF, "needs_review", plan="10 Gbps")
    seen = {}
    for role in Role:
        with signed_in(chromium, live_url, service, role) as person:
            page = person.goto(PAGE)
            links = page.get_by_role("navigation", name="Console").get_by_role("link")
            seen[role] = (links.count(), page.locator("#offers button").count() > 0)
            assert page.get_by_role("link", name=NAMES[role]).is_visible()

    assert seen == {Role.READ_ONLY: (7, False), Role.STAFF: (8, True), Role.ADMINISTRATOR: (11, True)}

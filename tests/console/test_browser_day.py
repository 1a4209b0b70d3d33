"""A whole bad day on a phone: everything that needs somebody is settled, and the taps that it takes are counted."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.models import OrderState, Role
from tests.conftest import Service
from tests.console.browsers import PHONE, browsing
from tests.console.made_orders import apart
from tests.console.persons import PASSWORD, add_user

pytestmark = [pytest.mark.sweep, pytest.mark.timeout(600)]

PLAN, RIGHT, WRONG = "2.5 Gbps", 165, 999
MOST_TAPS = 40
PATIENT = 60_000
"""Milliseconds: 58 orders are worked on beside the browser, and the machine may be busy."""
WAITING = range(500, 546)
ALIKE = range(600, 610)
IN_DOUBT, KNOWN = 700, 701


class Thumb:
    """What a person's thumb does on a phone; `taps` counts it. What is typed once a field is tapped is not a tap."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    def tap(self, target: Locator) -> None:
        """Once, on the one target that is meant."""
        target.tap()
        self.taps += 1

    def button(self, name: str) -> None:
        """Tap the button."""
        self.tap(self.page.get_by_role("button", name=name))

    def link(self, name: str) -> None:
        """Tap the link."""
        self.tap(self.page.get_by_role("link", name=name, exact=True).first)

    def write(self, label: str, text: str) -> None:
        """Tap the field, and type."""
        self.tap(self.page.get_by_label(label))
        self.page.keyboard.type(text)


def ref(number: int) -> str:
    return f"UIA202412-000{number}"


def person(number: int, **other: str) -> dict[str, str]:
    return apart(number, firstname="Ada", lastname=f"Household{letters(number)}", **other)


def letters(number: int) -> str:
    """A number as a name: no two of them differ by a letter alone."""
    return "".join("abcdefghij"[int(digit)] * 2 for digit in str(number))


def a_bad_day(service: Service) -> None:
    """46 orders of an unknown plan, ten look-alikes, an unknown outcome, and somebody who has an account."""
    powercode = service.sandbox.powercode
    powercode.services[RIGHT] = PLAN
    for number in WAITING:
        take(service, number, plan=PLAN)
    for number in (*ALIKE, KNOWN):
        there = person(number)
        misspelled = f"{there['lastname']}{'' if number == KNOWN else 'r'}"
        powercode.add_customer(firstName="Ada", lastName=misspelled, physicalStreet=there["address"])
        take(service, number)
    for number in (*WAITING, *ALIKE):
        service.rested(ref(number), OrderState.NEEDS_REVIEW)
    service.rested(ref(KNOWN), OrderState.EXISTS)
    powercode.fault("addCustomerService", "no_answer", processed=False)
    take(service, IN_DOUBT)
    service.rested(ref(IN_DOUBT), OrderState.NEEDS_REVIEW)


def take(service: Service, number: int, **contract: str) -> None:
    service.order(ref(number), **person(number, **contract))
    assert service.callback(ref(number)).status_code == 200


def say_the_number(thumb: Thumb, number: int, confirm: str) -> None:
    thumb.write(f"PowerCode service for “{PLAN}”", str(number))
    thumb.button("Show what that bills")
    thumb.button(confirm)


def test_a_bad_day_is_settled_on_a_phone_in_under_forty_taps(
    service: Service, live_url: str, chromium: Browser
) -> None:
    a_bad_day(service)
    powercode = service.sandbox.powercode
    there_before = len(powercode.customers)
    name = add_user(service, Role.STAFF)
    with browsing(chromium, live_url, size=PHONE, has_touch=True, is_mobile=True) as somebody:
        page = somebody.goto("/login?next=/console")
        page.context.set_default_timeout(PATIENT)
        thumb = Thumb(page)
        thumb.write("Name", name)
        thumb.write("Password", PASSWORD)
        thumb.button("Sign in")
        expect(page.get_by_role("heading", name="4 things need you")).to_be_visible(timeout=PATIENT)

        say_the_number(thumb, WRONG, "Bill it so: 46 orders go on")
        service.rested(ref(WAITING[0]), OrderState.NEEDS_REVIEW)
        thumb.link("Today")
        expect(page.get_by_text("45 more follow once the number is corrected.", exact=True)).to_be_visible(
            timeout=PATIENT
        )
        say_the_number(thumb, RIGHT, "Bill it so")
        for number in WAITING:
            service.rested(ref(number), OrderState.COMPLETED)
        thumb.link("Today")

        thumb.link("Decide one after another")
        for number in ALIKE:
            expect(page.get_by_role("heading", level=1)).to_contain_text(ref(number), timeout=PATIENT)
            thumb.button("Open a new account")
        expect(page.get_by_text("You have been through all of them.")).to_be_visible(timeout=PATIENT)

        for number, button in ((IN_DOUBT, "Send it once more"), (KNOWN, "Go on with customer")):
            card = page.locator(".cause", has_text=ref(number))
            thumb.tap(card.get_by_role("link", name="Decide", exact=True))
            thumb.button(button)
            expect(page.locator("#status .state")).to_have_text("completed", timeout=PATIENT)
            thumb.link("Today")
        expect(page.get_by_role("heading", name="Nothing needs you")).to_be_visible(timeout=PATIENT)

    for number in (*WAITING, *ALIKE, IN_DOUBT, KNOWN):
        assert service.state(ref(number)) == OrderState.COMPLETED
    sold = [[each.service_id for each in one.services] for one in powercode.customers.values()]
    assert sold.count([RIGHT, 172]) == len(WAITING)
    assert len(powercode.customers) == there_before + len(WAITING) + len(ALIKE)
    assert thumb.taps < MOST_TAPS, f"{thumb.taps} taps"

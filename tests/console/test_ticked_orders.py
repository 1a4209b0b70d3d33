"""Ticking orders in the list, and deciding once for all of them."""

import re

import pytest
from playwright.sync_api import expect

from app.models import OrderState
from app.provisioning.causes.ticked_orders import MOST
from tests.conftest import Service
from tests.console.browsers import DESKTOP, PHONE, Browsing, axe, axe_layout
from tests.console.decision_buttons import run_of
from tests.console.made_orders import apart, settled_as
from tests.console.persons import Person, words_of

REFS = [f"UIA202412-000{number}" for number in (401, 402, 403)]
LIST = "/console/orders?state=needs_review"
PATH = "/console/causes/ticked"


@pytest.fixture
def stopped(service: Service) -> list[str]:
    """Three orders whose tickets were refused, as a page's form carries them, and one that is done."""
    for orderref in REFS:
        service.sandbox.powercode.fault("createTicket", "status_code", status_code=12, message="no such category")
        number = int(orderref[-3:])
        settled_as(service, orderref, OrderState.NEEDS_REVIEW, **apart(number, lastname=f"Berg{chr(number - 300)}"))
    settled_as(service, "UIA202412-000404", OrderState.COMPLETED, **apart(404, lastname="Moe"))
    return [f"{run_of(service, each)}:{each}" for each in REFS]


def test_rows_that_need_somebody_can_be_ticked_but_by_who_may_only_look(
    as_staff: Person, as_read_only: Person, stopped: list[str]
) -> None:
    page = as_staff.get("/console/orders").text
    assert sorted(re.findall(r'name="tick" value="([^"]*)"', page)) == stopped
    assert 'form="ticked">Decide for the chosen</button>' in page

    page = as_read_only.get("/console/orders").text
    assert 'name="tick"' not in page
    assert 'id="ticked"' not in page
    assert as_read_only.post(PATH, {"tick": stopped}).status_code == 403
    assert as_read_only.post(f"{PATH}/resume", {"tick": stopped}).status_code == 403


def test_the_page_says_what_each_decision_does_to_how_many_and_what_became_of_each(
    service: Service, as_staff: Person, stopped: list[str]
) -> None:
    page = as_staff.post(PATH, {"tick": stopped[:2]}).text
    said = words_of(page)
    assert "2 orders, one decision" in said
    assert "Try again The order goes on where it stopped; what is done already is not done again." in said
    assert "Try again (2)" in said
    assert REFS[2] not in page

    answer = as_staff.post(f"{PATH}/resume", {"tick": stopped[:2]})

    for each in REFS[:2]:
        service.rested(each, OrderState.COMPLETED)
    assert "What became of 2 orders 2 completed" in words_of(as_staff.get(answer.headers["Location"]).text)
    assert service.state(REFS[2]) == OrderState.NEEDS_REVIEW


@pytest.mark.long
def test_a_row_that_moved_on_is_told_and_left_alone(service: Service, as_staff: Person, stopped: list[str]) -> None:
    as_staff.post(f"/console/orders/{REFS[0]}/dismiss", {"run": run_of(service, REFS[0]), "note": "ordered twice"})

    assert f"1 moved on since you looked, and is left alone: {REFS[0]}" in words_of(
        as_staff.post(PATH, {"tick": stopped}).text
    )
    answer = as_staff.post(f"{PATH}/dismiss", {"tick": stopped, "note": "not sold there"})

    assert service.show(REFS[0])["reason"] == "ordered twice"
    assert {service.show(each)["reason"] for each in REFS[1:]} == {"not sold there"}
    said = words_of(as_staff.get(answer.headers["Location"]).text)
    assert "Left alone: it had moved on since it was looked at." in said
    answer = as_staff.post(f"{PATH}/dismiss", {"tick": stopped, "note": "not sold there"})
    assert "Nothing was changed: each of these orders has moved on" in as_staff.get(answer.headers["Location"]).text


def test_a_note_is_asked_for_and_the_filtered_list_is_led_back_to(as_staff: Person, stopped: list[str]) -> None:
    answer = as_staff.post(f"{PATH}/dismiss?state=needs_review", {"tick": stopped, "note": " "})

    assert answer.status_code == 422
    assert "Write in a few words why the order is closed" in answer.text
    assert f'<a href="{LIST}">Back to the list</a>' in answer.text
    nothing = as_staff.post(f"{PATH}?state=needs_review")
    assert nothing.headers["Location"] == LIST
    assert "Tick the orders first" in as_staff.get(LIST).text
    assert as_staff.get(f"{PATH}/dismiss?state=needs_review").headers["Location"] == LIST


def test_what_no_page_of_ours_sends_is_refused(as_staff: Person) -> None:
    assert as_staff.post(PATH, {"tick": ["nonsense"]}).status_code == 400
    assert as_staff.post(PATH, {"tick": [f"1:UIA-{number}" for number in range(MOST + 1)]}).status_code == 400
    assert as_staff.post(f"{PATH}/new-customer", {"tick": ["1:UIA-1"]}).status_code == 404


def test_orders_of_one_unknown_plan_are_offered_its_number_for_all_that_wait(
    service: Service, as_staff: Person
) -> None:
    for number in (405, 406):
        person = apart(number, plan="2.5 Gbps", lastname=f"Lind{number}")
        settled_as(service, f"UIA202412-000{number}", OrderState.NEEDS_REVIEW, **person)

    page = as_staff.post(PATH, {"tick": f"{run_of(service, 'UIA202412-000405')}:UIA202412-000405"}).text

    assert "It counts for everybody who waits for it: 2 orders wait for the plan 2.5 Gbps." in words_of(page)
    assert 'action="/console/causes/map-plans"' in page


@pytest.mark.sweep
@pytest.mark.usefixtures("quick_refresh")
def test_ticks_outlive_the_list_s_refresh_and_all_are_ticked_at_once(
    service: Service, browse: Browsing, stopped: list[str]
) -> None:
    page = browse.goto("/console/orders")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    one = page.get_by_label(f"Choose {REFS[0]}")
    box = page.locator("label.tick", has=one).bounding_box()
    assert box and min(box["width"], box["height"]) >= 44
    one.check()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    with page.expect_response("**/console/orders"):
        pass
    expect(one).to_be_checked()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.get_by_label("All that need somebody on this page").check()
    expect(page.get_by_text("3 chosen")).to_be_visible()
    axe_layout(page)
    page.get_by_role("button", name="Decide for the chosen").click()
    expect(page.get_by_role("button", name="Try again (3)")).to_be_visible()

    axe_layout(page)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    axe(page)
    page.get_by_role("button", name="Try again (3)").click()

    expect(page.get_by_role("heading", name="What became of 3 orders")).to_be_visible()
    for each in REFS:
        service.rested(each, OrderState.COMPLETED)

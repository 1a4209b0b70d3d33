"""Deciding for all orders of a cause, on the page that says what needs somebody."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.models import JointDecision, OrderState
from app.provisioning.causes.open_causes import OpenCause, open_causes
from tests.conftest import Service, wait_for
from tests.console.browsers import Browsing
from tests.console.made_orders import apart, settled_as
from tests.console.persons import Person, words_of

PLAN = "2.5 Gbps"
REFS = [f"UIA202412-000{number}" for number in (201, 202, 203)]
PATH = "/console/causes"


@pytest.fixture
def found(service: Service) -> OpenCause:
    """Three orders that stopped over one plan, for which PowerCode has a service."""
    for orderref in REFS:
        number = int(orderref[-3:])
        settled_as(service, orderref, OrderState.NEEDS_REVIEW, **apart(number, plan=PLAN, lastname=f"Lind{number}"))
    service.sandbox.powercode.services[165] = PLAN
    (one,) = service.read(open_causes)
    return one


def form_of(found: OpenCause, **more: str) -> dict[str, str]:
    return {"cause": found.cause.key, "newest": str(found.newest), **more}


def test_a_number_is_confirmed_before_anything_is_billed(service: Service, as_staff: Person, found: OpenCause) -> None:
    page = as_staff.post(f"{PATH}/map-plans", form_of(found, **{"services-0": "165"}))

    assert page.status_code == 200
    said = words_of(page.text)
    assert "is billed as PowerCode service 165 . No other plan is sold as that number" in said
    assert "It is for 3 orders. One of them goes first" in said
    assert {service.state(each) for each in REFS} == {OrderState.NEEDS_REVIEW}


@pytest.mark.long
def test_one_decision_maps_the_plan_and_the_page_shows_what_became_of_each(
    service: Service, as_staff: Person, found: OpenCause
) -> None:
    answer = as_staff.post(f"{PATH}/map-plans", form_of(found, sure="yes", **{"services-0": "165"}))

    assert answer.status_code == 303
    for each in REFS:
        service.rested(each, OrderState.COMPLETED)
    said = words_of(as_staff.get(answer.headers["Location"]).text)
    assert "What became of 3 orders 3 completed" in said
    assert all(each in said for each in REFS)
    again = as_staff.post(f"{PATH}/map-plans", form_of(found, sure="yes", **{"services-0": "164"}))
    assert "No order stands for this any more" in as_staff.get(again.headers["Location"]).text


def test_what_is_no_number_is_told_at_its_field(as_staff: Person, found: OpenCause) -> None:
    for number in ("", "0", "x", "1.5", "99999999999"):
        answer = as_staff.post(f"{PATH}/map-plans", form_of(found, **{"services-0": number}))

        assert answer.status_code == 422, number
        assert 'id="services-0-fault"' in answer.text, number


def test_all_are_closed_with_one_note(service: Service, as_staff: Person, found: OpenCause) -> None:
    assert as_staff.post(f"{PATH}/dismiss", form_of(found, note=" ")).status_code == 422

    as_staff.post(f"{PATH}/dismiss", form_of(found, note="not sold any more"))

    for each in REFS:
        service.rested(each, OrderState.DISMISSED)
    assert service.one(select(JointDecision.note)) == "not sold any more"


def test_who_may_only_look_decides_nothing(service: Service, as_read_only: Person, found: OpenCause) -> None:
    page = as_read_only.get("/console").text

    assert "3 orders wait for the plan 2.5 Gbps" in page
    assert "<button" not in page.partition('id="needs"')[2].partition("</section>")[0]
    for path in ("map-plans", "try-again", "dismiss"):
        assert as_read_only.post(f"{PATH}/{path}", form_of(found, note="x")).status_code == 403


def test_a_cause_that_nobody_stands_for_leads_back_to_today(as_staff: Person) -> None:
    answer = as_staff.get(f"{PATH}?cause=unknown_plan:x")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/console")


@pytest.mark.long
def test_orders_that_are_decided_one_by_one_lead_to_each_other(service: Service, as_staff: Person) -> None:
    first, second, third = REFS
    for orderref in REFS:
        home = apart(int(orderref[-3:]), lastname=f"Moe{'abc'[REFS.index(orderref)] * 3}")
        there = {"firstName": "Ada", "lastName": f"{home['lastname']}r", "physicalStreet": home["address"]}
        service.sandbox.powercode.add_customer(**there)
        settled_as(service, orderref, OrderState.NEEDS_REVIEW, **home)
    assert "Decide one after another" in as_staff.get("/console").text
    page = f"/console/orders/{first}?in_turn=similar_name"
    assert as_staff.get(f"{PATH}/in-turn?cause=similar_name").headers["Location"] == page
    assert "3 orders: a similar name at this address, one after another." in words_of(as_staff.get(page).text)

    def decided(orderref: str, run: int = 1) -> str:
        form = {"run": run, "in_turn": "similar_name", "note": "theirs"}
        return as_staff.get(as_staff.post(f"/console/orders/{orderref}/dismiss", form).headers["Location"]).headers[
            "Location"
        ]

    assert decided(first) == f"/console/orders/{second}?in_turn=similar_name"
    moved_on = as_staff.post(f"/console/orders/{second}/new-customer", {"run": 9, "in_turn": "similar_name"})
    assert moved_on.headers["Location"] == f"/console/orders/{second}?in_turn=similar_name"
    assert decided(third) == "/console"
    assert "You have been through all of them." in as_staff.get("/console").text
    assert "one after another" not in as_staff.get(page).text


@pytest.mark.sweep
@pytest.mark.usefixtures("quick_refresh")
def test_a_wrong_number_and_its_correction_on_the_first_page(
    service: Service, browse: Browsing, found: OpenCause
) -> None:
    page = browse.goto("/console")
    field = page.get_by_label(f"PowerCode service for “{PLAN}”")
    field.fill("999")
    with page.expect_response("**/console/today"):
        pass
    expect(field).to_have_value("999")
    page.get_by_role("button", name="Show what that bills").click()
    page.get_by_role("button", name="Bill it so: 3 orders go on").click()
    wait_for(lambda: service.state(REFS[0]) == OrderState.NEEDS_REVIEW)

    page.get_by_role("link", name="Today").first.click()
    expect(page.get_by_role("heading", name=f"1 order: PowerCode refused the plan {PLAN}")).to_be_visible()
    expect(page.get_by_text("2 more follow once the number is corrected.", exact=True)).to_be_visible()
    page.get_by_label(f"PowerCode service for “{PLAN}”").fill("165")
    page.get_by_role("button", name="Show what that bills").click()
    page.get_by_role("button", name="Bill it so").click()

    expect(page.get_by_role("heading", name="What became of")).to_be_visible()
    for each in REFS:
        service.rested(each, OrderState.COMPLETED)
    assert len(service.sandbox.powercode.customers) == len(REFS)

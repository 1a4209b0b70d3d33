"""An order by hand and the correction of one that stopped: what will happen is shown, and nothing is done before."""

from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import Base
from app.provisioning.forecast import Match, forecast, look_up
from tests.conftest import Service
from tests.console.decision_buttons import decisions
from tests.console.entered_orders import NEW, OTHER, REF, customer_of, fields_in
from tests.console.pages import HOSTILE
from tests.console.persons import Person


def look_at(person: Person, orderref: str = REF) -> Any:
    return person.get(NEW, query_string={"orderref": orderref})


def submit(person: Person, page: str, **changes: str) -> Any:
    return person.post(NEW, {**fields_in(page), **changes, "act": "submit"})


def rows(service: Service) -> dict[str, int]:
    """How many rows each table has once the mails are out, but for those that a sign-in writes."""
    service.mail_settled()
    with service.services.database.read() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name != "sign_ins"
        }


# What will happen


def test_a_look_shows_person_plans_and_ticket_and_does_nothing(service: Service, as_staff: Person) -> None:
    service.order(REF)
    before = rows(service)

    page = look_at(as_staff).text

    for said in ("A new account is made", "Ada Lind", "12 N EXAMPLE AVENUE, Bozeman, MT 59715", "Tags: 5, 9"):
        assert said in page
    for said in ("250 Mbps: PowerCode service 163", "Bond fee: PowerCode service 172", "Hello Ada,"):
        assert said in page
    assert rows(service) == before
    wrote = {call.action for call in service.sandbox.powercode.calls} - {"searchCustomers", "readCustomer"}
    assert wrote == set()


@pytest.mark.long
def test_the_forecast_decides_as_the_story_does(service: Service) -> None:
    service.take(REF)
    ole = {"firstname": "Ole", "lastname": "Berg", "email": "ole@example.com", "phone": "4065550127"}
    others = {
        "UIA-1": ({}, Match.EXISTS, "exists"),
        "UIA-2": ({"lastname": "Linde"}, Match.NEAR, "needs_review"),
        "UIA-3": (ole, Match.OTHER_TENANT, "completed"),
        "UIA-4": ({**ole, "firstname": "Liv", "siteid": "9"}, Match.NEAR, "needs_review"),
        "UIA-5": ({**ole, "siteid": "9", "address": "48 OLD MILL ROAD"}, Match.NOBODY, "completed"),
    }
    for orderref, (contract, match, state) in others.items():
        service.order(orderref, **contract)
        seen = forecast(service.services, orderref, look_up(service.services, orderref), {})

        assert seen.found is not None
        assert seen.found.match is match
        assert seen.goes_through is (state == "completed")
        assert service.take(orderref, **contract)["state"] == state


def test_a_customer_who_exists_is_named_with_the_link_to_powercode(service: Service, as_staff: Person) -> None:
    customer_id = service.take(REF)["customer_id"]
    service.order(OTHER)

    page = look_at(as_staff, OTHER).text

    assert "Nothing would be made" in page
    assert f"customerid={customer_id}" in page
    assert "every new account" not in page


def test_faults_stand_at_their_fields(service: Service, as_staff: Person) -> None:
    service.order(REF, phone="call me", zip="", state="Narnia")

    page = look_at(as_staff).text

    assert 'id="phone-fault">This can&#39;t be right. Write 7 to 15 digits, such as 406-555-0143.<' in page
    assert 'id="zip-fault">This is missing. Write five digits, such as 59715.<' in page
    assert 'id="state-fault">This is not a US state. Write it as UT or Utah.<' in page
    assert 'id="email-fault"' not in page
    assert "PowerCode is asked as soon as the person and the address are complete" in page
    assert service.sandbox.powercode.calls == []


def test_an_unknown_plan_and_an_ended_contract_are_told_before_they_stop_the_order(
    service: Service, as_staff: Person
) -> None:
    service.order(REF, plan="10 Gbps", status="Cancelled")

    page = look_at(as_staff).text

    assert "no service is known" in page
    assert "/console/plans/map?description=10+Gbps" in page
    assert "the contract is Cancelled" in page
    assert "Submit the order as it is: it will need you" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Hello {nobody}", "unknown placeholder {nobody}"), ("<h1>Welcome {first_name}</h1>", "<p>Welcome Ada</p>")],
)
def test_the_ticket_is_shown_with_its_faults_and_without_headings_of_its_own(
    service: Service, as_staff: Person, tmp_path: Any, text: str, shown: str
) -> None:
    (tmp_path / "new_desc.txt").write_text(text)
    service.order(REF)
    with service.changed(ticket_template_dir=tmp_path):
        page = look_at(as_staff).text

    assert shown in page
    assert page.count("<h1") == 1


# An order by hand


def test_an_order_by_hand_is_taken_in_with_who_did_it(service: Service, as_staff: Person) -> None:
    service.order(REF)

    answer = submit(as_staff, look_at(as_staff).text)

    assert (answer.status_code, answer.location) == (303, f"/console/orders/{REF}")
    service.rested(REF, "completed")
    assert decisions(service) == [("Stan Staff", "submit", None)]


def test_a_missing_field_is_corrected_looked_at_again_and_submitted(service: Service, as_staff: Person) -> None:
    service.order(REF, phone="", apt="4")
    page = look_at(as_staff).text
    assert "Submit the order as it is: it will need you" in page

    again = as_staff.post(NEW, {**fields_in(page), "phone": " 406 555 0143 ", "act": "look"}).text
    assert "UTOPIA has nothing here" in again
    assert "A new account is made" in again
    assert service.state(REF) is None
    submit(as_staff, again)

    service.rested(REF, "completed")
    assert customer_of(service)["physicalStreet"] == "12 N EXAMPLE AVENUE APT 4"
    assert decisions(service) == [("Stan Staff", "submit", 'the phone number: "" -> "406 555 0143"')]
    (mail,) = service.notices("Account created")
    assert "406 555 0143" in mail.text


def test_a_correction_that_cannot_be_right_is_told_at_its_field_and_nothing_is_taken_in(
    service: Service, as_staff: Person
) -> None:
    service.order(REF)

    answer = submit(as_staff, look_at(as_staff).text, email="ada at example.com", city="", last_name="L" * 101)

    assert answer.status_code == 422
    for name in ("email", "city", "last_name"):
        assert f'id="{name}-fault"' in answer.text
    assert "ada at example.com" in answer.text
    assert service.state(REF) is None


def test_an_order_may_be_submitted_as_it_is_and_then_needs_a_person(service: Service, as_staff: Person) -> None:
    service.order(REF, phone="")

    assert submit(as_staff, look_at(as_staff).text).status_code == 303

    assert service.rested(REF, "needs_review")["problem"] == "contract_incomplete"


@pytest.mark.parametrize("orderref", ["", " ", "../etc", "a b", "x" * 65, "<script>", "a\x07b"])
def test_what_is_no_reference_is_told_at_the_field(service: Service, as_staff: Person, orderref: str) -> None:
    for answer in (look_at(as_staff, orderref), as_staff.post(NEW, {"orderref": orderref, "act": "submit"})):
        assert answer.status_code == 422
        assert 'id="orderref-fault"' in answer.text
        assert "<script>" not in answer.text.replace("<script src=", "")
    assert service.sandbox.utopia.calls == []


def test_an_order_that_is_known_is_linked_and_left_alone(service: Service, as_staff: Person) -> None:
    service.take(REF)
    run = rows(service)

    page = look_at(as_staff).text
    answer = as_staff.post(NEW, {"orderref": REF, "act": "submit"}, follow_redirects=False)

    assert f'<a href="/console/orders/{REF}">' in page
    assert "known already" in page
    assert answer.status_code == 303
    assert rows(service) == run


def test_an_order_of_another_provider_is_not_taken_in(service: Service, as_staff: Person) -> None:
    answer = look_at(as_staff, "UIA202411-009999")

    assert answer.status_code == 422
    assert "no record of this order" in answer.text
    assert "Submit" not in answer.text


def test_an_order_that_was_not_ours_and_is_now_goes_on(service: Service, as_staff: Person) -> None:
    service.callback(REF)
    service.rested(REF, "not_ours")
    service.order(REF)

    submit(as_staff, look_at(as_staff).text)

    service.rested(REF, "completed")


@pytest.mark.long
def test_while_utopia_is_down_the_order_can_be_submitted_and_waits(service: Service, as_staff: Person) -> None:
    service.order(REF)
    service.sandbox.utopia.down()

    page = look_at(as_staff).text
    assert "UTOPIA can&#39;t be reached" in page
    assert "Submit the order: it will wait" in page
    assert submit(as_staff, page).status_code == 303
    service.rested(REF, "waiting")
    service.sandbox.utopia.up()

    service.rested(REF, "completed")


def test_what_was_written_outlives_an_utopia_that_goes_down(service: Service, as_staff: Person) -> None:
    service.order(REF, phone="")
    page = look_at(as_staff).text
    service.sandbox.utopia.down()

    again = as_staff.post(NEW, {**fields_in(page), "phone": "4065550143", "act": "look"}).text
    assert 'value="4065550143"' in again
    submit(as_staff, again)
    service.sandbox.utopia.up()

    service.rested(REF, "completed")
    assert decisions(service) == [("Stan Staff", "submit", 'the phone number: "" -> "4065550143"')]


def test_while_powercode_is_down_the_rest_is_shown(service: Service, as_staff: Person) -> None:
    service.order(REF)
    service.sandbox.powercode.down()

    page = look_at(as_staff).text
    service.sandbox.powercode.up()

    assert "PowerCode can&#39;t be reached" in page
    assert "Hello Ada," in page
    assert "Submit the order: it will wait" in page


def test_utopias_values_cannot_be_made_up_by_whoever_sends_the_form(service: Service, as_staff: Person) -> None:
    service.order(REF)
    service.order(OTHER)
    foreign = fields_in(look_at(as_staff, OTHER).text)["seen"]

    for seen in (foreign, "W10.forged", ""):
        as_staff.post(NEW, {**fields_in(look_at(as_staff).text), "seen": seen, "phone": "4065559999", "act": "submit"})

    service.rested(REF, "completed")
    assert decisions(service) == [("Stan Staff", "submit", None)]


def test_hostile_values_are_shown_as_text(service: Service, as_staff: Person) -> None:
    service.order(
        REF,
        firstname=HOSTILE,
        lastname='"><img src=x onerror=alert(1)>',
        address="1 " + "A" * 10_000,
        city="a\r\nb",
        plan=HOSTILE,
        email="javascript:alert(1)",
    )

    answer = look_at(as_staff)

    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert len(answer.data) < 40_000
    assert submit(as_staff, answer.text).status_code == 303
    service.rested(REF, "needs_review")
    correcting = as_staff.get(f"/console/orders/{REF}/correct").text
    assert "<script>alert" not in correcting
    assert "<img" not in correcting

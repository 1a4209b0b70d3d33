"""Who decides about an order, and that two who decide at once make one decision."""

from functools import partial
from typing import Any

from app.models import Role
from tests.conftest import Service, wait_for
from tests.console.decision_buttons import PAGE, REF, decide, decisions, in_doubt, run_of, sentence
from tests.console.persons import Person
from tests.provisioning.spoilt_writes import the_customer
from tests.tools.at_once import at_once

ACTIONS = ["resume", "new-customer", "it-is-there", "it-is-not-there", "customer", "map-plans", "dismiss"]


def test_whoever_may_only_look_is_told_what_could_be_done_without_buttons(
    service: Service, as_read_only: Person
) -> None:
    service.take(plan="10 Gbps")

    page = as_read_only.get(PAGE).text

    assert "Say what it is sold as, and go on" in page
    assert "Your role lets you look only" in page
    assert f'action="{PAGE}' not in page


def test_an_order_that_does_not_exist_has_no_actions(service: Service, as_staff: Person) -> None:
    form = {"note": "x", "customer_id": "1001", "services-0": "164"}
    service.sandbox.powercode.add_customer()
    for action in ACTIONS:
        answer = as_staff.post(f"/console/orders/UIA-NONE/{action}", form)

        assert answer.status_code == 404 or "no order" in sentence(as_staff.get("/console").text), action


def test_a_finished_order_can_not_be_decided_on(service: Service, as_staff: Person) -> None:
    service.take()
    service.mail_settled()
    before = service.show(REF)
    for action in ACTIONS:
        decide(service, as_staff, action, note="x", customer_id="1001")

        assert service.show(REF) == before, action
    assert "What you can do" not in as_staff.get(PAGE).text


def test_of_two_people_who_press_at_once_one_wins_and_the_other_gets_a_sentence(
    service: Service, somebody: Any
) -> None:
    in_doubt(service, "addCustomerService")
    service.sandbox.powercode.fault("createTicket", "no_answer")
    people, run = [somebody(Role.STAFF), somebody(Role.ADMINISTRATOR)], run_of(service)
    forms = [{"run": run, "csrf_token": person.token()} for person in people]

    def press(person: Person, action: str, form: dict[str, Any]) -> str:
        person.post(f"{PAGE}/{action}", form)
        return sentence(person.get(PAGE).text)

    presses = zip(people, ["it-is-there", "it-is-not-there"], forms, strict=True)
    said = at_once(*[partial(press, *each) for each in presses])

    assert sorted("Nothing was changed" in each for each in said) == [False, True], said
    assert len(decisions(service)) == 1
    wait_for(lambda: service.state(REF) == "needs_review")
    assert "ticket" in service.show(REF)["reason"]


def test_a_decision_about_an_earlier_question_does_not_answer_the_next_one(service: Service, as_staff: Person) -> None:
    in_doubt(service, "addCustomerService")
    stale = run_of(service)
    service.sandbox.powercode.fault("createTicket", "no_answer")
    decide(service, as_staff, "it-is-there")
    wait_for(lambda: "ticket" in (service.rested(REF, "needs_review")["reason"] or ""))

    as_staff.post(f"{PAGE}/it-is-not-there", {"run": stale})

    assert "has moved on since you looked at it" in sentence(as_staff.get(PAGE).text)
    assert len(the_customer(service).tickets) == 1
    assert service.state(REF) == "needs_review"

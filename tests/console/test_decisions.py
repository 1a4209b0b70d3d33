"""What a person decides on an order's page happens, once, and is kept with who did it."""

import pytest
from sqlalchemy import select

from app.models import AuditEntry, Role
from app.provisioning.actions import BY_HAND, MAP_PLANS
from app.provisioning.plans import plan_table
from tests.conftest import Service
from tests.console.decision_buttons import PAGE, REF, decide, decisions, in_doubt, run_of, somebody_else
from tests.console.persons import NAMES, Person
from tests.provisioning.spoilt_writes import the_customer

STAN = NAMES[Role.STAFF]


# Plans


@pytest.mark.long
def test_mapping_a_plan_finishes_every_order_that_waits_for_it(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")
    service.take("UIA-2", plan="10 gbps", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")
    service.sandbox.powercode.services[165] = "10 Gbps"

    assert "all that waited" in decide(service, as_staff, "map-plans", sure="yes", **{"services-0": "165"})

    assert service.rested(REF, "completed")["services"][0]["service_id"] == 165
    assert service.rested("UIA-2", "completed")["services"][0]["service_id"] == 165
    kept = [(STAN, MAP_PLANS.kept_as, '"10 Gbps" is sold as service 165')]
    assert decisions(service) == decisions(service, "UIA-2") == kept
    entry = service.one(select(AuditEntry).filter_by(action="plan mapped"))
    assert (entry.made_by, entry.subject) == (STAN, "10 Gbps")


def test_a_number_is_confirmed_with_what_it_bills_and_for_how_many(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")
    service.take("UIA-2", plan="10 gbps", siteid="7", firstname="Ole", email="ole@example.com", phone="4065550127")

    page = as_staff.post(f"{PAGE}/map-plans", {"run": run_of(service), "services-0": "164"})

    assert page.status_code == 200
    assert "PowerCode service 164</strong>, which is what “1 Gbps” is sold as, too" in page.text
    assert "It is for 2 orders. One of them goes first" in page.text
    assert service.state(REF) == "needs_review"


def test_a_service_that_is_no_number_is_told_at_its_field(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")
    for number in ("", "abc", "0", "-5", "1.5", "99999999999999", "<script>"):
        answer = as_staff.post(f"{PAGE}/map-plans", {"run": run_of(service), "services-0": number})

        assert answer.status_code == 422, number
        assert 'id="services-0-fault"' in answer.text, number
        assert service.state(REF) == "needs_review"


def test_two_unknown_plans_are_mapped_at_once(service: Service, as_staff: Person) -> None:
    two_unknown_plans(service)
    page = as_staff.get(PAGE).text
    assert "PowerCode service for “10 Gbps”" in page
    assert "PowerCode service for “Static address”" in page

    decide(service, as_staff, "map-plans", sure="yes", **{"services-0": "165", "services-1": "166"})

    service.rested(REF, "completed")
    assert {each.service_id for each in the_customer(service).services} == {165, 166, 172}


def two_unknown_plans(service: Service) -> None:
    """An order that waits for two plans; PowerCode has services for both."""
    items = [
        {"pid": "1", "chargetype": "mrc", "description": name, "costper": "1", "totalcost": "1", "qty": "1"}
        for name in ("10 Gbps", "Static address")
    ]
    service.take(orderitems=items)
    service.sandbox.powercode.services |= {165: "10 Gbps", 166: "Static address"}


def test_what_somebody_else_said_of_a_plan_meanwhile_is_not_overwritten(service: Service, as_staff: Person) -> None:
    two_unknown_plans(service)
    service.write(plan_table.map_plan, "10 GBPS", 165)

    said = decide(service, as_staff, "map-plans", sure="yes", **{"services-0": "164", "services-1": "166"})

    assert "is sold as service 165 by now" in said
    assert service.read(plan_table.service_of, "10 Gbps") == 165
    assert service.read(plan_table.service_of, "Static address") is None
    assert service.state(REF) == "needs_review"
    assert 'value="165"' in as_staff.get(PAGE).text

    decide(service, as_staff, "map-plans", sure="yes", **{"services-0": "165", "services-1": "166"})

    service.rested(REF, "completed")
    (entry,) = service.rows(select(AuditEntry).filter_by(action="plan mapped"))
    assert (entry.subject, entry.note) == ("Static address", "not mapped to service 166")


def test_a_plan_that_is_too_long_for_the_table_is_not_asked_for(service: Service, as_staff: Person) -> None:
    service.take(plan="x" * 5_000)

    assert "can't be in the plan table" in as_staff.get(PAGE).text.replace("&#39;", "'")


# What PowerCode refused


def test_what_was_done_by_hand_needs_a_note(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.fault("createTicket", "status_code", status_code=9, message="no such category")
    assert service.take()["problem"] == "ticket_refused"
    assert "I did it by hand: go on" in as_staff.get(PAGE).text

    assert as_staff.post(f"{PAGE}/by-hand", {"run": run_of(service), "note": " "}).status_code == 422
    assert "your note is kept" in decide(service, as_staff, "by-hand", note="ticket 4711 is there")

    service.rested(REF, "completed")
    assert decisions(service)[-1] == (STAN, BY_HAND.kept_as, "ticket 4711 is there")


# Unknown outcomes


def test_a_ticket_that_is_there_is_taken_with_its_number(service: Service, as_staff: Person) -> None:
    in_doubt(service)
    ticket = str(the_customer(service).tickets[0].ticket_id)

    assert "is this customer's" in decide(service, as_staff, "it-is-there", ticket_id=f" {ticket} ")

    assert service.rested(REF, "completed")["ticket_id"] == ticket
    assert len(the_customer(service).tickets) == 1
    assert decisions(service) == [(STAN, "it_is_there", ticket)]
    assert ticket in as_staff.get(f"/console/orders?q={ticket}").text


@pytest.mark.long
@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("theirs", "belongs to customer"),
        ("4711", "does not show a ticket 4711"),
        ("", "Write the ticket's number"),
        ("ticket 15", "Write digits only"),
        ("0", "Write a number from 1 to"),
    ],
)
def test_a_ticket_that_is_not_the_customers_is_refused(
    service: Service, as_staff: Person, number: str, told: str
) -> None:
    in_doubt(service)
    theirs = somebody_else(service)

    answer = as_staff.post(
        f"{PAGE}/it-is-there", {"run": run_of(service), "ticket_id": theirs if number == "theirs" else number}
    )

    assert answer.status_code == 422
    assert told in answer.text.replace("&#39;", "'")
    assert service.state(REF) == "needs_review"
    assert decisions(service) == []


def test_a_ticket_whose_owner_powercode_does_not_name_is_refused(service: Service, as_staff: Person) -> None:
    in_doubt(service)
    (ticket,) = the_customer(service).tickets
    ticket.fields.pop("customerID")

    answer = as_staff.post(f"{PAGE}/it-is-there", {"run": run_of(service), "ticket_id": ticket.ticket_id})

    assert answer.status_code == 422
    assert "does not say whose ticket" in answer.text


def test_nothing_is_decided_while_powercode_can_not_be_asked(service: Service, as_staff: Person) -> None:
    in_doubt(service)
    service.sandbox.powercode.down()
    try:
        answer = as_staff.post(f"{PAGE}/it-is-there", {"run": run_of(service), "ticket_id": "15"})
    finally:
        service.sandbox.powercode.up()

    assert answer.status_code == 422
    assert "Nothing was changed; try again" in answer.text
    assert service.state(REF) == "needs_review"


def test_a_ticket_that_is_not_there_is_made_once_more(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.fault("createTicket", "reset")
    service.take()

    decide(service, as_staff, "it-is-not-there")

    assert service.rested(REF, "completed")["ticket_id"]
    assert len(the_customer(service).tickets) == 1
    assert decisions(service) == [(STAN, "it_is_not_there", None)]


def test_a_plan_that_is_there_is_taken_at_a_persons_word(service: Service, as_staff: Person) -> None:
    in_doubt(service, "addCustomerService")
    page = as_staff.get(PAGE).text
    assert "the plan 250 Mbps (163) is there" in page
    assert 'name="ticket_id"' not in page

    decide(service, as_staff, "it-is-there")

    service.rested(REF, "completed")
    assert [each.service_id for each in the_customer(service).services] == [163, 172]


# Customers


def existing(service: Service) -> str:
    """An order of somebody who has an account; the customer's number."""
    customer = service.knows_ada()
    assert service.take()["state"] == "exists"
    return str(customer.customer_id)


def test_an_order_of_somebody_known_is_added_to_their_account(service: Service, as_staff: Person) -> None:
    customer_id = existing(service)

    confirm = as_staff.get(f"{PAGE}/customer?customer_id={customer_id}").text
    assert "This is <strong>Ada Lind</strong> at <strong>12 N EXAMPLE AVENUE, Bozeman</strong>" in confirm
    assert "the plan 250 Mbps (163)" in confirm
    assert "Bond fee" not in confirm
    assert service.state(REF) == "exists"
    assert customer_id in decide(service, as_staff, "customer", customer_id=customer_id)

    service.rested(REF, "completed")
    customer = the_customer(service)
    assert [each.service_id for each in customer.services] == [163]
    assert (len(customer.tickets), customer.tags) == (1, [5, 9])
    assert decisions(service) == [(STAN, "customer_id", customer_id)]


def test_an_order_of_somebody_known_gets_an_account_of_its_own_all_the_same(service: Service, as_staff: Person) -> None:
    customer_id = existing(service)

    decide(service, as_staff, "new-customer")

    order = service.rested(REF, "completed")
    assert order["customer_id"] != customer_id
    assert len(service.sandbox.powercode.customers) == 2
    assert decisions(service) == [(STAN, "new_customer", None)]


def test_a_customer_whom_powercode_does_not_know_is_refused(service: Service, as_staff: Person) -> None:
    existing(service)

    looked = as_staff.get(f"{PAGE}/customer?customer_id=4711")
    taken = as_staff.post(f"{PAGE}/customer", {"run": run_of(service), "customer_id": "4711"})

    for answer in (looked, taken):
        assert answer.status_code == 422
        assert "PowerCode has no customer 4711" in answer.text
    assert service.state(REF) == "exists"


def test_somebody_alike_is_settled_with_either_answer(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.add_customer(firstName="Ada", lastName="Lindt", physicalStreet="12 N EXAMPLE AVENUE")
    assert service.take()["state"] == "needs_review"
    page = as_staff.get(PAGE).text
    assert "It is customer 1001" in page
    assert "It is somebody else: open a new account" in page

    decide(service, as_staff, "new-customer")

    assert service.rested(REF, "completed")["customer_id"] == "1002"


def test_a_customer_made_by_hand_gets_what_a_new_account_gets(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.refuse_taken_portal_names = True
    service.sandbox.powercode.add_customer(customerPortalUsername="ada.lind@example.com")
    try:
        assert service.take()["problem"] == "customer_refused"
        confirm = as_staff.get(f"{PAGE}/customer?customer_id=1001").text
        assert "Bond fee (172)" in confirm

        decide(service, as_staff, "customer", customer_id="1001")
    finally:
        service.sandbox.powercode.refuse_taken_portal_names = False

    service.rested(REF, "completed")
    assert {each.service_id for each in the_customer(service).services} == {163, 172}


# Trying again, closing


def test_a_waiting_order_is_tried_at_once(service: Service, as_staff: Person) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.powercode.down()
        service.take()
        service.sandbox.powercode.up()

        assert as_staff.post(f"{PAGE}/resume").status_code == 303

        service.rested(REF, "completed")
    assert decisions(service) == [(STAN, "resume", None)]


@pytest.mark.parametrize("action", ["resume", "dismiss"])
def test_the_page_of_a_waiting_order_decides_nothing_about_one_that_waits_no_more(
    service: Service, as_staff: Person, action: str
) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.powercode.down()
        service.take()
        assert 'name="run"' not in as_staff.get(PAGE).text
        decide(service, as_staff, "dismiss", run="", note="they called it off")

        said = decide(service, as_staff, action, run="", note="too slow")

    assert "has moved on" in said
    assert service.state(REF) == "dismissed"
    assert decisions(service) == [(STAN, "dismiss", "they called it off")]


def test_an_order_is_closed_with_a_note_only(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")

    refused = as_staff.post(f"{PAGE}/dismiss", {"run": run_of(service), "note": "  "})
    assert refused.status_code == 422
    assert "Write in a few words why the order is closed" in refused.text

    assert decide(service, as_staff, "dismiss", note="they moved away") == f"{REF} is closed."
    assert decisions(service) == [(STAN, "dismiss", "they moved away")]
    assert "they moved away" in as_staff.get(PAGE).text


def test_a_closed_order_is_taken_up_again(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")
    decide(service, as_staff, "dismiss", note="too early")
    service.write(plan_table.map_plan, "10 Gbps", 164)

    decide(service, as_staff, "resume")

    service.rested(REF, "completed")


def test_an_order_of_another_provider_is_asked_for_again(service: Service, as_staff: Person) -> None:
    service.callback(REF)
    service.rested(REF, "not_ours")
    service.order(REF)

    decide(service, as_staff, "resume")

    service.rested(REF, "completed")


def test_an_unknown_plan_is_not_sold_as_what_every_new_account_gets(service: Service, as_staff: Person) -> None:
    service.take(plan="10 Gbps")

    said = decide(service, as_staff, "map-plans", sure="yes", **{"services-0": "172"})

    assert "Nothing was changed" in said
    assert "every new account gets" in said
    assert service.state(REF) == "needs_review"
    assert "Bond fee" not in as_staff.get(PAGE).text.split("Sold already")[-1].split("</form>")[0]


def test_the_address_that_a_refused_form_leaves_behind_leads_back_to_the_order(
    service: Service, as_staff: Person
) -> None:
    service.take(plan="10 Gbps")
    answer = as_staff.get(f"{PAGE}/map-plans")
    assert (answer.status_code, answer.location) == (303, PAGE)

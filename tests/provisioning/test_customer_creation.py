"""Who the customer of an order is: made, left alone, or asked about; never made twice."""

import pytest

from app.provisioning import customer_creation
from tests.conftest import Service, wait_for
from tests.provisioning.decisions_made import ADA, FIRST, SECOND, resume


def writes(service: Service) -> int:
    """How many writes PowerCode was asked for."""
    sent = service.sandbox.powercode.call_counts
    return sum(sent[action] for action in ("createCustomer", "addCustomerService", "createTicket")) + sum(
        count for action, count in sent.items() if action.startswith("POST ")
    )


def test_a_person_with_an_account_at_this_address_is_left_as_they_are(service: Service) -> None:
    known = service.sandbox.powercode.add_customer(**{**ADA, "physicalStreet": "12 North Example Ave."})

    order = service.take()

    assert order["state"] == "exists"
    assert order["customer_id"] == str(known.customer_id)
    assert list(service.sandbox.powercode.customers.values()) == [known]
    assert (known.services, known.tickets, known.tags) == ([], [], [])
    (mail,) = service.notices()
    assert "exists already" in mail["Subject"]


def test_a_person_with_an_account_elsewhere_gets_a_second_one(service: Service) -> None:
    service.sandbox.powercode.add_customer(**{**ADA, "physicalStreet": "3 LAKE ROAD", "extAccountID": "700001"})

    order = service.take()

    assert order["state"] == "completed"
    first_home, second_home = service.sandbox.powercode.customers.values()
    assert first_home.services == []
    assert second_home.fields["physicalStreet"] == "12 N EXAMPLE AVENUE"


def test_a_new_tenant_of_a_site_gets_an_account_of_their_own(service: Service) -> None:
    service.sandbox.powercode.add_customer(**{**ADA, "firstName": "Ole", "lastName": "Berg"} | NOBODYS_CONTACT)

    order = service.take()

    assert order["state"] == "completed"
    assert [customer.company_name for customer in service.sandbox.powercode.customers.values()] == [
        "Ole Berg",
        "Ada Lind",
    ]


NOBODYS_CONTACT = {"emailAddress": "ole@example.com", "phone": '[{"Type": "Home", "Number": "4065550190"}]'}
ALIKE = {
    "a name that differs by a letter": {**ADA, "lastName": "Lindt"} | NOBODYS_CONTACT,
    "another name with the same mail address": {**ADA, "firstName": "Ole", "lastName": "Berg"},
}


@pytest.mark.parametrize("fields", ALIKE.values(), ids=ALIKE.keys())
def test_somebody_alike_at_the_same_site_asks_a_person(service: Service, fields: dict[str, str]) -> None:
    service.sandbox.powercode.add_customer(**fields)

    order = service.take()

    assert order["state"] == "needs_review"
    assert [action["action"] for action in order["actions"]] == ["customer", "new_customer", "dismiss"]
    assert order["actions"][0]["customer_id"] == "1001"
    assert writes(service) == 0


def test_a_person_can_say_that_somebody_alike_is_somebody_else(service: Service) -> None:
    service.sandbox.powercode.add_customer(**ALIKE["a name that differs by a letter"])
    service.take()

    resume(service, FIRST, new_customer=True)

    assert service.rested(FIRST, "completed")["customer_id"] == "1002"
    assert len(service.sandbox.powercode.customers) == 2


def test_a_person_can_say_that_somebody_alike_is_the_customer(service: Service) -> None:
    known = service.sandbox.powercode.add_customer(**ALIKE["a name that differs by a letter"])
    service.take()

    resume(service, FIRST, customer_id="1001")

    assert service.rested(FIRST, "completed")["customer_id"] == "1001"
    assert list(service.sandbox.powercode.customers.values()) == [known]
    assert [plan.service_id for plan in known.services] == [163]


def test_an_order_goes_onto_an_existing_account_when_a_person_wants_that(service: Service) -> None:
    known = service.sandbox.powercode.add_customer(**ADA)
    service.take(plan="1 Gbps")

    resume(service, FIRST, customer_id=str(known.customer_id))

    assert service.rested(FIRST, "completed")["customer_id"] == str(known.customer_id)
    assert list(service.sandbox.powercode.customers.values()) == [known]
    assert [plan.service_id for plan in known.services] == [164]
    assert len(known.tickets) == 1
    assert known.tags == [5, 9]


def test_a_customer_id_that_powercode_does_not_know_is_not_written_to(service: Service) -> None:
    service.sandbox.powercode.add_customer(**ADA)
    service.take()

    resume(service, FIRST, customer_id="4711")

    assert "no customer 4711" in service.rested(FIRST, "needs_review")["reason"]
    assert writes(service) == 0
    resume(service, FIRST, new_customer=True)
    assert service.rested(FIRST, "completed")["customer_id"] == "1002"


@pytest.mark.parametrize("other", [{}, {"siteid": "71486", "address": "12 North Example Ave."}], ids=["site", "door"])
def test_two_orders_of_one_person_at_one_site_or_door_at_once_make_one_account(
    service: Service, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    monkeypatch.setattr(customer_creation, "NEIGHBOUR_SECONDS", 0.1)
    service.sandbox.powercode.latency = 0.05
    service.order(FIRST, address="12 N EXAMPLE AVENUE")
    service.order(SECOND, **other)
    for orderref in (FIRST, SECOND):
        service.callback(orderref)

    states = [service.rested(orderref, "completed", "exists")["state"] for orderref in (FIRST, SECOND)]

    assert sorted(states) == ["completed", "exists"]
    assert len(service.sandbox.powercode.customers) == 1


def test_an_order_that_utopia_answered_late_does_not_overtake_its_neighbour(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_creation, "NEIGHBOUR_SECONDS", 0.1)
    service.sandbox.utopia.fault("contractlookup", "slow", seconds=0.2)
    service.sandbox.powercode.fault("createCustomer", "slow", seconds=0.7)
    for orderref in (FIRST, SECOND):
        service.order(orderref)
    service.callback(FIRST)
    wait_for(lambda: service.sandbox.utopia.count("contractlookup"))
    service.callback(SECOND)

    states = [service.rested(orderref, "completed", "exists")["state"] for orderref in (FIRST, SECOND)]

    assert sorted(states) == ["completed", "exists"]
    assert len(service.sandbox.powercode.customers) == 1

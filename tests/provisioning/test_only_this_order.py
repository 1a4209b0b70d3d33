"""One order's trouble is its own: while the system works, no other order waits, and a person gets this one."""

import pytest

from app.provisioning import order_waits, review
from app.remote import breaker
from sandbox import Call
from tests.conftest import Service
from tests.provisioning.waiting_orders import ONE_DAY, REF, all_are, send, several_orders

POISON = "O'Brien"


def breaks(service: Service, name: str = POISON) -> None:
    """Whatever is said to PowerCode about somebody of this name breaks the connection."""

    def break_off(call: Call, moment: str) -> None:
        if moment == "arrived" and name in str(call.fields):
            raise ConnectionResetError

    service.sandbox.powercode.on_call = break_off


def poisoned(service: Service, *orderrefs: str) -> list[str]:
    """Orders that break each call of theirs."""
    breaks(service)
    for number, orderref in enumerate(orderrefs):
        service.order(orderref, siteid=f"7149{number}", lastname=POISON, address=f"{number + 1} HILL ROAD")
    send(service, list(orderrefs))
    return list(orderrefs)


def test_orders_whose_search_breaks_keep_no_other_order_waiting(service: Service) -> None:
    with service.changed(retry_minutes=ONE_DAY):
        broken = poisoned(service, "POISON-1", "POISON-2")
        all_are(service, broken, "waiting")
        healthy = several_orders(service, 3)
        send(service, healthy)

        all_are(service, healthy, "completed")
        assert service.show("POISON-1")["reason"].startswith("PowerCode works, but not for this order: ")
        assert service.read(breaker.systems_down) == {}


@pytest.mark.long
def test_an_order_that_fails_while_the_system_works_goes_to_a_person_after_a_few_tries(service: Service) -> None:
    poisoned(service, "POISON-1")

    order = service.rested("POISON-1", "needs_review")

    assert order["problem"] == "only_this_order"
    assert order["reason"].startswith("PowerCode works, but not for this order: ")
    assert [each["action"] for each in order["actions"]] == ["resume", "customer", "new_customer", "dismiss"]
    (mail,) = service.notices()
    assert "Needs you" in mail["Subject"]
    assert "PowerCode works, but not for this order" in mail.text


@pytest.mark.long
def test_a_step_that_fails_goes_to_a_person_though_the_steps_before_it_are_done_again_and_again(
    service: Service,
) -> None:
    service.sandbox.powercode.fault("createCustomer", "http", times=None, status=429)
    service.order(REF)
    send(service, [REF])

    assert service.rested(REF, "needs_review")["problem"] == "only_this_order"


@pytest.mark.long
def test_a_customer_that_can_never_be_made_goes_to_a_person_and_is_looked_up_before_each_try(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "http", times=None, status=500)
    service.order(REF)
    send(service, [REF])

    assert service.rested(REF, "needs_review")["problem"] == "only_this_order"
    assert service.sandbox.powercode.count("createCustomer") <= order_waits.MOST_TRIES


@pytest.mark.long
def test_a_person_may_open_the_account_of_an_order_whose_search_breaks(service: Service) -> None:
    def break_off(call: Call, moment: str) -> None:
        if moment == "arrived" and call.action == "searchCustomers" and POISON in str(call.fields):
            raise ConnectionResetError

    poisoned(service, "POISON-1")
    service.sandbox.powercode.on_call = break_off
    service.rested("POISON-1", "needs_review")
    service.act(review.resume, "POISON-1", "office", new_customer=True)

    service.rested("POISON-1", "completed")


@pytest.mark.long
def test_an_order_that_utopia_can_not_answer_is_no_outage_of_utopia(service: Service) -> None:
    service.sandbox.utopia.orders["POISON-1"] = []  # type: ignore[assignment]
    send(service, ["POISON-1"])
    orderrefs = several_orders(service, 3)

    send(service, orderrefs)

    all_are(service, orderrefs, "completed")
    order = service.rested("POISON-1", "needs_review")
    assert order["problem"] == "only_this_order"
    assert order["reason"].startswith("UTOPIA works, but not for this order: ")
    assert [each["action"] for each in order["actions"]] == ["resume", "dismiss"]

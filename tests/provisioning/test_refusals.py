"""A refused write needs a person; a refusal in words that may be a lie counts as an unknown outcome."""

import pytest

from powercode import answers
from tests.conftest import Service
from tests.provisioning.decisions_made import resume
from tests.provisioning.spoilt_writes import FIRST_PLAN, REF, WRITES, a_person_looks, ended, everything_once, spoil

# Refused


@pytest.mark.long
@pytest.mark.parametrize("write", WRITES)
def test_a_refused_write_needs_a_person_and_goes_on_when_it_is_tried_again(service: Service, write: str) -> None:
    spoil(service, write, "status_code", status_code=1, message="Invalid for today")

    order = service.take()

    assert order["state"] == "needs_review"
    assert "Invalid for today" in order["reason"]
    assert order["actions"][0]["action"] == "resume"
    assert order["actions"][-1]["action"] == "dismiss"
    resume(service)
    assert service.rested(REF)["state"] == "completed"
    assert everything_once(service)


def test_a_refused_customer_can_be_made_by_hand(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "status_code")
    order = service.take()
    by_hand = service.sandbox.powercode.add_customer(firstName="Ada", lastName="Lind")
    assert "customer" in [each["action"] for each in order["actions"]]

    resume(service, customer_id="4711")
    assert "no customer 4711" in service.rested(REF, "needs_review")["reason"]
    resume(service, customer_id=str(by_hand.customer_id))

    assert service.rested(REF)["state"] == "completed"
    assert everything_once(service)


def test_an_order_that_is_tried_again_after_a_refusal_looks_for_the_customer_again(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "status_code")
    service.take()
    service.knows_ada(extAccountID="714780")

    resume(service)

    assert service.rested(REF)["state"] == "exists"
    assert len(service.sandbox.powercode.customers) == 1


def test_an_order_that_is_tried_again_after_a_refusal_reads_what_utopia_corrected(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "status_code")
    service.take()
    service.order(REF, email="ada.corrected@example.com")

    resume(service)

    assert service.rested(REF)["state"] == "completed"
    (customer,) = service.sandbox.powercode.customers.values()
    assert customer.fields["emailAddress"] == "ada.corrected@example.com"


@pytest.mark.long
def test_a_lookup_that_fails_after_a_doubt_makes_no_second_customer(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "no_answer")
    service.sandbox.powercode.fault("readCustomer", "status_code", times=4, status_code=1, message="Lock wait timeout")
    service.sandbox.powercode.fault(
        "searchCustomers", "status_code", times=4, status_code=1, message="Lock wait timeout"
    )

    service.take()

    assert service.rested(REF, "completed")["state"] == "completed"
    assert len(service.sandbox.powercode.customers) == 1


# Refused, in words that don't say that nothing was done


LIE = "Lock wait timeout exceeded; try restarting transaction"
REFUSALS = {
    "in words of trouble, and done": {"message": LIE, "processed": True},
    "in words of trouble": {"message": LIE},
    "in words that nobody knows, and done": {"message": "Not today", "processed": True},
}


@pytest.mark.long
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("write", [FIRST_PLAN, "createTicket"])
def test_a_refusal_that_may_be_a_lie_asks_whether_it_is_there(service: Service, write: str, refusal: str) -> None:
    spoil(service, write, "status_code", **REFUSALS[refusal])

    order = service.take()

    assert (order["state"], order["problem"]) == ("needs_review", "outcome_unknown")
    assert str(REFUSALS[refusal]["message"]) in order["reason"]
    resume(service, **a_person_looks(service, write))
    assert service.rested(REF)["state"] == "completed"
    assert everything_once(service)


@pytest.mark.long
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_customer_refused_in_words_that_may_be_a_lie_is_looked_up(service: Service, refusal: str) -> None:
    spoil(service, "createCustomer", "status_code", **REFUSALS[refusal])

    service.take()

    assert ended(service)["state"] == "completed"
    assert everything_once(service)


def test_a_tag_refused_in_words_of_trouble_is_looked_up(service: Service) -> None:
    spoil(service, "the first tag", "status_code", message=LIE, processed=True)

    service.take()

    assert ended(service)["state"] == "completed"
    assert everything_once(service)


def test_too_many_requests_that_comes_late_to_a_write_asks_whether_it_is_there(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PROMPT_SECONDS", 0.0)
    spoil(service, FIRST_PLAN, "http", status=429, processed=True)

    order = service.take()

    assert (order["state"], order["problem"]) == ("needs_review", "outcome_unknown")

"""What a person may say of an order when, and the sentence with which the rest is turned down."""

from collections.abc import Callable
from typing import Any

import pytest

from app.provisioning import review
from tests.conftest import Service
from tests.provisioning.decisions_made import resume

REF = "UIA202411-001186"


def refusal(service: Service, **decision: Any) -> str:
    """The sentence with which a decision is turned down."""
    with pytest.raises(review.NotPossible) as refused:
        resume(service, **decision)
    return str(refused.value)


def in_doubt(service: Service) -> None:
    """An order whose first plan may or may not have been added."""
    service.sandbox.powercode.fault("addCustomerService", "no_answer")
    service.take()


def refused_plan(service: Service) -> None:
    """An order whose customer is made, and whose plan was refused."""
    service.sandbox.powercode.fault("addCustomerService", "status_code")
    service.take()


def finished(service: Service) -> None:
    """An order that is completed."""
    service.take()


def existing(service: Service) -> None:
    """An order of somebody who has an account."""
    service.knows_ada()
    service.take()


@pytest.mark.parametrize(
    ("situation", "answers", "sentence"),
    [
        (in_doubt, [{}, {"customer_id": "1001"}, {"new_customer": True}], "look at the customer's page first"),
        (refused_plan, [{"it_is_there": True}], "no step whose outcome is unknown"),
        (refused_plan, [{"customer_id": "1002"}, {"new_customer": True}], "customer 1001"),
        (finished, [{}], "nothing to resume"),
        (existing, [{}], "--customer-id 1001"),
    ],
)
def test_an_answer_that_does_not_fit_is_turned_down_with_a_sentence(
    service: Service, situation: Callable[[Service], None], answers: list[dict[str, Any]], sentence: str
) -> None:
    situation(service)
    service.mail_settled()
    before = service.show(REF)
    for answer in answers:
        assert sentence in refusal(service, **answer)
        assert service.show(REF) == before


def test_an_unknown_order_can_not_be_resumed(service: Service) -> None:
    assert "no order" in refusal(service)


def test_a_person_closes_an_order_with_a_note(service: Service) -> None:
    service.take(plan="10 Gbps")
    service.act(review.dismiss, REF, "office", "The customer called it off")

    order = service.show(REF)
    assert (order["state"], order["reason"], order["actions"]) == ("dismissed", "The customer called it off", [])
    assert [(each["action"], each["made_by"]) for each in order["decisions"]] == [("dismiss", "office")]
    service.callback(REF)
    assert service.show(REF)["state"] == "dismissed"


def test_an_order_that_was_closed_by_mistake_can_be_resumed(service: Service) -> None:
    service.take(plan="10 Gbps")
    service.act(review.dismiss, REF, "office", "By mistake")
    service.order(REF, plan="1 Gbps")

    resume(service)

    assert service.rested(REF)["state"] == "completed"


def test_a_completed_order_can_not_be_closed(service: Service) -> None:
    service.take()
    with service.services.database.write() as session, pytest.raises(review.NotPossible):
        review.dismiss(service.services, session, REF, "office", "why not")
    assert service.show(REF)["state"] == "completed"

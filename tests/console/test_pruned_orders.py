"""The page of an order that was finished so long ago that its details are gone."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.models import Order, OrderState, now
from app.provisioning import review
from app.safekeeping import pruning
from tests.conftest import Service
from tests.console.decision_buttons import PAGE, REF, decide
from tests.console.made_orders import of_somebody_known, settled_as
from tests.console.persons import Person
from tests.safekeeping.erased_orders import settled

REMOVED = "Its details were removed 400 days after it was finished."
NOTHING_LEFT = "What happened is not kept any more."
NOT_SAID = (
    "What was sent to UTOPIA and PowerCode, and what they answered, was removed 90 days after the order was finished."
)


def prune(service: Service) -> None:
    settled(service)
    pruning.prune(service.services, now() + timedelta(days=401), pause=0)


def listed(person: Person) -> str:
    """What the list of orders has for somebody who looks for Ada."""
    page = person.get("/console/orders?q=ada").text
    return page[page.index("<tbody>") : page.index("</tbody>")]


@pytest.mark.long
def test_the_page_of_an_old_order_says_what_is_known_and_that_the_rest_was_removed(
    service: Service, as_read_only: Person
) -> None:
    order = service.take()
    prune(service)

    page = as_read_only.get(PAGE)

    assert page.status_code == 200
    for text in ("Ada Lind", "12 N EXAMPLE AVENUE", "250 Mbps", order["customer_id"], order["ticket_id"], REMOVED):
        assert text in page.text
    assert NOTHING_LEFT in page.text
    assert as_read_only.get(f"{PAGE}/story?shown=completed").status_code == 200
    assert as_read_only.get(f"{PAGE}/contract").mimetype == "application/pdf"


@pytest.mark.long
def test_the_page_says_that_what_was_sent_and_answered_was_removed(service: Service, as_read_only: Person) -> None:
    service.take()
    service.mail_settled()
    service.execute(update(Order).values(finished_at=now() - timedelta(days=91)))
    before = as_read_only.get(PAGE).text
    assert "create the customer: answered" in before
    assert NOT_SAID not in before
    pruning.prune(service.services, now(), pause=0)

    after = as_read_only.get(PAGE).text

    assert NOT_SAID in after
    assert "Create the customer in PowerCode" in after
    assert "create the customer: answered" not in after


def test_an_old_order_is_listed_as_before(service: Service, as_read_only: Person) -> None:
    service.take()
    before = listed(as_read_only)
    prune(service)

    assert listed(as_read_only) == before


@pytest.mark.long
@pytest.mark.parametrize("state", [OrderState.NOT_OURS, OrderState.DISMISSED])
def test_an_old_order_that_can_be_taken_up_offers_that(service: Service, as_staff: Person, state: OrderState) -> None:
    if state == OrderState.NOT_OURS:
        service.callback(REF)
        service.rested(REF, state)
        service.order(REF)
    else:
        settled_as(service, REF, OrderState.NEEDS_REVIEW, plan="")
        service.act(review.dismiss, REF, "alice", "Not yet")
        service.order(REF)
    prune(service)
    page = as_staff.get(PAGE).text
    assert REMOVED in page
    assert "What you can do" in page

    assert decide(service, as_staff, "resume") == "It goes on."
    assert service.rested(REF)["state"] == "completed"
    assert REMOVED not in as_staff.get(PAGE).text


def test_before_an_old_order_goes_to_a_customer_staff_see_for_whom_it_is(service: Service, as_staff: Person) -> None:
    known = of_somebody_known(service)
    prune(service)
    page = f"/console/orders/{known['known']}"

    shown = as_staff.get(f"{page}/customer?customer_id={known['customer']}").text

    assert "102 APART STREET" in shown
    assert "the order's plans" in shown
    assert as_staff.get(page).status_code == 200


def test_an_old_order_that_was_closed_half_done_still_shows_how_far_it_came(service: Service, as_staff: Person) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    service.take()
    service.act(review.dismiss, REF, "alice", "Looked after by hand")
    prune(service)

    page = as_staff.get(PAGE).text

    assert "Create the welcome ticket" in page
    assert "The order goes on where it stopped" in page
    assert REMOVED not in page

"""An order whose details are gone can still be worked with: a person or a callback takes it up again."""

import pytest
from sqlalchemy import update

from app.models import Notice, Order, OrderExchange
from app.provisioning import order_search, review
from tests.conftest import Service
from tests.safekeeping.pruned_orders import exists, left, plans_in_powercode, prune, resume, row
from tests.tools.callback_requests import count
from tests.tools.command_runs import ORDER

pytestmark = pytest.mark.long


def test_an_old_order_of_a_known_customer_can_still_be_given_to_that_customer(service: Service) -> None:
    customer_id = exists(service)
    prune(service)
    assert row(service).contract is None

    order = resume(service, customer_id=customer_id)

    assert (order["state"], order["customer_id"], order["remarks"]) == ("completed", customer_id, [])
    assert plans_in_powercode(service) == [["163"]]
    assert row(service).contract is not None
    assert "Ada Lind" in service.notices("Added to customer")[0].get_body(("plain",)).get_content()


def test_what_a_person_corrected_holds_when_an_old_order_goes_on(service: Service) -> None:
    exists(service)
    service.execute(update(Order).values(corrections={"first_name": "Grace"}))
    prune(service)

    order = resume(service, new_customer=True)

    assert order["state"] == "completed"
    made = service.sandbox.powercode.customers[int(order["customer_id"])]
    assert made.fields["firstName"] == "Grace"


def test_an_old_order_that_was_not_ours_is_looked_up_again_when_a_callback_comes(service: Service) -> None:
    service.callback(ORDER)
    service.rested(ORDER, "not_ours")
    prune(service)
    assert left(service) == dict.fromkeys(left(service), 0)

    assert service.take()["state"] == "completed"


def test_an_old_order_that_was_closed_before_anything_was_written_starts_over(service: Service) -> None:
    service.take(plan="10 Gbps")
    service.act(review.dismiss, ORDER, "alice", "Not yet")
    prune(service)
    assert left(service) == dict.fromkeys(left(service), 0)

    assert resume(service)["problem"] == "unknown_plan"


def test_an_old_order_that_was_closed_half_done_does_nothing_twice_when_it_goes_on(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    assert service.take()["problem"] == "outcome_unknown"
    service.act(review.dismiss, ORDER, "alice", "Looked after by hand")
    prune(service)
    assert (count(service, OrderExchange), count(service, Notice)) == (0, 0)

    service.sandbox.powercode.clear_faults()
    order = resume(service)

    (customer,) = service.sandbox.powercode.customers.values()
    assert order["problem"] == "outcome_unknown", "nobody has said yet whether the ticket is there"
    assert plans_in_powercode(service) == [["163", "172"]]
    assert len(customer.tickets) == 1


def test_an_old_order_that_waits_for_its_contract_again_is_found_by_what_is_known_of_it(service: Service) -> None:
    customer_id = exists(service)
    prune(service)
    with service.changed(retry_minutes=(600,)):
        service.sandbox.utopia.down()
        assert resume(service, customer_id=customer_id)["state"] == "waiting"
        service.sandbox.utopia.up()

    assert [one.person for one in service.read(order_search.find, order_search.Wanted("lind")).orders] == ["Ada Lind"]
    resume(service)
    assert service.rested(ORDER, "completed")

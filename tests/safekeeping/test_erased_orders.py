"""An order without its person's data: it is found and shown, and still keeps the promises."""

from typing import Any

import pytest
from sqlalchemy import select

from app.models import OrderSearch
from app.provisioning import order_search, review
from tests.conftest import Service
from tests.console.persons import Person
from tests.safekeeping.erased_orders import NEIGHBOUR, forget, found_in, stored
from tests.tools.command_runs import ORDER, failed, run

pytestmark = pytest.mark.long


def dismissed(service: Service, **contract: Any) -> None:
    service.take(**contract)
    service.act(review.dismiss, ORDER, "alice", "Ada Lind withdrew")


def test_done_again_it_erases_what_came_since_and_tells_nothing_anew(service: Service) -> None:
    service.take()
    forget(service)
    once = service.show(ORDER)

    assert not any(forget(service)["erased"].values())
    assert service.show(ORDER) == once
    assert "nothing left to erase" in run(service, "orders", "forget", ORDER, "--yes").stdout

    service.callback(ORDER, msg="Ada Lind called")
    assert forget(service)["erased"]["callbacks"] == 1
    assert "Ada Lind" not in stored(service)


def test_a_callback_that_comes_again_for_a_forgotten_order_changes_nothing(service: Service) -> None:
    before = service.take()
    forget(service)
    mails = len(service.notices())

    assert service.callback(ORDER).status_code == 200
    assert run(service, "orders", "submit", ORDER, "--no-wait").exit_code == 0

    after = service.show(ORDER)
    assert (after["state"], after["customer_id"]) == ("completed", before["customer_id"])
    assert [callback["outcome"] for callback in after["callbacks"]] == ["order", "repeat"]
    assert (len(service.sandbox.powercode.customers), len(service.notices())) == (1, mails)


def test_a_forgotten_order_is_found_by_its_numbers_and_by_nothing_else(service: Service) -> None:
    order = service.take()
    forget(service)

    with service.services.database.read() as session:
        for text in (ORDER, order["customer_id"], order["ticket_id"]):
            assert [each.orderref for each in order_search.find(session, order_search.Wanted(text)).orders] == [ORDER]
        for text in ("ada", "lind@example", "4065550143", "EXAMPLE AVENUE"):
            assert order_search.find(session, order_search.Wanted(text)).orders == []
        assert session.scalars(select(OrderSearch.person)).all() == [""]


def test_the_engine_remembers_nothing_of_a_forgotten_order(service: Service) -> None:
    service.take("UIA202411-000002", plan="10 Gbps", **NEIGHBOUR)
    service.take(plan="10 Gbps")
    service.act(review.resume, ORDER, "alice")
    service.rested(ORDER)
    service.act(review.dismiss, ORDER, "alice", "no")
    forget(service)

    ids = [row.workflow_id for row in service.services.work_queue.client.list_workflows(load_input=False)]
    assert [each for each in ids if ORDER in each] == []
    assert any("UIA202411-000002" in each for each in ids)


# The console


def test_the_page_of_a_forgotten_order_shows_what_stays(service: Service, as_staff: Person) -> None:
    order = service.take()
    forget(service)

    page = as_staff.get(f"/console/orders/{ORDER}")

    assert page.status_code == 200
    for text in (order["customer_id"], order["ticket_id"], "personal data of this order was erased"):
        assert text in page.text
    assert "erased its personal data" in page.text
    assert found_in(page.text) == []
    assert as_staff.get(f"/console/orders/{ORDER}/story?shown=completed").status_code == 200
    assert ORDER in as_staff.get("/console/orders").text


def test_a_forgotten_order_of_a_known_customer_can_still_be_taken_up(service: Service, as_staff: Person) -> None:
    known = service.knows_ada(extAccountID="714780")
    assert service.take()["state"] == "exists"
    forget(service)
    assert as_staff.get(f"/console/orders/{ORDER}").status_code == 200

    service.act(review.resume, ORDER, "alice", customer_id=str(known.customer_id))

    assert service.rested(ORDER)["state"] == "completed"
    assert [str(one.service_id) for one in known.services] == ["163"]


def test_an_order_that_was_closed_half_done_and_forgotten_can_do_nothing_twice(
    service: Service, as_staff: Person
) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    dismissed(service)
    service.sandbox.powercode.clear_faults()
    forget(service)

    result = run(service, "orders", "resume", ORDER, "--no-wait")

    assert "something of it is in PowerCode already" in failed(result)
    page = as_staff.get(f"/console/orders/{ORDER}")
    assert page.status_code == 200
    assert "Take it up again" not in page.text
    assert found_in(stored(service)) in ([], ["250 Mbps"])

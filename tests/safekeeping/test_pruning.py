"""What is deleted of an order when it is old, and what never is."""

import pytest
from sqlalchemy import update

from app.models import Callback, Notice, Order, OrderExchange, OrderStep, RemoteSystem, now
from app.provisioning import order_search, order_search_rows, review, teamwork
from app.safekeeping import pruning
from tests.conftest import Service, wait_for
from tests.safekeeping.pruned_orders import (
    KEPT,
    NEIGHBOUR,
    exists,
    in_days,
    left,
    plans_in_powercode,
    prune,
    resume,
    row,
)
from tests.tools.callback_requests import count
from tests.tools.command_runs import ORDER, printed, run

pytestmark = pytest.mark.long


# Finished orders


def test_a_finished_orders_details_go_when_they_are_old_and_the_order_stays(service: Service) -> None:
    before = service.take()
    prune(service)

    after = printed(run(service, "orders", "show", ORDER, "--json"))
    for name in ("state", "reason", "customer_id", "ticket_id", "received_at", "finished_at"):
        assert after[name] == before[name]
    assert after["remarks"] == ["Its details were removed 400 days after it was finished."]
    assert "Its details were removed" in run(service, "orders", "show", ORDER).stdout
    assert left(service) == dict.fromkeys(left(service), 0)
    order = row(service)
    assert (order.contract, order.account, order.corrections) == (None, None, None)
    assert service.services.work_queue.client.list_workflows() == []


def test_an_old_order_is_still_found_by_person_and_address(service: Service) -> None:
    service.take()
    prune(service)
    order_search_rows.backfill(service.services.database)

    (found,) = service.read(order_search.find, order_search.Wanted("lind example")).orders
    assert (found.person, found.plan) == ("Ada Lind", "250 Mbps")
    assert found.address.startswith("12 N EXAMPLE AVENUE, Bozeman")


def test_what_colleagues_told_each_other_goes_with_the_details_and_what_they_decided_stays(service: Service) -> None:
    service.take(plan="10 Gbps")
    service.write(teamwork.note, ORDER, "alice", "Ask Vera")
    service.act(review.dismiss, ORDER, "alice", "moved away")
    prune(service, KEPT - 1)
    assert service.read(order_search.find, order_search.Wanted("vera lind")).total == 1

    prune(service)

    assert [one["note"] for one in service.show(ORDER)["decisions"]] == ["moved away"]
    assert service.read(order_search.find, order_search.Wanted("vera")).total == 0
    assert service.read(order_search.find, order_search.Wanted("lind")).total == 1


def test_what_was_finished_less_than_keep_days_ago_stays(service: Service) -> None:
    service.take()
    service.mail_settled()
    before = left(service)
    prune(service, KEPT - 1)

    assert left(service) == {**before, "OrderExchange": 0}
    assert row(service).contract is not None


def test_keep_days_says_how_long(service: Service) -> None:
    service.take()
    with service.changed(keep_days=30):
        prune(service, 31)

    assert left(service) == dict.fromkeys(left(service), 0)


def test_what_people_decided_is_kept(service: Service) -> None:
    service.take(plan="10 Gbps")
    service.act(review.dismiss, ORDER, "alice", "They withdrew")
    prune(service)

    assert [(one["action"], one["note"]) for one in service.show(ORDER)["decisions"]] == [("dismiss", "They withdrew")]


def test_a_callback_that_comes_again_for_an_old_order_changes_nothing(service: Service) -> None:
    before = service.take()
    prune(service)
    mails = len(service.notices())
    assert service.callback(ORDER).status_code == 200

    assert len(service.sandbox.powercode.customers) == 1
    assert len(service.notices()) == mails
    after = service.show(ORDER)
    assert (after["state"], after["customer_id"]) == ("completed", before["customer_id"])
    assert [callback["outcome"] for callback in after["callbacks"]] == ["repeat"]


def test_what_comes_for_an_old_order_goes_in_its_turn(service: Service) -> None:
    service.take()
    prune(service)
    service.callback(ORDER)
    prune(service, KEPT - 1)
    assert count(service, Callback) == 1

    prune(service)

    assert count(service, Callback) == 0


# What was said to the remote systems


def test_what_was_said_for_a_done_order_goes_after_ninety_days_and_the_rest_stays(service: Service) -> None:
    service.take()
    service.mail_settled()
    before = left(service)
    prune(service, 89)
    assert left(service) == before

    prune(service, 91)

    assert left(service) == {**before, "OrderExchange": 0}
    assert (row(service).contract is not None, row(service).remarks) == (True, [])


def test_what_was_said_goes_however_the_order_ended(service: Service) -> None:
    service.callback("UIA202411-000001")
    service.rested("UIA202411-000001", "not_ours")
    assert service.take("UIA202411-000002", plan="10 Gbps", **NEIGHBOUR)["state"] == "needs_review"
    service.act(review.dismiss, "UIA202411-000002", "alice", "They withdrew")
    exists(service)
    service.mail_settled()
    before = left(service)
    assert before["OrderExchange"] > 0
    prune(service, 91)

    assert left(service) == {**before, "OrderExchange": 0}


def test_an_order_closed_half_done_keeps_what_was_said_as_long_as_its_details(service: Service) -> None:
    service.sandbox.powercode.fault("createTicket", "no_answer")
    assert service.take()["problem"] == "outcome_unknown"
    service.act(review.dismiss, ORDER, "alice", "Looked after by hand")
    before = count(service, OrderExchange)
    prune(service, KEPT - 1)
    assert count(service, OrderExchange) == before

    prune(service)

    assert count(service, OrderExchange) == 0


def test_a_known_customers_order_goes_on_after_what_was_said_is_gone(service: Service) -> None:
    customer_id = exists(service)
    prune(service, 91)

    order = resume(service, customer_id=customer_id)

    assert (order["state"], order["customer_id"]) == ("completed", customer_id)
    assert plans_in_powercode(service) == [["163"]]


# Orders that are not finished


@pytest.mark.parametrize("state", ["received", "running", "waiting", "needs_review"])
def test_an_order_that_is_not_finished_keeps_its_details_however_old_it_is(service: Service, state: str) -> None:
    service.take(plan="10 Gbps")
    service.mail_settled()
    before = left(service)
    service.execute(update(Order).values(state=state, cause=None, finished_at=now()))
    pruning.prune(service.services, in_days(4000), pause=0)

    assert left(service) == before
    assert row(service).contract is not None


def test_an_order_whose_mail_cannot_be_sent_keeps_what_the_mail_tells(service: Service) -> None:
    with service.changed(retry_minutes=(600,)):
        service.sandbox.mailbox.down()
        service.take()
        prune(service)
    assert (row(service).contract is not None, count(service, Notice)) == (True, 1)
    assert count(service, OrderStep) > 0

    service.sandbox.mailbox.up()
    service.execute(update(RemoteSystem).values(next_probe_at=now()))
    service.execute(update(Notice).values(next_try_at=now()))
    (mail,) = wait_for(lambda: service.notices("Account created"))
    assert "Ada Lind" in mail.get_body(("plain",)).get_content()
    prune(service)

    assert left(service) == dict.fromkeys(left(service), 0)

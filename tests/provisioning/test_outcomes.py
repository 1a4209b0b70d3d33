"""A write to PowerCode ends in one of four ways; none of them makes anything twice, and none is left unfinished."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select, update

from app.models import Order, OrderStep
from app.provisioning import lifecycle
from tests.conftest import Service, wait_for
from tests.provisioning.decisions_made import resume
from tests.provisioning.spoilt_writes import (
    FIRST_PLAN,
    REF,
    WRITES,
    a_person_looks,
    ended,
    everything_once,
    spoil,
    the_customer,
)
from tests.tools.everyday import everyday

READ_TIMEOUT = 1.0
LATE = 1.5

UNKNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "closed before it was processed": ("refuse", {}),
    "reset": ("reset", {}),
    "an error page": ("garbage", {}),
    "an error page after it was processed": ("garbage", {"status": 500, "processed": True}),
    "bad gateway": ("http", {"status": 502}),
    "processed without an answer": ("no_answer", {}),
    "processed after we stopped to listen": ("slow", {"seconds": LATE, "when": "before"}),
    "processed and answered too late": ("slow", {"seconds": LATE, "when": "after"}),
    "an empty answer": ("empty", {}),
    "an answer cut off": ("cut", {}),
    "an answer that stalls": ("stall", {}),
}
EVERYDAY = ("reset", "processed without an answer")
LATE_FAULTS = [fault for fault, (kind, _) in UNKNOWN.items() if kind in ("slow", "stall")]


def each(write: str, *thorough: str) -> list[Any]:
    """Every fault of every write; those of `thorough` writes, and all faults but two, only in long runs."""
    pairs = [(one, fault) for one in (write, *thorough) for fault in UNKNOWN]
    return [pytest.param(*pair, marks=_marks(pair[1], is_thorough=pair[0] in thorough)) for pair in pairs]


def _marks(fault: str, *, is_thorough: bool) -> list[pytest.MarkDecorator]:
    if is_thorough:
        return [pytest.mark.sweep]
    return [] if fault in EVERYDAY else [pytest.mark.long]


@contextmanager
def patience_for(service: Service, fault: str) -> Iterator[None]:
    """Where an answer is late, calls time out soon, and what became of them is looked up after it came."""
    if fault not in LATE_FAULTS:
        yield
        return
    with service.changed(pc_settle_seconds=LATE + READ_TIMEOUT), service.giving_up_after(READ_TIMEOUT):
        yield


def one_mail(service: Service, subject: str) -> bool:
    """Whether exactly one such notice arrived."""
    return len(service.notices(subject)) == 1


# Unknown


@pytest.mark.parametrize(("write", "fault"), each("createCustomer", "the first tag"))
def test_what_can_be_looked_up_is_finished_without_a_person(service: Service, write: str, fault: str) -> None:
    kind, args = UNKNOWN[fault]
    spoil(service, write, kind, **args)

    with patience_for(service, fault):
        service.take()

        assert ended(service)["state"] == "completed"
    assert everything_once(service)
    assert one_mail(service, "Account created")


@pytest.mark.parametrize(
    ("write", "fault"),
    each("createTicket", FIRST_PLAN, "the second addCustomerService"),
)
def test_what_can_not_be_looked_up_is_asked_and_never_repeated_blindly(
    service: Service, write: str, fault: str
) -> None:
    kind, args = UNKNOWN[fault]
    spoil(service, write, kind, **args)

    with patience_for(service, fault):
        order = service.take()

    assert (order["state"], order["problem"]) == ("needs_review", "outcome_unknown")
    assert [each["action"] for each in order["actions"]] == ["it_is_there", "it_is_not_there", "dismiss"]
    assert order["customer_id"] in order["reason"]
    resume(service, **a_person_looks(service, write))
    assert service.rested(REF)["state"] == "completed"
    assert everything_once(service)
    assert one_mail(service, "Needs you")
    assert one_mail(service, "Account created")


def test_a_doubt_survives_a_powercode_that_is_down_when_the_customer_is_looked_up(service: Service) -> None:
    powercode = service.sandbox.powercode
    powercode.fault("createCustomer", "no_answer")
    powercode.fault("readCustomer", "slow", seconds=0)  # the look before the write
    powercode.fault("readCustomer", "http", times=3, status=429)  # the look after it

    service.take()

    assert ended(service)["state"] == "completed"
    assert everything_once(service)


def test_a_customer_that_looks_like_ours_after_a_doubt_asks_a_person(service: Service) -> None:
    service.sandbox.powercode.fault("createCustomer", "reset")
    service.take()
    known = service.knows_ada(customerNotes="Order# UIA202411-0011861")

    order = ended(service)

    assert (order["state"], order["problem"]) == ("needs_review", "look_alike")
    assert [each["action"] for each in order["actions"]] == ["customer", "new_customer", "dismiss"]
    assert list(service.sandbox.powercode.customers.values()) == [known]


@pytest.mark.parametrize(
    ("decision", "customers"),
    [({"customer_id": "1001"}, 1), pytest.param({"new_customer": True}, 2, marks=pytest.mark.long)],
    ids=["ours", "not ours"],
)
def test_a_person_tells_whether_the_customer_who_looks_like_ours_is_ours(
    service: Service, decision: dict[str, Any], customers: int
) -> None:
    service.sandbox.powercode.fault("createCustomer", "reset")
    service.take()
    service.knows_ada()
    ended(service, "needs_review")

    resume(service, **decision)

    order = ended(service)
    assert order["state"] == "completed"
    assert len(service.sandbox.powercode.customers) == customers
    assert order["customer_id"] == str(1000 + customers)


@pytest.mark.parametrize(("number", "customers"), [("UIA202411-001186", 1), ("UIA202411-0011861", 2)])
def test_the_order_number_in_the_notes_tells_ours_from_a_neighbours(
    service: Service, number: str, customers: int
) -> None:
    service.sandbox.powercode.fault("createCustomer", "reset")
    service.take()
    service.sandbox.powercode.add_customer(
        firstName="Ole", lastName="Berg", extAccountID="714780", customerNotes=f"Called on Monday\r\nOrder# {number}"
    )

    assert ended(service)["state"] == "completed"
    assert len(service.sandbox.powercode.customers) == customers


# Never arrived


@pytest.mark.parametrize("write", everyday(*WRITES))
def test_too_many_requests_is_tried_again(service: Service, write: str) -> None:
    action, _ = WRITES[write]
    spoil(service, write, "http", status=429, times=2)

    service.take()

    assert ended(service)["state"] == "completed"
    assert everything_once(service)
    assert service.sandbox.powercode.count(action) >= 3


@pytest.mark.parametrize("write", everyday(*WRITES))
def test_a_write_that_never_arrived_waits_and_is_done_once(service: Service, write: str) -> None:
    spoil(service, write, "status_code")
    service.take()
    service.sandbox.powercode.down()

    resume(service)

    assert ended(service, "waiting")["waiting_for"] == "powercode"
    service.sandbox.powercode.up()
    assert ended(service)["state"] == "completed"
    assert everything_once(service)


# Killed between PowerCode's answer and its checkpoint


@pytest.mark.parametrize("step", everyday("create_customer", "plan:163", "ticket", "tag:5"))
def test_a_process_killed_right_after_a_write_repeats_nothing(service: Service, step: str) -> None:
    service.take()
    with service.services.database.write() as session:
        as_a_kill_leaves_it(service, session, step)
        lifecycle.next_run(service.services, session, session.scalars(select(Order)).one())

    order = ended(service)

    if order["state"] == "needs_review":
        assert order["problem"] == "outcome_unknown"
        resume(service, it_is_there=True)
    assert service.rested(REF, "completed")
    assert everything_once(service)


def as_a_kill_leaves_it(service: Service, session: Any, name: str) -> None:
    """The step's row is committed, its outcome and all that follows is not."""
    customer, order = the_customer(service), session.scalars(select(Order)).one()
    steps = {each.name: each for each in session.scalars(select(OrderStep).order_by(OrderStep.id))}
    names = list(steps)
    for later in names[names.index(name) + 1 :]:
        session.delete(steps[later])
    steps[name].state, steps[name].result, steps[name].finished_at = "running", None, None
    if name == "create_customer":
        order.customer_id = None
    if name in ("create_customer", "plan:163"):
        del customer.services[names.index(name) - names.index("create_customer") :]
    if name in ("create_customer", "plan:163"):
        customer.tickets.clear()
        order.ticket_id = None
    customer.tags[:] = [5] if name == "tag:5" else []


def test_a_run_that_another_one_replaced_does_nothing(service: Service) -> None:
    service.sandbox.powercode.fault("addCustomerService", "status_code")
    order = service.take()
    calls = service.sandbox.powercode.call_counts.total()
    service.execute(update(Order).values(run=7))
    service.write(service.services.work_queue.enqueue, "account", "a-late-one", "powercode", REF, 1)

    wait_for(lambda: not service.services.work_queue.is_going("a-late-one"))

    assert service.show(REF)["steps"] == order["steps"]
    assert service.sandbox.powercode.call_counts.total() == calls

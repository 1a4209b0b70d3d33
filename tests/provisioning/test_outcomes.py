"""A write to PowerCode ends in one of four ways; none of them makes anything twice, and none is left unfinished."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from app.models import Order, OrderStep
from app.provisioning import lifecycle, review, waking, workflow
from powercode import answers
from sandbox.accounts import Customer
from tests.conftest import Service, wait_for

REF = "UIA202411-001186"
SECOND_PLAN = 172
READ_TIMEOUT = 1.0
LATE = 1.5

WRITES = {
    "createCustomer": ("createCustomer", 1),
    "the first addCustomerService": ("addCustomerService", 1),
    "the second addCustomerService": ("addCustomerService", 2),
    "createTicket": ("createTicket", 1),
    "the first tag": ("POST customer/tags/customer", 1),
}
"""PowerCode's action, and which call of it."""

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
FIRST_PLAN = "the first addCustomerService"
LATE_FAULTS = [fault for fault, (kind, _) in UNKNOWN.items() if kind in ("slow", "stall")]


def each(write: str, *thorough: str) -> list[Any]:
    """Every fault of every write; those of the writes that are `thorough` only in the long run of the tests."""
    pairs = [(one, fault) for one in (write, *thorough) for fault in UNKNOWN]
    return [pytest.param(*pair, marks=[pytest.mark.sweep] if pair[0] in thorough else []) for pair in pairs]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that failed are repeated soon."""
    monkeypatch.setattr(workflow, "PAUSE_SECONDS", 0.01)


@contextmanager
def patience_for(service: Service, fault: str) -> Iterator[None]:
    """Where an answer is late, calls time out soon, and what became of them is looked up after it came."""
    if fault not in LATE_FAULTS:
        yield
        return
    with service.changed(pc_settle_seconds=LATE + READ_TIMEOUT), service.giving_up_after(READ_TIMEOUT):
        yield


def spoil(service: Service, write: str, kind: str, **args: Any) -> None:
    """Let one of the writes meet a fault."""
    action, which = WRITES[write]
    if which > 1:
        service.sandbox.powercode.fault(action, "slow", times=which - 1, seconds=0)
    service.sandbox.powercode.fault(action, kind, **args)


def ended(service: Service, *states: str) -> dict[str, Any]:
    """The order once it needs nobody's patience any more (or is in one of `states`)."""
    wanted = states or ("completed", "needs_review", "exists")

    def look() -> bool:
        waking.wake_due_orders(service.services)
        return service.state(REF) in wanted

    wait_for(look)
    return service.show(REF)


def resume(service: Service, **decision: Any) -> None:
    """What `orders resume` does."""
    with service.services.database.write() as session:
        review.resume(service.services, session, REF, "office", **decision)


def the_customer(service: Service) -> Customer:
    """The one customer there is."""
    (customer,) = service.sandbox.powercode.customers.values()
    return customer


def everything_once(service: Service) -> bool:
    """Whether the account is whole, and nothing in it double."""
    customer = the_customer(service)
    return (
        [each.service_id for each in customer.services] == [163, SECOND_PLAN]
        and len(customer.tickets) == 1
        and customer.tags == [5, 9]
    )


def one_mail(service: Service, subject: str) -> bool:
    """Whether exactly one such notice arrived."""
    return len(service.notices(subject)) == 1


def a_person_looks(service: Service, write: str) -> dict[str, bool]:
    """The honest answer to the question whether the write is there."""
    wait_for(lambda: all(call.ended for call in service.sandbox.powercode.calls if call.fault != "stall"))
    customer = the_customer(service)
    added = [each.service_id for each in customer.services]
    there = {
        "the first addCustomerService": 163 in added,
        "the second addCustomerService": SECOND_PLAN in added,
        "createTicket": bool(customer.tickets),
    }
    return {"it_is_there" if there[write] else "it_is_not_there": True}


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
    known = service.sandbox.powercode.add_customer(
        firstName="Ada", lastName="Lind", physicalStreet="12 N EXAMPLE AVENUE", customerNotes="Order# UIA202411-0011861"
    )

    order = ended(service)

    assert (order["state"], order["problem"]) == ("needs_review", "look_alike")
    assert [each["action"] for each in order["actions"]] == ["customer", "new_customer", "dismiss"]
    assert list(service.sandbox.powercode.customers.values()) == [known]


@pytest.mark.parametrize(
    ("decision", "customers"), [({"customer_id": "1001"}, 1), ({"new_customer": True}, 2)], ids=["ours", "not ours"]
)
def test_a_person_tells_whether_the_customer_who_looks_like_ours_is_ours(
    service: Service, decision: dict[str, Any], customers: int
) -> None:
    service.sandbox.powercode.fault("createCustomer", "reset")
    service.take()
    service.sandbox.powercode.add_customer(firstName="Ada", lastName="Lind", physicalStreet="12 N EXAMPLE AVENUE")
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


# Refused


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
    service.sandbox.powercode.add_customer(
        firstName="Ada", lastName="Lind", physicalStreet="12 N EXAMPLE AVENUE", extAccountID="714780"
    )

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


# Never arrived


@pytest.mark.parametrize("write", WRITES)
def test_too_many_requests_is_tried_again(service: Service, write: str) -> None:
    action, _ = WRITES[write]
    spoil(service, write, "http", status=429, times=2)

    service.take()

    assert ended(service)["state"] == "completed"
    assert everything_once(service)
    assert service.sandbox.powercode.count(action) >= 3


@pytest.mark.parametrize("write", WRITES)
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


@pytest.mark.parametrize("step", ["create_customer", "plan:163", "ticket", "tag:5"])
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
    with service.services.database.write() as session:
        session.scalars(select(Order)).one().run = 7
        service.services.work_queue.enqueue(session, "account", "a-late-one", "powercode", REF, 1)

    wait_for(lambda: not service.services.work_queue.is_going("a-late-one"))

    assert service.show(REF)["steps"] == order["steps"]
    assert service.sandbox.powercode.call_counts.total() == calls

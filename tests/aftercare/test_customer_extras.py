"""More for a customer who exists: each thing once, and where nobody knows, a person is asked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

import powercode
from app.aftercare import customer_extras, unknown_writes, writes
from app.aftercare.write_kinds import KINDS
from app.aftercare.writes import WriteKind
from app.models import CustomerWrite, Order, OrderState, StepState, now
from app.provisioning import review
from app.provisioning.written_parts import newest_write
from sandbox.accounts import Customer
from tests.conftest import Service
from tests.provisioning.decisions_made import ADA, resume

THINGS = [
    (customer_extras.PLAN, {"service_id": "164"}, "addCustomerService"),
    (customer_extras.TICKET, {"summary": "A visit", "text": "We come\nat nine.\n\nBye <b>"}, "createTicket"),
    (customer_extras.TAG, {"tag_id": "9"}, "POST customer/tags/customer"),
    (customer_extras.PORTAL_NAME, {"name": "grace"}, "updateCustomer"),
]
each = pytest.mark.parametrize(("kind", "content", "action"), THINGS, ids=[kind.code for kind, _, _ in THINGS])


def someone(service: Service) -> Customer:
    return service.sandbox.powercode.add_customer()


def seen_now(service: Service) -> int:
    return service.read(newest_write, "1001")


def give(
    service: Service, kind: WriteKind, content: dict[str, str], *, seen: int | None = None, again: bool = False
) -> CustomerWrite | None:
    at = seen_now(service) if seen is None else seen
    return customer_extras.give(service.services, kind, "1001", content, "Stan Staff", seen=at, again=again)


def counted(customer: Customer) -> tuple[int, int, int, str]:
    name = customer.fields["customerPortalUsername"]
    return len(customer.services), len(customer.tickets), len(customer.tags), name


@each
def test_one_page_writes_once_however_often_it_is_clicked(
    service: Service, kind: WriteKind, content: dict[str, str], action: str
) -> None:
    customer, before = someone(service), seen_now(service)

    write = give(service, kind, content, seen=before)
    assert give(service, kind, content, seen=before) is None

    assert write is not None
    assert (write.state, write.customer_id) == (StepState.DONE, "1001")
    assert service.sandbox.powercode.count(action) == 1
    plans, tickets, tags, name = counted(customer)
    assert plans + tickets + tags + (name == "grace") == 1


def test_a_ticket_s_text_is_mailed_as_it_was_written(service: Service) -> None:
    customer = someone(service)

    give(service, *THINGS[1][:2])

    assert customer.tickets[0].fields["description"] == "<p>We come<br>at nine.</p><p>Bye &lt;b&gt;</p>"
    assert customer.tickets[0].fields["summary"] == "A visit"


@pytest.mark.parametrize("index", [0, 1])
def test_the_same_once_more_has_to_be_meant(service: Service, index: int) -> None:
    customer = someone(service)
    kind, content, _ = THINGS[index]
    give(service, kind, content)
    with pytest.raises(customer_extras.AlreadyThere, match="got just this"):
        give(service, kind, content)

    assert give(service, kind, content, again=True) is not None

    assert sum(counted(customer)[:2]) == 2


@pytest.mark.parametrize("index", [2, 3])
def test_what_is_there_once_at_most_can_be_written_again(service: Service, index: int) -> None:
    """A tag that somebody took off in PowerCode, or a name that was changed there: writing it twice changes nothing."""
    someone(service)
    kind, content, action = THINGS[index]
    for _ in range(2):
        write = give(service, kind, content)
        assert write is not None
        assert write.state == StepState.DONE

    assert service.sandbox.powercode.count(action) == 2


def test_a_tag_of_unknown_outcome_is_looked_up_and_nobody_is_told_to_say_it(service: Service) -> None:
    someone(service)
    service.sandbox.powercode.fault("POST customer/tags/customer", "no_answer")
    give(service, *THINGS[2][:2])

    with pytest.raises(customer_extras.AlreadyThere, match="it is being looked up"):
        give(service, *THINGS[2][:2])


def test_a_plan_that_an_order_added_has_to_be_meant_too(service: Service) -> None:
    service.take("UIA202411-001186", plan="1 Gbps")

    with pytest.raises(customer_extras.AlreadyThere):
        give(service, customer_extras.PLAN, {"service_id": "164"})

    assert give(service, customer_extras.PLAN, {"service_id": "163"}) is not None


@pytest.mark.parametrize("fault", ["no_answer", "reset"])
@pytest.mark.parametrize("index", [0, 1])
def test_an_unknown_outcome_asks_and_nothing_is_sent_before(service: Service, index: int, fault: str) -> None:
    someone(service)
    kind, content, action = THINGS[index]
    service.sandbox.powercode.fault(action, fault)

    write = give(service, kind, content)

    assert write is not None
    assert (write.state, write.asks) == (StepState.UNKNOWN, True)
    for again in (False, True):
        with pytest.raises(customer_extras.AlreadyThere, match="nobody knows"):
            give(service, kind, content, again=again)
    assert service.write(writes.answer, KINDS, write.id, "Stan Staff", is_there=False) is not None
    assert give(service, kind, content) is not None
    assert service.sandbox.powercode.count(action) == 2


@pytest.mark.parametrize(
    ("fault", "tells", "became"),
    [
        ("no_answer", True, StepState.DONE),
        ("reset", True, StepState.NEVER_ARRIVED),
        ("no_answer", False, StepState.UNKNOWN),
    ],
)
@pytest.mark.parametrize("index", [2, 3])
def test_what_can_be_looked_up_is_and_otherwise_a_person_is_asked(
    service: Service, index: int, fault: str, tells: bool, became: StepState
) -> None:
    someone(service)
    kind, content, action = THINGS[index]
    service.sandbox.powercode.fault(action, fault)
    write = give(service, kind, content)
    assert write is not None
    assert (write.state, write.asks) == (StepState.UNKNOWN, False)
    if not tells and index == 2:
        became = StepState.DONE  # tags are always told
    if not tells:
        service.sandbox.powercode.record_tells = ()
        service.sandbox.powercode.record_shape = "nested"

    settled(service)

    with service.services.database.read() as session:
        row = session.get_one(CustomerWrite, write.id)
        assert (row.state, row.asks) == (became, became == StepState.UNKNOWN)
    assert service.sandbox.powercode.count(action) == 1


def settled(service: Service) -> None:
    service.execute(update(CustomerWrite).values(sent_at=now() - timedelta(minutes=5)))
    unknown_writes.settle(service.services)


class ProcessDied(BaseException):
    """SIGKILL at a place in the code: nothing after it is done."""


@pytest.mark.parametrize("thing", THINGS, ids=[kind.code for kind, _, _ in THINGS])
@pytest.mark.parametrize("fault", ["no_answer", "reset"])
def test_a_process_that_dies_while_it_writes_doubles_and_loses_nothing(
    service: Service, thing: tuple[WriteKind, dict[str, str], str], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, (kind, content, action) = someone(service), thing

    def die(_services: object, send: Callable[[], object]) -> object:
        service.sandbox.powercode.fault(action, fault)
        with pytest.raises(powercode.OutcomeUnknown):
            send()
        raise ProcessDied

    monkeypatch.setattr(writes, "outcome_of", die)
    with pytest.raises(ProcessDied):
        give(service, kind, content)
    monkeypatch.undo()
    with pytest.raises(customer_extras.AlreadyThere):
        give(service, kind, content, again=True)

    settled(service)

    done = fault == "no_answer"
    (write,) = service.read(writes.of_customer, "1001")
    looked_up = StepState.DONE if done else StepState.NEVER_ARRIVED
    assert write.state == (looked_up if kind.is_there else StepState.UNKNOWN)
    assert service.sandbox.powercode.count(action) == 1
    plans, tickets, tags, name = counted(customer)
    assert plans + tickets + tags + (name == "grace") == int(done)


def test_what_an_order_does_between_look_and_intent_counts(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    someone(service)
    carry_out = writes.carry_out

    def late(*arguments: Any) -> CustomerWrite | None:
        service.add(Order(orderref="UIA-1", state=OrderState.WAITING, customer_id="1001"))
        return carry_out(*arguments)

    monkeypatch.setattr(writes, "carry_out", late)

    with pytest.raises(customer_extras.AlreadyThere, match="UIA-1"):
        give(service, customer_extras.PLAN, {"service_id": "164"})
    assert service.sandbox.powercode.count("addCustomerService") == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("answer", "fault", "plans"),
    [("it_is_there", None, 1), ("it_is_there", "no_answer", 1), ("it_is_not_there", None, 2)],
)
def test_an_order_that_goes_on_with_a_customer_bills_no_plan_twice_that_somebody_gave_them(
    service: Service, answer: str, fault: str | None, plans: int
) -> None:
    known = service.sandbox.powercode.add_customer(**ADA)
    if fault:
        service.sandbox.powercode.fault("addCustomerService", fault)
    give(service, customer_extras.PLAN, {"service_id": "164"})
    order = service.take(plan="1 Gbps")
    assert order["state"] == "exists"

    resume(service, order["orderref"], customer_id="1001")

    asked = service.rested(order["orderref"], "needs_review")
    assert (asked["problem"], len(known.services)) == ("outcome_unknown", 1)
    assert "Stan Staff gave customer 1001 the plan 1 Gbps (164) apart from this order" in asked["reason"]
    resume(service, order["orderref"], **{answer: True})
    service.rested(order["orderref"], "completed")
    assert [each.service_id for each in known.services] == [164] * plans


@pytest.mark.parametrize(("kind", "content"), [each[:2] for each in THINGS[:2]], ids=["plan", "ticket"])
def test_an_order_that_goes_on_adds_its_own_and_nobody_gives_the_same_beside_it(
    service: Service, kind: WriteKind, content: dict[str, str]
) -> None:
    service.sandbox.powercode.fault("addCustomerService", "status_code", message="The plan is retired")
    stopped = service.take()
    assert (stopped["state"], stopped["customer_id"]) == ("needs_review", "1001")

    with pytest.raises(customer_extras.AlreadyThere, match=stopped["orderref"]):
        give(service, kind, content)

    service.act(review.dismiss, stopped["orderref"], "Stan Staff", "by hand")
    assert give(service, kind, content) is not None

"""Made, but not billing: the status is read back until it is Active, and a person's activation happens once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import pytest
from sqlalchemy import update

import powercode
from app.aftercare import activation, settling, statuses, writes
from app.aftercare.kinds import KINDS
from app.aftercare.overview import overview
from app.aftercare.routers import router_in
from app.models import Billing, CustomerStatus, CustomerWrite, Order, OrderState, RouterSeen, StepState, System, now
from app.remote import breaker
from tests.aftercare.stopping import stopping
from tests.conftest import Service
from utopia import AccessPortal

REF = "UIA202411-001186"
MAC = "00:00:5E:00:53:1A"


def made(service: Service, status: str = "Not Active", orderref: str = REF) -> str:
    """A customer whom an order made an hour ago, read once; their number."""
    service.sandbox.powercode.status_when_made = status
    order = service.take(orderref)
    with service.services.database.write() as session:
        session.execute(update(Order).values(finished_at=now() - timedelta(hours=2)))
    read(service)
    return str(order["customer_id"])


def read(service: Service) -> int:
    """Everybody whose time has come is read."""
    statuses.take_up(service.services)
    return statuses.read_due(service.services)


def listed(service: Service) -> list[tuple[str, str, str]]:
    """Who is not active yet: order, status and router."""
    with service.services.database.read() as session:
        return [(one.order.orderref, one.status.status, one.status.router) for one in statuses.inactive(session)]


def status_of(service: Service, customer_id: str) -> CustomerStatus:
    with service.services.database.read() as session:
        return session.get_one(CustomerStatus, customer_id)


def activate(service: Service, by: str = "Stan Staff", seen: int = 0) -> CustomerWrite | None:
    with service.services.database.read() as session:
        one = statuses.of_order(session, REF)
    assert one is not None
    return activation.activate(service.services, one, by, seen)


def write_of(service: Service, write: CustomerWrite | None) -> CustomerWrite:
    assert write is not None
    with service.services.database.read() as session:
        return session.get_one(CustomerWrite, write.id)


def in_powercode(service: Service, customer_id: str) -> str:
    return service.sandbox.powercode.customers[int(customer_id)].status


# Reading


@pytest.mark.parametrize("shape", ["nested", "flat"])
@pytest.mark.parametrize("status", ["Not Active", "Pending", "not active"])
def test_a_customer_who_is_not_active_is_listed_with_the_router(
    service: Service, shape: Literal["nested", "flat"], status: str
) -> None:
    service.sandbox.powercode.record_shape = shape
    made(service, status)

    assert listed(service) == [(REF, status, RouterSeen.SEEN)]


@pytest.mark.parametrize("status", ["Active", "ACTIVE", "Delinquent"])
def test_a_customer_who_is_billed_is_read_once_and_never_again(service: Service, status: str) -> None:
    customer_id = made(service, status)

    assert status_of(service, customer_id).billing == Billing.ACTIVE
    assert listed(service) == []
    assert service.sandbox.utopia.count("apview") == 0
    with service.services.database.write() as session:
        statuses.ask(session)
    assert read(service) == 0


def test_somebody_is_read_again_a_day_later_and_then_leaves_the_list(service: Service) -> None:
    customer_id = made(service)
    assert read(service) == 0
    service.sandbox.powercode.customers[int(customer_id)].status = "Active"
    with service.services.database.write() as session:
        session.execute(update(CustomerStatus).values(next_read_at=now()))

    assert read(service) == 1

    assert listed(service) == []


def test_a_customer_without_a_status_is_can_t_tell_and_not_all_is_well(service: Service) -> None:
    customer_id = made(service)
    del service.sandbox.powercode.customers[int(customer_id)]
    with service.services.database.write() as session:
        statuses.ask(session)
    read(service)

    assert status_of(service, customer_id).billing == Billing.CANT_TELL
    assert listed(service) == [(REF, "", RouterSeen.SEEN)]


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ({"result": [{"eth": {"eth1": {"macs": [f"{MAC} (dynamic)"]}}}]}, (RouterSeen.SEEN, MAC)),
        ({"result": [{"eth": {"eth1": {"macs": []}}}]}, (RouterSeen.NOT_SEEN, None)),
        ({"result": [{"eth": {"eth1": {}}}]}, (RouterSeen.CANT_TELL, None)),
        ({"result": [{"eth": {"eth1": {"macs": [""]}}}]}, (RouterSeen.CANT_TELL, None)),
        ({"status": "success", "ports": []}, (RouterSeen.CANT_TELL, None)),
        ([], (RouterSeen.CANT_TELL, None)),
    ],
)
def test_a_router_is_seen_or_not_only_where_its_place_is_known(content: object, seen: object) -> None:
    assert router_in(AccessPortal(action="apview", content=content)) == seen


@pytest.mark.parametrize(
    ("routers", "seen"), [("none", RouterSeen.NOT_SEEN), ("other", RouterSeen.CANT_TELL), ("seen", RouterSeen.SEEN)]
)
def test_the_router_is_told_as_the_portal_shows_it(
    service: Service, routers: Literal["none", "other", "seen"], seen: RouterSeen
) -> None:
    service.sandbox.utopia.routers = routers
    made(service)

    assert listed(service) == [(REF, "Not Active", seen)]


def test_utopia_that_is_down_keeps_nobody_from_being_listed(service: Service) -> None:
    service.sandbox.utopia.fault("apview", "http", status=502)
    made(service)

    assert listed(service) == [(REF, "Not Active", RouterSeen.CANT_TELL)]


def test_a_customer_who_breaks_the_call_keeps_no_other_from_being_read(service: Service) -> None:
    with service.services.database.write() as session:
        for number in range(5):
            order = Order(orderref=f"UIA-{number}", state=OrderState.COMPLETED, customer_id=str(1001 + number))
            order.finished_at = now() - timedelta(days=1)
            session.add(order)
    for _ in range(5):
        service.sandbox.powercode.add_customer(status="Not Active")
    service.sandbox.powercode.fault("readCustomer", "garbage", times=1)

    read(service)

    assert len(listed(service)) == 4
    service.sandbox.powercode.fault("readCustomer", "garbage", times=None)
    with service.services.database.write() as session:
        statuses.ask(session)
    assert read(service) == statuses.ENOUGH_FAILURES
    assert len(listed(service)) == 4, "what was known stays"


def test_nobody_is_read_while_an_order_is_at_work_in_powercode(service: Service) -> None:
    made(service)
    with service.services.database.write() as session:
        statuses.ask(session)
        session.add(Order(orderref="UIA-2", state=OrderState.RUNNING, stage="account"))

    assert read(service) == 0


def test_those_who_were_read_stay_read_when_the_process_dies_amid_a_batch(service: Service) -> None:
    people(service, 3)
    before = service.sandbox.powercode.on_call

    def dies_at_the_third(_call: object, moment: str) -> None:
        if moment == "arrived" and service.sandbox.powercode.count("readCustomer") == 3:
            with service.services.database.read() as session:
                read_by_now.append(statuses.count(session))

    read_by_now: list[int] = []
    service.sandbox.powercode.on_call = dies_at_the_third
    try:
        assert read(service) == 3
    finally:
        service.sandbox.powercode.on_call = before
    assert read_by_now == [2]


def test_a_stop_waits_for_no_batch(service: Service) -> None:
    people(service, 3)
    with stopping():
        assert read(service) == 0

    assert read(service) == 3


def test_utopia_is_not_asked_for_routers_while_it_is_down(service: Service) -> None:
    people(service, 2)
    with service.services.database.write() as session:
        breaker.report_down(session, System.UTOPIA, "no answer", (60.0,))

    assert read(service) == 2

    assert service.sandbox.utopia.count("apview") == 0
    assert {router for _, _, router in listed(service)} == {RouterSeen.CANT_TELL}


def test_switched_off_nothing_counts(service: Service) -> None:
    people(service, 2)
    read(service)
    for setting, counts in (("show", 2), ("off", 0)):
        with service.changed(activation=setting), service.services.database.read() as session:
            assert overview(session, service.services.settings, now()).inactive == counts


def test_switched_off_nothing_is_read(service: Service) -> None:
    with service.changed(activation="off"):
        made(service)
        assert read(service) == 0
    assert service.sandbox.utopia.count("apview") == 0


@pytest.mark.sweep
def test_a_thousand_customers_are_read_back_one_call_at_a_time(service: Service) -> None:
    most = Most()
    before = service.sandbox.powercode.on_call
    service.sandbox.powercode.on_call = service.sandbox.utopia.on_call = most.count
    people(service, 1000)
    try:
        while read(service):
            pass
    finally:
        service.sandbox.powercode.on_call = service.sandbox.utopia.on_call = before
    assert service.sandbox.powercode.count("readCustomer") == 1000
    assert most.at_once <= 2
    with service.services.database.read() as session:
        assert statuses.count(session) == 1000


class Most:
    """How many calls were under way at once."""

    def __init__(self) -> None:
        self.at_once = self._now = 0
        self._lock = threading.Lock()

    def count(self, _call: object, moment: str) -> None:
        with self._lock:
            self._now += {"arrived": 1, "answered": -1}.get(moment, 0)
            self.at_once = max(self.at_once, self._now)


def people(service: Service, count: int) -> None:
    """So many customers of completed orders who are not active."""
    long_ago = now() - timedelta(days=2)
    with service.services.database.write() as session:
        for number in range(count):
            made_by = {"state": OrderState.COMPLETED, "customer_id": str(1001 + number), "finished_at": long_ago}
            session.add(Order(orderref=f"UIA-{number}", site_id="1", **made_by))
    for _ in range(count):
        service.sandbox.powercode.add_customer(status="Not Active")


# Activating


def test_activating_sets_the_status_once_and_reads_it_back(service: Service) -> None:
    customer_id = made(service)

    write = activate(service)

    assert write is not None
    assert (write.state, write.made_by, write.customer_id) == (StepState.DONE, "Stan Staff", customer_id)
    assert in_powercode(service, customer_id) == "Active"
    assert listed(service) == []
    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


def test_two_who_activate_at_once_do_it_once(service: Service) -> None:
    made(service)
    with service.services.database.read() as session:
        one = statuses.of_order(session, REF)
    assert one is not None

    assert activation.activate(service.services, one, "Stan Staff", 0) is not None
    assert activation.activate(service.services, one, "Ada Administrator", 0) is None

    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


def test_a_refusal_leaves_the_customer_in_the_list_and_can_be_tried_again(service: Service) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "status_code", message="Invalid status")

    write = activate(service)

    assert write is not None
    assert (write.state, write.said) == (StepState.REFUSED, "Invalid status")
    assert listed(service) == [(REF, "Not Active", RouterSeen.SEEN)]
    again = activate(service, seen=write.id)
    assert again is not None
    assert in_powercode(service, customer_id) == "Active"


@pytest.mark.parametrize(
    ("fault", "arguments", "became", "status"),
    [
        ("no_answer", {}, StepState.DONE, "Active"),
        ("garbage", {"processed": True}, StepState.DONE, "Active"),
        ("reset", {}, StepState.NEVER_ARRIVED, "Not Active"),
        ("status_code", {"message": "Lock wait timeout exceeded"}, StepState.NEVER_ARRIVED, "Not Active"),
    ],
)
def test_an_unknown_outcome_is_settled_by_reading_the_status(
    service: Service, fault: str, arguments: dict[str, Any], became: StepState, status: str
) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", fault, **arguments)
    write = activate(service)
    assert write is not None
    assert write.state == StepState.UNKNOWN

    settled(service, write)

    assert write_of(service, write).state == became
    assert in_powercode(service, customer_id) == status
    assert service.sandbox.powercode.count("updateCustomerStatus") == 1, "nothing is sent again by itself"


def settled(service: Service, write: CustomerWrite) -> None:
    """What a look finds once a request can't be on its way any more."""
    with service.services.database.write() as session:
        session.execute(update(CustomerWrite).filter_by(id=write.id).values(sent_at=now() - timedelta(minutes=5)))
    settling.settle(service.services)


def test_nothing_is_sent_again_while_nobody_knows_what_became_of_the_first(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "reset")
    write = activate(service)
    assert write is not None

    assert activate(service, seen=write.id) is None

    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


def test_what_is_not_active_yet_is_not_taken_for_lost_too_early(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "reset")
    write = activate(service)
    with service.changed(pc_settle_seconds=60):
        settling.settle(service.services)

    assert write_of(service, write).state == StepState.UNKNOWN


def test_powercode_that_is_down_is_looked_at_again(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activate(service)
    assert write is not None
    service.sandbox.powercode.fault("readCustomer", "reset", times=1)
    settled(service, write)
    assert write_of(service, write).state == StepState.UNKNOWN

    with service.services.database.write() as session:
        session.execute(update(CustomerWrite).values(next_look_at=now()))
    settling.settle(service.services)

    assert write_of(service, write).state == StepState.DONE


def test_who_is_learnt_later_to_be_active_is_read_again_at_once(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    service.sandbox.powercode.fault("readCustomer", "reset")
    write = activate(service)
    assert write is not None
    with service.services.database.write() as session:
        session.execute(update(CustomerStatus).values(next_read_at=now() + timedelta(hours=20)))
    settled(service, write)
    assert write_of(service, write).state == StepState.DONE

    assert read(service) == 1

    assert listed(service) == []


@pytest.mark.parametrize("looking", ["fails", "can't tell"])
def test_what_its_sender_tells_while_somebody_looks_stays(service: Service, looking: str) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activate(service)
    assert write is not None
    if looking == "fails":
        service.sandbox.powercode.fault("readCustomer", "reset")
    else:
        del service.sandbox.powercode.customers[int(customer_id)]
    before = service.sandbox.powercode.on_call

    def its_sender_tells(_call: object, moment: str) -> None:
        if moment == "arrived":
            with service.services.database.write() as session:
                writes.end(session, activation.ACTIVATE, write.id, StepState.REFUSED, "No", was_told=True)

    service.sandbox.powercode.on_call = its_sender_tells
    try:
        settled(service, write)
    finally:
        service.sandbox.powercode.on_call = before

    kept = write_of(service, write)
    assert (kept.state, kept.said, kept.asks) == (StepState.REFUSED, "No", False)


def test_a_record_without_a_status_makes_a_person_look(service: Service) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activate(service)
    assert write is not None
    del service.sandbox.powercode.customers[int(customer_id)]
    settled(service, write)
    with service.services.database.write() as session:
        assert [each.id for each in writes.in_doubt(session)] == [write.id]
        assert writes.answer(session, KINDS, write.id, "Stan Staff", is_there=True) is not None
        assert writes.answer(session, KINDS, write.id, "Ada Administrator", is_there=False) is None

    assert write_of(service, write).state == StepState.DONE


class ProcessDied(BaseException):
    """SIGKILL at a place in the code: nothing after it is done."""


MOMENTS = [("arrived", "Not Active", StepState.NEVER_ARRIVED), ("processed", "Active", StepState.DONE)]


@pytest.mark.parametrize(("moment", "status", "became"), MOMENTS)
def test_a_process_that_dies_while_it_activates_leaves_an_intent_that_is_settled(
    service: Service, moment: str, status: str, became: StepState, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id = made(service)
    monkeypatch.setattr(writes, "outcome_of", dying(service, moment))
    with pytest.raises(ProcessDied):
        activate(service)
    monkeypatch.undo()
    with service.services.database.read() as session:
        write = writes.named(session, f"activate:{customer_id}:0")
        assert (write.state, activation.under_way(session, customer_id)) == (StepState.RUNNING, write)
    settling.settle(service.services)
    assert write_of(service, write).state == StepState.RUNNING, "its process may still be at it"

    settled(service, write)

    assert write_of(service, write).state == became
    assert in_powercode(service, customer_id) == status
    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


def dying(service: Service, moment: str) -> Callable[..., object]:
    """Send, and die: PowerCode has done it, or not."""

    def die(_services: object, send: Callable[[], object]) -> object:
        service.sandbox.powercode.fault("updateCustomerStatus", "no_answer" if moment == "processed" else "reset")
        with pytest.raises(powercode.OutcomeUnknown):
            send()
        raise ProcessDied

    return die


def test_reading_back_never_delays_an_order(service: Service) -> None:
    people(service, 40)
    taken = []

    def order_comes(_call: object, moment: str) -> None:
        if moment == "arrived" and not taken:
            taken.append(service.order(REF, siteid="714780"))
            service.callback(REF)
            service.rested(REF)

    before = service.sandbox.utopia.on_call
    service.sandbox.utopia.on_call = order_comes
    try:
        assert read(service) == statuses.BATCH
    finally:
        service.sandbox.utopia.on_call = before

    assert service.state(REF) == OrderState.COMPLETED, "it was completed while a batch was being read"

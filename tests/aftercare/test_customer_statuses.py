"""Made, but not billing: the status and the router are read back until the customer is active."""

import threading
from datetime import timedelta
from typing import Literal

import pytest
from sqlalchemy import update

from app.aftercare import customer_statuses
from app.aftercare.open_counts import open_counts
from app.aftercare.routers import router_in
from app.models import Billing, CustomerStatus, Order, OrderState, RouterSeen, System, now
from app.remote import breaker
from tests.aftercare.made_customers import REF, listed, made, people, read
from tests.aftercare.stopping_service import stopping
from tests.conftest import Service
from tests.tools.everyday import everyday
from utopia import AccessPortal

MAC = "00:00:5E:00:53:1A"


def status_of(service: Service, customer_id: str) -> CustomerStatus:
    return service.get(CustomerStatus, customer_id)


@pytest.mark.parametrize("shape", ["nested", "flat"])
@pytest.mark.parametrize("status", everyday("Not Active", "Pending", "not active"))
def test_a_customer_who_is_not_active_is_listed_with_the_router(
    service: Service, shape: Literal["nested", "flat"], status: str
) -> None:
    service.sandbox.powercode.record_shape = shape
    made(service, status)

    assert listed(service) == [(REF, status, RouterSeen.SEEN)]


@pytest.mark.parametrize("status", everyday("Active", "ACTIVE", "Delinquent"))
def test_a_customer_who_is_billed_is_read_once_and_never_again(service: Service, status: str) -> None:
    customer_id = made(service, status)

    assert status_of(service, customer_id).billing == Billing.ACTIVE
    assert listed(service) == []
    assert service.sandbox.utopia.count("apview") == 0
    service.write(customer_statuses.ask)
    assert read(service) == 0


def test_somebody_is_read_again_a_day_later_and_then_leaves_the_list(service: Service) -> None:
    customer_id = made(service)
    assert read(service) == 0
    service.sandbox.powercode.customers[int(customer_id)].status = "Active"
    service.execute(update(CustomerStatus).values(next_read_at=now()))

    assert read(service) == 1

    assert listed(service) == []


def test_a_customer_without_a_status_is_can_t_tell_and_not_all_is_well(service: Service) -> None:
    customer_id = made(service)
    del service.sandbox.powercode.customers[int(customer_id)]
    service.write(customer_statuses.ask)
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
        ({"result": [{"eth": {"eth1": {"macs": ["none learned"]}}}]}, (RouterSeen.CANT_TELL, None)),
        ({"result": [{"eth": {"eth1": {"macs": [5]}}}]}, (RouterSeen.CANT_TELL, None)),
        ({"result": [{"eth": {"eth1": {"macs": ["00005E00531A x"]}}}]}, (RouterSeen.SEEN, "00005E00531A")),
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

    assert [status for _, status, _ in listed(service)] == ["", *["Not Active"] * 4]
    service.sandbox.powercode.fault("readCustomer", "garbage", times=None)
    service.write(customer_statuses.ask)
    assert read(service) == customer_statuses.ENOUGH_FAILURES
    assert [status for _, status, _ in listed(service)] == ["", *["Not Active"] * 4], "what was known stays"


def test_a_customer_who_could_never_be_read_is_listed_as_can_t_tell(service: Service) -> None:
    """They may not be billed, and nobody would look."""
    people(service, 1)
    service.sandbox.powercode.fault("readCustomer", "garbage")
    read(service)

    assert listed(service) == [("UIA-0", "", RouterSeen.CANT_TELL)]
    assert "no usable answer" in str(status_of(service, "1001").error)


def test_nobody_is_read_while_an_order_is_at_work_in_powercode(service: Service) -> None:
    made(service)
    service.write(customer_statuses.ask)
    service.add(Order(orderref="UIA-2", state=OrderState.RUNNING, stage="account"))

    assert read(service) == 0


def test_who_asks_again_and_again_has_everybody_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_statuses, "BATCH", 2)
    people(service, 4)
    for _ in range(2):
        service.write(customer_statuses.ask)
        assert read(service) == 2

    assert len(listed(service)) == 4


def test_those_who_were_read_stay_read_when_the_process_dies_amid_a_batch(service: Service) -> None:
    people(service, 3)
    before = service.sandbox.powercode.on_call

    def dies_at_the_third(_call: object, moment: str) -> None:
        if moment == "arrived" and service.sandbox.powercode.count("readCustomer") == 3:
            read_by_now.append(service.read(customer_statuses.count))

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
    service.write(breaker.report_down, System.UTOPIA, "no answer", (60.0,))

    assert read(service) == 2

    assert service.sandbox.utopia.count("apview") == 0
    assert {router for _, _, router in listed(service)} == {RouterSeen.CANT_TELL}


def test_switched_off_nothing_counts(service: Service) -> None:
    people(service, 2)
    read(service)
    for setting, counts in (("show", 2), ("off", 0)):
        with service.changed(activation=setting), service.services.database.read() as session:
            assert open_counts(session, service.services.settings, now()).inactive == counts


@pytest.mark.long
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
    assert service.read(customer_statuses.count) == 1000


class Most:
    """How many calls were under way at once."""

    def __init__(self) -> None:
        self.at_once = self._now = 0
        self._lock = threading.Lock()

    def count(self, _call: object, moment: str) -> None:
        with self._lock:
            self._now += {"arrived": 1, "answered": -1}.get(moment, 0)
            self.at_once = max(self.at_once, self._now)


@pytest.mark.long
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
        assert read(service) == customer_statuses.BATCH
    finally:
        service.sandbox.utopia.on_call = before

    assert service.state(REF) == OrderState.COMPLETED, "it was completed while a batch was being read"

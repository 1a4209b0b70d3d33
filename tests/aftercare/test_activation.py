"""A person's activation happens once; where its outcome is not known, the status in PowerCode settles it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

import powercode
from app.aftercare import activation, customer_statuses, unknown_writes, writes
from app.aftercare.write_kinds import KINDS
from app.models import CustomerStatus, CustomerWrite, RouterSeen, StepState, now
from tests.aftercare.made_customers import REF, listed, made, read
from tests.conftest import Service
from tests.tools.everyday import everyday


def activate(service: Service, by: str = "Stan Staff", seen: int = 0) -> CustomerWrite | None:
    one = service.read(customer_statuses.of_order, REF)
    assert one is not None
    return activation.activate(service.services, one, by, seen)


def activated(service: Service) -> CustomerWrite:
    write = activate(service)
    assert write is not None
    return write


def write_of(service: Service, write: CustomerWrite | None) -> CustomerWrite:
    assert write is not None
    return service.get(CustomerWrite, write.id)


def in_powercode(service: Service, customer_id: str) -> str:
    return service.sandbox.powercode.customers[int(customer_id)].status


@pytest.mark.long
def test_activating_sets_the_status_once_and_reads_it_back(service: Service) -> None:
    customer_id = made(service)

    write = activated(service)
    assert (write.state, write.made_by, write.customer_id) == (StepState.DONE, "Stan Staff", customer_id)
    assert in_powercode(service, customer_id) == "Active"
    assert listed(service) == []
    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


@pytest.mark.long
def test_two_who_activate_at_once_do_it_once(service: Service) -> None:
    made(service)
    one = service.read(customer_statuses.of_order, REF)
    assert one is not None

    assert activation.activate(service.services, one, "Stan Staff", 0) is not None
    assert activation.activate(service.services, one, "Ada Administrator", 0) is None

    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


def test_a_refusal_leaves_the_customer_in_the_list_and_can_be_tried_again(service: Service) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "status_code", message="Invalid status")

    write = activated(service)
    assert (write.state, write.said) == (StepState.REFUSED, "Invalid status")
    assert listed(service) == [(REF, "Not Active", RouterSeen.SEEN)]
    again = activate(service, seen=write.id)
    assert again is not None
    assert in_powercode(service, customer_id) == "Active"


@pytest.mark.parametrize(
    ("fault", "arguments", "became", "status"),
    everyday(
        ("no_answer", {}, StepState.DONE, "Active"),
        ("garbage", {"processed": True}, StepState.DONE, "Active"),
        ("reset", {}, StepState.NEVER_ARRIVED, "Not Active"),
        ("status_code", {"message": "Lock wait timeout exceeded"}, StepState.NEVER_ARRIVED, "Not Active"),
    ),
)
def test_an_unknown_outcome_is_settled_by_reading_the_status(
    service: Service, fault: str, arguments: dict[str, Any], became: StepState, status: str
) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", fault, **arguments)
    write = activated(service)
    assert write.state == StepState.UNKNOWN

    settled(service, write)

    assert write_of(service, write).state == became
    assert in_powercode(service, customer_id) == status
    assert service.sandbox.powercode.count("updateCustomerStatus") == 1, "nothing is sent again by itself"


def settled(service: Service, write: CustomerWrite) -> None:
    """What a look finds once a request can't be on its way any more."""
    service.execute(update(CustomerWrite).filter_by(id=write.id).values(sent_at=now() - timedelta(minutes=5)))
    unknown_writes.settle(service.services)


def test_nothing_is_sent_again_while_nobody_knows_what_became_of_the_first(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "reset")
    write = activated(service)

    assert activate(service, seen=write.id) is None

    assert service.sandbox.powercode.count("updateCustomerStatus") == 1


def test_what_is_not_active_yet_is_not_taken_for_lost_too_early(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "reset")
    write = activate(service)
    with service.changed(pc_settle_seconds=60):
        unknown_writes.settle(service.services)

    assert write_of(service, write).state == StepState.UNKNOWN


def test_powercode_that_is_down_is_looked_at_again(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activated(service)
    service.sandbox.powercode.fault("readCustomer", "reset", times=1)
    settled(service, write)
    assert write_of(service, write).state == StepState.UNKNOWN

    service.execute(update(CustomerWrite).values(next_look_at=now()))
    unknown_writes.settle(service.services)

    assert write_of(service, write).state == StepState.DONE


def test_who_is_learnt_later_to_be_active_is_read_again_at_once(service: Service) -> None:
    made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    service.sandbox.powercode.fault("readCustomer", "reset")
    write = activated(service)
    service.execute(update(CustomerStatus).values(next_read_at=now() + timedelta(hours=20)))
    settled(service, write)
    assert write_of(service, write).state == StepState.DONE

    assert read(service) == 1

    assert listed(service) == []


@pytest.mark.parametrize("looking", ["fails", "can't tell"])
def test_what_its_sender_tells_while_somebody_looks_stays(service: Service, looking: str) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activated(service)
    if looking == "fails":
        service.sandbox.powercode.fault("readCustomer", "reset")
    else:
        del service.sandbox.powercode.customers[int(customer_id)]
    before = service.sandbox.powercode.on_call

    def its_sender_tells(_call: object, moment: str) -> None:
        if moment == "arrived":
            service.write(writes.end, activation.ACTIVATE, write.id, StepState.REFUSED, "No", was_told=True)

    service.sandbox.powercode.on_call = its_sender_tells
    try:
        settled(service, write)
    finally:
        service.sandbox.powercode.on_call = before

    kept = write_of(service, write)
    assert (kept.state, kept.said, kept.asks) == (StepState.REFUSED, "No", False)


def test_a_write_that_breaks_its_look_up_keeps_no_other_from_being_settled(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    made(service)
    service.add(CustomerWrite(key="odd", kind="of another version", made_by="Stan", state=StepState.UNKNOWN))
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activated(service)

    settled(service, write)

    assert write_of(service, write).state == StepState.DONE
    assert "can't be settled" in caplog.text


def test_a_record_without_a_status_makes_a_person_look(service: Service) -> None:
    customer_id = made(service)
    service.sandbox.powercode.fault("updateCustomerStatus", "no_answer")
    write = activated(service)
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
        write = session.scalars(select(CustomerWrite).filter_by(key=f"activate:{customer_id}:0")).one()
        assert (write.state, activation.under_way(session, customer_id)) == (StepState.RUNNING, write)
    unknown_writes.settle(service.services)
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

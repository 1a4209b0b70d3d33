"""A case's two halves: UTOPIA's call goes out once, PowerCode's is a tick with the status read back."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

import utopia
from app.aftercare import case_halves, cases, unknown_writes, writes
from app.aftercare.case_kinds import CANCEL, CASE_KINDS, MESSAGE, NEW_TENANT, SPEED, SUSPEND
from app.aftercare.write_kinds import KINDS
from app.lookups import changes
from app.models import Case, CustomerWrite, EventKind, Outgoing, StepState, now
from tests.conftest import Service

REF = "UIA202411-001186"
DAY = date(2026, 12, 1)
ENTRIES = {"cid": "90001", "siteid": "714780", "issuedate": "2026-12-01"}


def opened(service: Service, code: str = "cancel", due_on: date = DAY) -> int:
    """A case about a customer whom an order made; its number."""
    service.take(REF)
    case = service.write(cases.open_case, CASE_KINDS[code], by="Stan Staff", due_on=due_on, slot=REF, orderref=REF)
    assert case is not None
    return case.id


def case_of(service: Service, case_id: int) -> Case:
    return service.get(Case, case_id)


def send(service: Service, case_id: int, seen: int = 0) -> CustomerWrite | None:
    return case_halves.send(service.services, case_id, "Ada Administrator", ENTRIES, seen)


def sent(service: Service, case_id: int) -> CustomerWrite:
    write = service.read(case_halves.last_sent, case_id)
    assert write is not None
    return write


def in_powercode(service: Service, status: str) -> None:
    service.sandbox.powercode.customers[1001].status = status


def test_a_cancellation_is_over_when_both_halves_are_done(service: Service) -> None:
    case_id = opened(service)
    write = send(service, case_id)
    assert write is not None
    assert write.state == StepState.DONE
    assert (case_of(service, case_id).utopia_by, case_of(service, case_id).closed_at) == ("Ada Administrator", None)
    in_powercode(service, "Not Active")

    assert case_halves.tick_powercode(service.services, case_id, "Stan Staff")

    case = case_of(service, case_id)
    assert (case.powercode_by, case.status, case.closed_by) == ("Stan Staff", "Not Active", case_halves.BY_BOTH)
    (call,) = [each for each in service.sandbox.utopia.calls if each.action == "cancelservice"]
    assert call.fields == ENTRIES


def test_it_is_sent_once_whoever_clicks(service: Service) -> None:
    case_id = opened(service)

    assert send(service, case_id) is not None
    assert send(service, case_id) is None
    assert send(service, case_id, sent(service, case_id).id) is None

    assert service.sandbox.utopia.count("cancelservice") == 1


def test_an_unknown_outcome_asks_and_sends_nothing_before_the_answer(service: Service) -> None:
    case_id = opened(service)
    service.sandbox.utopia.fault("cancelservice", "no_answer")
    assert send(service, case_id) is not None
    doubtful = sent(service, case_id)
    assert (doubtful.state, doubtful.asks) == (StepState.UNKNOWN, True)
    assert send(service, case_id, doubtful.id) is None
    assert not service.write(case_halves.tick_utopia, case_id, "Stan Staff")
    assert service.write(writes.answer, KINDS, doubtful.id, "Stan Staff", is_there=True) is not None

    assert case_of(service, case_id).utopia_by == "Stan Staff"
    assert service.sandbox.utopia.count("cancelservice") == 1


@pytest.mark.parametrize("fault", ["refused", "not there"])
def test_what_was_not_done_can_be_sent_again(service: Service, fault: str) -> None:
    case_id = opened(service)
    if fault == "refused":
        service.sandbox.utopia.fault("cancelservice", "status_code", message="No such cid")
    else:
        service.sandbox.utopia.fault("cancelservice", "reset")
    send(service, case_id)
    first = sent(service, case_id)
    if fault == "not there":
        service.write(writes.answer, KINDS, first.id, "Stan Staff", is_there=False)

    again = send(service, case_id, first.id)

    assert again is not None
    assert again.state == StepState.DONE
    assert case_of(service, case_id).utopia_at is not None


class ProcessDied(BaseException):
    """SIGKILL at a place in the code: nothing after it is done."""


@pytest.mark.parametrize("fault", ["no_answer", "reset"])
def test_a_process_that_dies_while_it_sends_asks_and_sends_nothing_twice(
    service: Service, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = opened(service)

    def die(_services: object, send: Callable[[], object]) -> object:
        service.sandbox.utopia.fault("cancelservice", fault)
        with pytest.raises(utopia.OutcomeUnknown):
            send()
        raise ProcessDied

    monkeypatch.setattr(writes, "outcome_of", die)
    with pytest.raises(ProcessDied):
        send(service, case_id)
    monkeypatch.undo()
    assert send(service, case_id, sent(service, case_id).id) is None, "it may be on its way"
    service.execute(update(CustomerWrite).values(sent_at=now() - timedelta(minutes=5)))

    unknown_writes.settle(service.services)

    assert (sent(service, case_id).state, sent(service, case_id).asks) == (StepState.UNKNOWN, True)
    assert send(service, case_id, sent(service, case_id).id) is None
    assert service.sandbox.utopia.count("cancelservice") == 1
    assert [each.id for each in service.read(writes.in_doubt)] == [sent(service, case_id).id]


def test_a_customer_who_is_still_billed_keeps_the_case_open(service: Service) -> None:
    case_id = opened(service)
    assert service.write(case_halves.tick_utopia, case_id, "Stan Staff")

    assert case_halves.tick_powercode(service.services, case_id, "Stan Staff")

    case = case_of(service, case_id)
    assert case.closed_at is None
    assert "is still billed: their status is Active" in str(case_halves.disagreement(case, CANCEL, DAY))
    assert not case_halves.tick_powercode(service.services, case_id, "Ada Administrator")
    in_powercode(service, "Not Active")
    assert case_halves.read_status(service.services, case_id)
    assert case_of(service, case_id).closed_by == case_halves.BY_BOTH


def test_two_halves_close_no_case_of_which_nobody_read_the_status(service: Service) -> None:
    """PowerCode was down when somebody ticked: the customer may still be billed."""
    case_id = opened(service)
    case_halves.read_status(service.services, case_id)
    in_powercode(service, "Not Active")
    case_halves.read_status(service.services, case_id)
    service.sandbox.powercode.fault("readCustomer", "garbage")
    assert case_halves.tick_powercode(service.services, case_id, "Stan Staff")
    assert service.write(case_halves.tick_utopia, case_id, "Stan Staff")

    case = case_of(service, case_id)
    assert case.closed_at is None
    assert "nobody can tell whether the customer is still billed" in str(case_halves.disagreement(case, CANCEL, DAY))
    assert case_halves.read_status(service.services, case_id)
    assert case_of(service, case_id).closed_by == case_halves.BY_BOTH


def test_the_status_of_another_customer_is_none(service: Service) -> None:
    case_id = opened(service)
    other = {"statusCode": 0, "customer": {"customerId": "999", "status": "Not Active"}}
    service.sandbox.powercode.fault("readCustomer", "http", status=200, body=other)

    assert not case_halves.read_status(service.services, case_id)
    assert case_of(service, case_id).status is None


def test_where_no_status_can_be_read_two_halves_close_the_case(service: Service) -> None:
    about = {"by": "a rule", "due_on": DAY, "slot": "unknown", "orderref": "UIA202411-009999"}
    case = service.write(cases.open_case, CANCEL, **about)
    assert case is not None
    assert service.write(case_halves.tick_utopia, case.id, "Stan Staff")
    assert case_halves.tick_powercode(service.services, case.id, "Stan Staff")

    assert case_of(service, case.id).closed_by == case_halves.BY_BOTH


def test_a_case_that_came_before_its_account_finds_the_customer(service: Service) -> None:
    """UTOPIA cancels an order that waits for somebody; the account is made after that."""
    case = service.write(cases.open_case, CANCEL, by="a rule", due_on=DAY, slot=REF, orderref=REF)
    assert case is not None
    service.take(REF)
    with service.services.database.read() as session:
        assert cases.customer_of(session, session.get_one(Case, case.id)) == "1001"
    in_powercode(service, "Not Active")

    assert case_halves.tick_powercode(service.services, case.id, "Stan Staff")

    assert (case_of(service, case.id).status, case_of(service, case.id).customer_id) == ("Not Active", "1001")


def test_powercode_that_does_not_answer_keeps_nobody_from_ticking(service: Service) -> None:
    case_id = opened(service)
    service.sandbox.powercode.fault("readCustomer", "garbage")

    assert case_halves.tick_powercode(service.services, case_id, "Stan Staff")

    assert (case_of(service, case_id).status, case_of(service, case_id).closed_at) == (None, None)
    service.sandbox.powercode.fault("readCustomer", "garbage")
    assert not case_halves.read_status(service.services, case_id)


@pytest.mark.parametrize(
    ("utopia_done", "powercode_done", "days_later", "says"),
    [
        (True, False, 0, None),
        (True, False, 1, "done at UTOPIA and not in PowerCode"),
        (False, True, 1, "done in PowerCode and not at UTOPIA"),
        (False, False, 9, None),
        (True, True, 9, None),
    ],
)
def test_halves_that_disagree_after_their_day_are_told(
    utopia_done: bool, powercode_done: bool, days_later: int, says: str | None
) -> None:
    case = Case(due_on=DAY, utopia_at=now() if utopia_done else None, powercode_at=now() if powercode_done else None)

    told = case_halves.disagreement(case, SUSPEND, DAY + timedelta(days=days_later))

    assert told is None if says is None else says in str(told)


@pytest.mark.parametrize(
    ("kind", "status", "fits"),
    [
        (CANCEL, "Active", False),
        (CANCEL, "Delinquent", False),
        (CANCEL, "Not Active", True),
        (CANCEL, "", True),
        (NEW_TENANT, "Active", False),
        (SPEED, "Active", True),
        (SPEED, "Not Active", False),
        (SUSPEND, "Active", True),
        (SUSPEND, "Suspended", True),
        (MESSAGE, "Active", True),
    ],
)
def test_a_status_that_tells_otherwise_is_told_at_once(kind: object, status: str, fits: bool) -> None:
    case = Case(due_on=DAY, powercode_at=now(), status=status)

    assert (case_halves.disagreement(case, kind, date.min) is None) == fits  # type: ignore[arg-type]


def test_the_same_case_is_open_once(service: Service) -> None:
    case_id = opened(service)
    again = {"by": "Stan Staff", "due_on": DAY, "slot": REF, "orderref": REF}
    with service.services.database.write() as session:
        assert cases.open_case(session, CANCEL, **again) is None
        assert cases.open_case(session, SUSPEND, **again) is not None
        assert cases.close(session, case_id, "Stan Staff", "They stay")
        assert cases.open_case(session, CANCEL, **again) is not None

    assert len(service.rows(select(Case))) == 3


def test_other_systems_are_told_once_that_a_case_is_due(service: Service) -> None:
    case_id = opened(service, due_on=cases.today(service.services))
    service.write(cases.open_case, CANCEL, by="Stan", due_on=date(2099, 1, 1), slot="later", customer_id="1001")
    assert cases.tell_of_due(service.services) == 0, "nobody wants events"

    with service.changed(events_url="http://127.0.0.1:9/events"):
        assert [cases.tell_of_due(service.services) for _ in range(2)] == [1, 1]

    (event,) = service.rows(select(Outgoing).filter_by(kind=EventKind.CASE_DUE))
    assert event.content["case"]["id"] == case_id
    assert event.content["links"]["case"].endswith(f"/console/aftercare/cases/{case_id}")


def test_a_case_that_is_closed_between_look_and_intent_sends_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = opened(service)
    carry_out = writes.carry_out

    def late(*arguments: Any) -> CustomerWrite | None:
        service.write(cases.close, case_id, "Stan Staff", "They stay")
        return carry_out(*arguments)

    monkeypatch.setattr(writes, "carry_out", late)

    assert send(service, case_id) is None
    assert service.sandbox.utopia.count("cancelservice") == 0


def by_hand(service: Service, key: str = "typed once") -> bool:
    """The same cancellation from the page of changes."""
    change, by = case_halves.change_of(CANCEL), "Ada Administrator"
    return changes.carry_out(service.services, change, ENTRIES, key, by=by, whom="Ada Lind")


@pytest.mark.parametrize("fault", [None, "no_answer"])
def test_what_was_sent_from_the_page_of_changes_no_case_sends_again(service: Service, fault: str | None) -> None:
    case_id = opened(service)
    if fault:
        service.sandbox.utopia.fault("cancelservice", fault)
    assert by_hand(service)

    assert send(service, case_id) is None

    assert service.sandbox.utopia.count("cancelservice") == 1
    assert service.write(case_halves.tick_utopia, case_id, "Stan Staff"), "a person says that it is done"


@pytest.mark.parametrize("fault", [None, "no_answer"])
def test_the_page_of_changes_knows_what_a_case_sent(service: Service, fault: str | None) -> None:
    case_id, change = opened(service), case_halves.change_of(CANCEL)
    assert changes.sent_before(service.services, change, ENTRIES) is None
    if fault:
        service.sandbox.utopia.fault("cancelservice", fault)
    send(service, case_id)

    earlier = changes.sent_before(service.services, change, ENTRIES)

    assert earlier is not None
    assert (earlier.case_id, earlier.outcome) == (case_id, StepState.UNKNOWN if fault else StepState.DONE)
    assert changes.sent_before(service.services, change, {**ENTRIES, "cid": "90002"}) is None
    assert [call.case_id for call in service.read(changes.calls_of_cases)] == [case_id]


def test_two_cases_of_one_cancellation_send_it_once(service: Service) -> None:
    by_hand = opened(service)
    case = service.write(
        cases.open_case, CASE_KINDS["cancel"], by="a rule", due_on=DAY, slot="a callback", orderref=REF
    )
    assert case is not None
    by_rule = case.id

    assert send(service, by_hand) is not None
    assert send(service, by_rule) is None

    assert service.sandbox.utopia.count("cancelservice") == 1

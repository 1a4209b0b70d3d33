"""UTOPIA's orders compared with ours: whatever shape the answer has, nobody takes "can't tell" for "all is well"."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Literal

import pytest
from sqlalchemy import Connection, event, func, select, update

from app.aftercare import missing_orders, reconciliation
from app.aftercare.open_counts import open_counts
from app.models import (
    MissingOrder,
    Notice,
    NoticeKind,
    Order,
    OrderDecision,
    Reconciliation,
    RunState,
    ScheduleMark,
    now,
)
from app.provisioning import review
from tests.aftercare.stopping_service import stopping
from tests.conftest import Service
from tests.tools.everyday import everyday

OURS, SECOND, THIRD = "UIA202411-001186", "UIA202411-001187", "UIA202411-001188"
SHAPES = ("rows", "nested", "keyed", "texts")


def compare(service: Service) -> Reconciliation:
    """A comparison that somebody asks for, carried out."""
    number = service.write(reconciliation.ask, "Stan Staff")
    reconciliation.carry_out(service.services, number)
    return service.get(Reconciliation, number)


def begun(service: Service) -> None:
    """The comparison that every installation begins with, when UTOPIA had one order."""
    service.take(OURS, siteid="714780")
    compare(service)


def never_called(service: Service, *orderrefs: str) -> None:
    """Orders that UTOPIA has, and of which it sends no callback."""
    for number, orderref in enumerate(orderrefs, start=1):
        service.order(orderref, siteid=str(714780 + number), firstname="Bo", address=f"{number} FAR LANE")


def missing(service: Service) -> None:
    """One order is missing."""
    begun(service)
    never_called(service, SECOND)
    compare(service)


def names(rows: Sequence[MissingOrder]) -> list[str]:
    return [row.orderref for row in rows]


def listed(service: Service) -> missing_orders.MissingOrderList:
    return service.read(missing_orders.listed)


@pytest.mark.parametrize("shape", everyday(*SHAPES))
def test_an_order_that_never_called_back_is_found_whatever_the_answer_s_shape(
    service: Service, shape: Literal["rows", "nested", "keyed", "texts"]
) -> None:
    service.sandbox.utopia.orders_shape = shape
    begun(service)
    never_called(service, SECOND, THIRD)

    run = compare(service)

    assert (run.state, run.found, run.is_first) == (RunState.COMPLETED, 3, False)
    found = listed(service)
    assert sorted(names(found.missing)) == [SECOND, THIRD]
    assert (found.older, found.others) == ([], [])
    assert {row.person for row in found.missing} == {"Bo Lind"}
    assert service.state(SECOND) is None, "nothing starts by itself"


def test_an_answer_that_names_no_order_is_told_as_that(service: Service) -> None:
    begun(service)
    never_called(service, SECOND)
    service.sandbox.utopia.orders_shape = "numbers"

    run = compare(service)

    assert (run.state, run.error) == (RunState.COMPLETED, reconciliation.CANT_TELL)
    assert not reconciliation.can_tell(run)
    assert listed(service).missing == []


def test_no_record_of_ours_is_an_answer_that_names_no_order(service: Service) -> None:
    begun(service)
    service.sandbox.utopia.fault("orders", "http", status=404, body={"error": "No valid records found for this ISP"})

    run = compare(service)

    assert (run.state, run.error) == (RunState.COMPLETED, reconciliation.CANT_TELL)


@pytest.mark.long
def test_an_answer_about_thousands_of_orders_is_taken_in_pieces(service: Service) -> None:
    """Callbacks can be stored between them. The answer is larger than those to other questions may be."""
    begun(service)
    rows = [{"orderref": f"UIA202412-{number:06d}", "contract": "x" * 4000} for number in range(1500)]
    service.sandbox.utopia.fault("orders", "http", status=200, body=rows)
    kept: list[int] = []

    @event.listens_for(service.services.database.engine, "commit")
    def look(connection: Connection) -> None:
        kept.append(connection.execute(select(func.count()).select_from(MissingOrder)).scalar() or 0)

    try:
        run = compare(service)
    finally:
        event.remove(service.services.database.engine, "commit", look)

    assert (run.state, run.found) == (RunState.COMPLETED, 1500)
    steps = [after - before for before, after in pairwise(kept)]
    assert (sum(steps), max(steps)) == (1500, missing_orders.AT_ONCE)


def blind(service: Service, later: timedelta = timedelta()) -> bool:
    return service.read(open_counts, service.services.settings, now() + later).blind


def test_today_tells_that_nobody_can_tell_whether_an_order_is_missing(service: Service) -> None:
    """An order that is lost meanwhile would be lost without anybody knowing."""
    service.sandbox.utopia.orders_shape = "numbers"
    compare(service)
    assert not blind(service), "there is no order that UTOPIA could have named"
    service.take(OURS, siteid="714780")
    compare(service)
    assert blind(service)
    with service.changed(reconcile_schedule=None):
        assert not blind(service), "nobody wants it"
    service.sandbox.utopia.orders_shape = "rows"
    compare(service)
    assert not blind(service)

    service.sandbox.utopia.fault("orders", "http", status=200, body={"error": "Unknown action"})
    compare(service)
    assert not blind(service), "an outage is told in its own way"
    assert blind(service, timedelta(days=1, minutes=1))


def test_the_first_answer_that_names_orders_is_what_was_there_before(service: Service) -> None:
    never_called(service, OURS, SECOND)
    service.sandbox.utopia.orders_shape = "numbers"
    assert not compare(service).is_first
    service.sandbox.utopia.orders_shape = "rows"

    assert compare(service).is_first

    found = listed(service)
    assert sorted(names(found.older)) == [OURS, SECOND]
    assert found.missing == []
    assert service.notices("never called back") == []
    never_called(service, THIRD)
    compare(service)
    assert names(listed(service).missing) == [THIRD]


@pytest.mark.long
def test_the_office_is_told_once_of_each(service: Service) -> None:
    missing(service)
    compare(service)
    (mail,) = service.notices("never called back")
    assert SECOND in mail.text
    assert "/console/aftercare/missing" in mail.text

    never_called(service, THIRD)
    compare(service)

    told = service.notices("never called back")
    assert len(told) == 2
    assert "With those that you were told of before, 2 never called back" in told[1].text


def test_an_order_of_another_provider_is_not_missing(service: Service) -> None:
    begun(service)
    never_called(service, SECOND)
    not_ours = {"error": "No valid records found for this ISP"}
    service.sandbox.utopia.fault("contractlookup", "http", status=404, body=not_ours)

    compare(service)

    found = listed(service)
    assert (found.missing, names(found.others)) == ([], [SECOND])
    assert service.notices("never called back") == []


def test_an_order_whose_contract_does_not_come_is_missing_all_the_same(service: Service) -> None:
    begun(service)
    never_called(service, SECOND)
    service.sandbox.utopia.fault("contractlookup", "http", status=502)

    compare(service)

    (row,) = listed(service).missing
    assert "no usable answer" in row.said
    compare(service)
    (row,) = listed(service).missing
    assert (row.said, row.person) == ("", "Bo Lind")


@pytest.mark.long
def test_taking_in_starts_the_order_and_leaves_nothing_of_the_person_behind(service: Service) -> None:
    begun(service)
    never_called(service, SECOND, THIRD)
    compare(service)

    assert service.act(missing_orders.take_in, [SECOND, THIRD], "Stan Staff") == [SECOND, THIRD]

    assert service.rested(SECOND)["state"] == "completed"
    service.rested(THIRD)
    assert service.rows(select(MissingOrder)) == []
    noted = service.rows(select(OrderDecision))
    assert [(one.made_by, one.action) for one in noted] == [("Stan Staff", "submit")] * 2
    compare(service)
    assert listed(service) == missing_orders.MissingOrderList([], [], [])


def test_an_order_can_t_be_taken_in_that_utopia_never_named(service: Service) -> None:
    with (
        pytest.raises(review.NotPossible, match="none of the orders that never called back"),
        service.services.database.write() as session,
    ):
        missing_orders.take_in(service.services, session, [SECOND], "Stan Staff")


def test_two_who_take_the_same_order_in_make_one(service: Service) -> None:
    missing(service)
    for taken in ([SECOND], []):
        assert service.act(missing_orders.take_in, [SECOND], "Stan Staff") == taken

    service.rested(SECOND)
    assert len(service.sandbox.powercode.customers) == 2


@pytest.mark.long
def test_a_callback_that_comes_late_takes_the_order_off_the_list(service: Service) -> None:
    missing(service)

    service.callback(SECOND)
    service.rested(SECOND)

    assert listed(service).missing == []
    assert service.read(missing_orders.count) == 0


@pytest.mark.long
def test_what_is_put_aside_stays_there_and_can_still_be_taken_in(service: Service) -> None:
    missing(service)
    for done in (True, False):
        assert service.write(missing_orders.put_aside, SECOND, "Stan Staff") is done

    compare(service)

    found = listed(service)
    assert (found.missing, names(found.others)) == ([], [SECOND])
    assert found.others[0].person == ""
    service.act(missing_orders.take_in, [SECOND], "Stan Staff")
    service.rested(SECOND)


def test_utopia_that_does_not_answer_is_asked_again(service: Service) -> None:
    begun(service)
    never_called(service, SECOND)
    with service.changed(retry_minutes=(60.0,)):
        service.sandbox.utopia.fault("orders", "reset")
        run = compare(service)
        assert (run.state, run.tries) == (RunState.WAITING, 1)
        reconciliation.go_on(service.services)
        with service.services.database.write() as session:
            assert session.get_one(Reconciliation, run.id).state == RunState.WAITING
            session.execute(update(Reconciliation).values(next_try_at=now()))

        reconciliation.go_on(service.services)

    assert names(listed(service).missing) == [SECOND]
    with service.services.database.read() as session:
        assert session.get_one(Reconciliation, run.id).state == RunState.COMPLETED


def test_a_comparison_whose_process_died_is_begun_again_and_tells_once(service: Service) -> None:
    begun(service)
    never_called(service, SECOND)
    number = service.write(reconciliation.ask, "Stan Staff")
    service.execute(update(Reconciliation).filter_by(id=number).values(claimed_at=now()))
    reconciliation.go_on(service.services)
    assert listed(service).missing == [], "another process is at it"

    died = now() - reconciliation.LEFT_BEHIND - timedelta(seconds=1)
    service.execute(update(Reconciliation).filter_by(id=number).values(claimed_at=died))
    for _ in range(2):
        reconciliation.go_on(service.services)

    assert names(listed(service).missing) == [SECOND]
    assert len(service.notices("never called back")) == 1


def test_what_was_due_while_nothing_ran_is_made_up_once(service: Service) -> None:
    with service.changed(reconcile_schedule="* * * * *"):
        assert reconciliation.start_when_due(service.services) is None, "a new schedule makes nothing up"
        reconciling_since(service, timedelta(minutes=5))

        assert reconciliation.start_when_due(service.services) is not None
        assert reconciliation.start_when_due(service.services) is None


def test_comparisons_that_were_due_while_one_waited_for_utopia_are_one(service: Service) -> None:
    with service.changed(reconcile_schedule="* * * * *", retry_minutes=(60.0,)):
        reconciliation.start_when_due(service.services)
        reconciling_since(service, timedelta(minutes=9))
        number = reconciliation.start_when_due(service.services)
        assert number is not None
        service.sandbox.utopia.fault("orders", "reset")
        reconciliation.go_on(service.services)
        service.execute(update(Reconciliation).values(started_at=now() - timedelta(minutes=5), next_try_at=now()))

        assert reconciliation.start_when_due(service.services) is None, "it waits"
        reconciliation.go_on(service.services)
        assert reconciliation.start_when_due(service.services) is None, "it answered for those that were due meanwhile"


@pytest.mark.long
def test_a_comparison_that_a_stop_cut_off_is_begun_again_and_nothing_of_it_counts_before(service: Service) -> None:
    begun(service)
    never_called(service, SECOND)
    with stopping():
        run = compare(service)
        reconciliation.go_on(service.services)

    assert (run.state, run.claimed_at, run.finished_at) == (RunState.RUNNING, None, None)
    assert service.sandbox.utopia.count("contractlookup") == 1, "that of the order that came"
    assert service.notices("never called back") == []
    reconciliation.go_on(service.services)
    with service.services.database.read() as session:
        assert session.get_one(Reconciliation, run.id).state == RunState.COMPLETED
    assert [row.person for row in listed(service).missing] == ["Bo Lind"]
    assert len(service.notices("never called back")) == 1


def reconciling_since(service: Service, ago: timedelta) -> None:
    """The schedule has been kept for so long."""
    service.execute(update(ScheduleMark).values(kept_since=now() - ago))


def test_without_a_schedule_nothing_is_compared_by_itself(service: Service) -> None:
    with service.changed(reconcile_schedule=None):
        assert reconciliation.start_when_due(service.services) is None
    assert service.rows(select(Reconciliation)) == []
    assert service.rows(select(Notice).filter_by(kind=NoticeKind.ORDERS_MISSING)) == []
    assert service.rows(select(Order)) == []

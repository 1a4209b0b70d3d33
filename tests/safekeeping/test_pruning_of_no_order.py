"""What belongs to no order, and when it is deleted."""

from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from app.models import (
    Callback,
    DigestMessage,
    DigestRun,
    DigestSetAside,
    Notice,
    NoticeDelivery,
    Outgoing,
    ReportedTicket,
    now,
)
from app.safekeeping import pruning
from tests.conftest import Service
from tests.safekeeping.pruned_orders import KEPT, in_days, prune
from tests.tools.callback_requests import count
from tests.tools.command_runs import ORDER

pytestmark = pytest.mark.long


def test_callbacks_of_no_order_go_after_ninety_days(service: Service) -> None:
    service.client.post("/api-callback", data=b"")
    service.callback("UIA-UNKNOWN", msg="Project Update")
    prune(service, 89)
    assert count(service, Callback) == 2

    prune(service, 91)

    assert count(service, Callback) == 0


def test_a_clock_a_year_ahead_erases_a_week_at_most_and_no_more_for_a_day(service: Service) -> None:
    service.take()
    year, week, hours = timedelta(days=365), timedelta(days=7), timedelta(hours=1)
    today = pruning.believed_moment(service.services, now())

    wrong = [pruning.believed_moment(service.services, now() + year + each * hours) for each in range(3)]
    next_day = pruning.believed_moment(service.services, now() + year + 24 * hours)
    set_right = pruning.believed_moment(service.services, now())

    assert wrong == [today + week] * 3
    assert next_day == today + 2 * week
    assert set_right < today + timedelta(minutes=5)


def test_of_very_many_callbacks_of_no_order_the_newest_stay(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOST_UNCLAIMED_CALLBACKS", 3)
    monkeypatch.setattr(pruning, "BATCH", 2)
    service.take()
    for number in range(8):
        service.callback(f"UIA-{number}", msg="Project Update")

    pruning.limit_unclaimed_callbacks(service.services, pause=0)

    kept = service.rows(select(Callback.orderref).order_by(Callback.id))
    assert kept == [ORDER, "UIA-5", "UIA-6", "UIA-7"]


@pytest.mark.parametrize(("state", "stay"), [("sent", 0), ("failed", 1), ("dropped", 0), ("pending", 1)])
def test_notices_of_no_order_go_when_nobody_waits_for_them(service: Service, state: str, stay: int) -> None:
    service.client.post("/api-callback", json={"msg": "Test"})
    service.mail_settled()
    service.execute(update(Notice).values(state=state, next_try_at=now() + timedelta(minutes=50)))
    prune(service, KEPT - 1)
    assert count(service, Notice) == 1

    prune(service)

    assert (count(service, Notice), count(service, NoticeDelivery)) == (stay, stay)


def test_a_closing_that_was_told_is_never_forgotten(service: Service) -> None:
    run_row = {"id": 1, "key": "schedule x", "iso_week": "2026-W47", "started_by": "schedule", "source": "file:/x"}
    ticket = {"message_id": 1, "slot": "2026-11-14 tm-1", "ticket": "TM-1", "ticket_key": "tm-1"}
    cells = dict.fromkeys(("cause", "reason", "ticket", "date", "name", "email"), "x")
    message = {"id": 1, "run_id": 1, "batch": 1, "email": "a@example.com", "email_key": "a@example.com"}
    service.execute(insert(DigestRun).values(state="completed", **run_row))
    service.execute(insert(DigestMessage).values(full_name="Ada", state="accepted", **message))
    service.execute(insert(ReportedTicket).values(closed_on=date(2026, 11, 14), **ticket))
    service.execute(insert(DigestSetAside).values(run_id=1, row=2, **cells))
    prune(service, 4000)

    tables = (DigestRun, DigestMessage, ReportedTicket, DigestSetAside)
    assert [count(service, model) for model in tables] == [1, 1, 1, 0]


def test_old_events_and_messages_go_and_newer_ones_stay(service: Service) -> None:
    with service.services.database.write() as session:
        for number, days in enumerate((1, KEPT - 1)):
            columns = {"channel": "events", "kind": "test", "message_id": f"msg_{number}", "state": "sent"}
            session.add(Outgoing(key=f"events:{number}", created_at=in_days(-days), **columns))

    prune(service, 2)

    assert count(service, Outgoing) == 1

"""After a restore nothing happens twice, though nobody knows what happened since the backup."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import create_app
from app.durable.locks import executing
from app.models import DigestMessage, DigestRun, DigestWindow, Order, Outgoing, ScheduleMark, SignIn, User, now
from app.provisioning import order_json, review
from app.safekeeping import after_restore, backup_checksum
from sandbox import Sandbox
from sandbox.state import state_of
from tests.running.test_crashes import Calls
from tests.safekeeping.kept_databases import add_order, database_of, run, services_of
from tests.tools.command_runs import failed, printed
from tests.tools.office import Office
from tests.tools.processes import ServiceProcess, until
from tests.tools.promises import broken, contract_of, customers_of

pytestmark = pytest.mark.sqlite


def settled(app: Flask, made_at: datetime) -> after_restore.Settled:
    return after_restore.settle(services_of(app), made_at)


@contextmanager
def digesting(app: Flask) -> Iterator[None]:
    services = services_of(app)
    before = services.settings
    changed = {"report_source": "file:/weekly.csv", "digest_schedule": "0 8 * * mon"}
    object.__setattr__(services, "settings", before.model_copy(update=changed))
    yield
    object.__setattr__(services, "settings", before)


def test_a_digest_that_may_have_gone_out_since_the_backup_is_not_made_up(app: Flask) -> None:
    made_at = now() - timedelta(days=9)
    with database_of(app).write() as session:
        session.add(DigestWindow(id=1, starts_on=made_at.date() - timedelta(days=30), set_by="run 1"))
        session.add(ScheduleMark(name="digest 0 8 * * mon", kept_since=made_at))

    with digesting(app):
        settling = settled(app, made_at)

    with database_of(app).read() as session:
        window, mark = session.get_one(DigestWindow, 1), session.get_one(ScheduleMark, "digest 0 8 * * mon")
        assert window.starts_on == settling.digest_window_starts_on
        assert window.starts_on.weekday() == 0
        assert window.starts_on > made_at.date()
        assert now() - mark.kept_since < timedelta(minutes=1)


def test_a_plain_copy_that_knows_the_last_digest_moves_no_window(app: Flask) -> None:
    """A copy has no time of its own: what is newest in it tells until when it was at work."""
    times = {"started_at": now(), "finished_at": now()}
    run_row = {"id": 1, "key": "schedule x", "iso_week": "2026-W47", "started_by": "schedule", "source": "file:/x"}
    add_order(app, "UIA-9", state="completed")
    with database_of(app).write() as session:
        session.execute(update(Order).values(updated_at=now() - timedelta(days=9)))
        session.add(DigestRun(**run_row, **times, state="completed"))
    with closing(sqlite3.connect(database_of(app).path)) as copy:
        made_at = backup_checksum.made_at(copy)

    with digesting(app):
        assert settled(app, made_at).digest_window_starts_on is None


def test_a_digest_that_was_under_way_is_not_sent_again(app: Flask) -> None:
    with database_of(app).write() as session:
        session.add(DigestRun(id=5, key="schedule x", iso_week="2026-W47", started_by="schedule", source="file:x.csv"))
        session.flush()
        for number, state in enumerate(("planned", "sending", "accepted")):
            address = f"c{number}@example.com"
            session.add(
                DigestMessage(
                    run_id=5,
                    slot=f"2026-W47 {address}",
                    batch=1,
                    email=address,
                    email_key=address,
                    full_name="C",
                    state=state,
                )
            )

    settling = settled(app, now())

    with database_of(app).read() as session:
        states = session.scalars(select(DigestMessage.state).order_by(DigestMessage.id)).all()
        slots = session.scalars(select(DigestMessage.slot)).all()
        assert session.get_one(DigestRun, 5).state == "failed"
    assert states == ["unknown", "unknown", "accepted"]
    assert None not in slots, "nobody gets another one this week"
    assert settling.digests_broken_off == [5]
    assert settling.digest_window_starts_on is not None


def test_nobody_stays_signed_in_over_a_restore(app: Flask) -> None:
    with database_of(app).write() as session:
        session.add(User(id=1, name="ada", key="ada", password_hash="x", role="staff"))
        session.flush()
        session.add(SignIn(user_id=1, token_hash="x", browser="x"))

    settled(app, now())

    with database_of(app).read() as session:
        assert session.scalars(select(SignIn)).all() == []


def test_an_order_at_work_in_powercode_needs_a_look_and_one_that_had_just_come_goes_on(app: Flask) -> None:
    add_order(app, "UIA-2", state="running", stage="account")
    add_order(app, "UIA-3", state="needs_review", problem="unknown_plan", reason="no service for 3 Gbps")
    add_order(app, "UIA-4", state="completed", stage="account")

    settling = settled(app, now() - timedelta(hours=5))

    assert (settling.need_look, settling.go_on, settling.waited) == (["UIA-2"], ["UIA-1"], ["UIA-3"])
    with database_of(app).read() as session:
        orders = {order.orderref: order for order in session.scalars(select(Order))}
        shown = order_json.whole(session, orders["UIA-2"])
    assert (shown["state"], shown["problem"]) == ("needs_review", "restored")
    assert "was in work when the backup of" in shown["reason"]
    assert [action["action"] for action in shown["actions"]] == ["resume", "dismiss"]
    assert {ref for ref, order in orders.items() if order.in_doubt_since} == {"UIA-1", "UIA-2", "UIA-3"}


def test_a_database_that_was_put_back_by_other_means_is_settled_too(app: Flask) -> None:
    add_order(app, "UIA-2", state="running", stage="account")

    assert "needs a look now: UIA-2" in run(app, "db", "restored", "--made", "2026-11-20T02:00").stdout
    assert "in the future" in failed(run(app, "db", "restored", "--made", "2126-11-20"))
    assert "must be a time" in failed(run(app, "db", "restored", "--made", "yesterday"))


HELD_AT_CALLS = range(1, 14)
"""An order's calls: the contract, five look-ups, the customer, two plans, the ticket, two tags, the contract's PDF."""
CREATES = 7
AFTER_THE_BACKUP, NEVER_CREATED = 20, 21
"""Two more orders: one that comes after the backup, one whose account was not made when the service died."""


def reference(number: int) -> str:
    return f"UIA202411-{number:06}"


def post(process: ServiceProcess, sandbox: Sandbox, number: int) -> str:
    sandbox.utopia.add_order(reference(number), **contract_of(number))
    assert process.post_callback(reference(number)) == 200
    return reference(number)


def decide(office: Office, orderref: str, **decision: Any) -> None:
    services = office._services
    with services.database.write() as session:
        review.resume(services, session, orderref, "office", **decision)


def not_kept(sandbox: Sandbox, orders: list[dict[str, Any]]) -> list[str]:
    """What is double or missing in PowerCode; notices of the time before the restore are not in the database."""
    whole = [{**order, "state": "completed"} for order in orders]
    return [fault for fault in broken(state_of(sandbox), whole) if "notice:" not in fault]


def hold(sandbox: Sandbox) -> tuple[Calls, list[threading.Event], threading.Event]:
    """Hold an order at each call, until the last event is set; and one at its customer, for good."""
    calls, go_on, reached = Calls(sandbox), threading.Event(), []
    for number in HELD_AT_CALLS:
        there = threading.Event()
        reached.append(there)
        calls.at(reference(number), number, "arrived", lambda there=there: there.set() or go_on.wait(60))
    reached.append(calls.stop_at(reference(NEVER_CREATED), CREATES, "arrived"))
    return calls, reached, go_on


@pytest.mark.sweep
def test_orders_that_went_on_after_the_backup_get_no_second_account_plan_or_ticket(
    process: ServiceProcess, sandbox: Sandbox, tmp_path: Path
) -> None:
    calls, reached, go_on = hold(sandbox)
    process.start()
    orderrefs = [post(process, sandbox, number) for number in [*HELD_AT_CALLS, NEVER_CREATED]]
    assert all(event.wait(30) for event in reached)
    desk = create_app(process.settings)
    printed(run(desk, "db", "backup", tmp_path / "nightly.db", "--json"))
    go_on.set()
    office = Office(process.settings, lambda: state_of(sandbox))
    completed = office.completed(orderrefs[:-1])
    assert {order["state"] for order in completed} == {"completed"}
    late = post(process, sandbox, AFTER_THE_BACKUP)
    assert office.completed([late])[0]["state"] == "completed"
    process.kill()
    calls.killed()
    until(lambda: not executing(database_of(desk)))
    office.close()

    restored = printed(run(desk, "db", "restore", tmp_path / "nightly.db", "--json"))
    assert restored["not_in_it"] == [late]
    assert set(restored["need_look"]) == {*map(reference, range(2, 13)), reference(NEVER_CREATED)}
    process.start()
    post(process, sandbox, AFTER_THE_BACKUP)
    for orderref in restored["need_look"]:
        decide(office, orderref)
    orders = office.completed([*orderrefs, late])

    assert not_kept(sandbox, orders) == []
    states = {order["orderref"]: order["state"] for order in orders}
    found = {ref for ref, state in states.items() if state == "exists"}
    assert {reference(1), late} <= found, "they are found as customers, and staff are told"
    assert states[reference(NEVER_CREATED)] == "completed"
    assert set(states.values()) == {"exists", "completed"}

    for orderref in found:
        (customer,) = customers_of(state_of(sandbox), orderref)
        decide(office, orderref, customer_id=str(customer["customer_id"]))
    orders = office.completed([*orderrefs, late])
    assert {order["state"] for order in orders} == {"completed"}
    assert not_kept(sandbox, orders) == [], "who adds the order to its own customer is asked about each thing"
    office.close()


def test_events_of_a_backup_are_still_told_and_chat_messages_are_not(app: Flask) -> None:
    with database_of(app).write() as session:
        for channel, kind in (("events", "order.completed"), ("channel-1", "cause")):
            session.add(Outgoing(channel=channel, key=f"{channel}:1", message_id=channel, kind=kind))

    settled(app, now())

    with database_of(app).read() as session:
        assert [row.channel for row in session.scalars(select(Outgoing))] == ["events"]

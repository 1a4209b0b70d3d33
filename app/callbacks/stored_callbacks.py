"""Stores callbacks: their rows, and for new orders the orders' rows and the start of their work, in one commit."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from app import notices
from app.aftercare import callback_messages
from app.callbacks.contents import CallbackContent
from app.models import Callback, CallbackOutcome, NoticeKind, now
from app.provisioning import intake
from app.services import Services
from app.storage.database import session_in

# Built once, and on the tables: built anew for each callback, and through the mapped classes, they took more
# time than SQLite needs to execute them.
INSERT_CALLBACK = insert(Callback.__table__)  # type: ignore[arg-type]


class Received(NamedTuple):
    """A callback that is to be stored, and the address it came from."""

    message: CallbackContent
    remote_address: str | None


def store(services: Services, connection: Connection, group: Sequence[Received]) -> list[CallbackOutcome]:
    """Write callbacks, and for new orders their rows and the start of their work, in the caller's transaction."""
    orderrefs = [message.orderref for message, _ in group if message.kind is CallbackOutcome.ORDER and message.orderref]
    started = intake.take_in(services, connection, orderrefs, intake.room(connection)) if orderrefs else set()
    outcomes = []
    for message, remote_address in group:
        outcome = message.kind
        if outcome is CallbackOutcome.TEST:
            _tell_of_test(services, connection, remote_address)
        elif outcome is CallbackOutcome.ORDER and message.orderref in started:
            started.remove(message.orderref)  # a second callback for the order in this group is a repeat
        elif outcome is CallbackOutcome.ORDER:
            outcome = CallbackOutcome.REPEAT
        outcomes.append(outcome)
    rows = [_row(received, outcome) for received, outcome in zip(group, outcomes, strict=True)]
    connection.execute(INSERT_CALLBACK, rows)
    recorded = [message for message, _ in group if message.kind is CallbackOutcome.RECORDED]
    if recorded:
        callback_messages.take(services, connection, [(each.msg, each.orderref, each.event) for each in recorded])
    return outcomes


def _row(received: Received, outcome: CallbackOutcome) -> dict[str, Any]:
    message, remote_address = received
    return {
        "remote_address": remote_address,
        "outcome": outcome,
        "status": 200,
        "orderref": message.orderref,
        "event": message.event,
        "msg": message.msg,
        "body": message.body,
    }


def _tell_of_test(services: Services, connection: Connection, remote_address: str | None) -> None:
    """At most one notice a minute, however many tests come."""
    key = f"{NoticeKind.TEST_CALLBACK}:{now():%Y-%m-%dT%H:%M}"
    with session_in(connection) as session:
        notices.record(services.work_queue, session, NoticeKind.TEST_CALLBACK, key, remote_address=remote_address)

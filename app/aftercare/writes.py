"""Writes to a remote system that a person asks for after the account: the intent before, the outcome after.

A write is sent at once, while the person waits. If the process dies meanwhile, `unknown_writes` finds its intent, and
looks the outcome up or asks a person. No write is ever sent again automatically.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.lookups.changes import outcome_in_words, outcome_of
from app.lookups.remote_requests import a_turn
from app.models import SYSTEM_NAMES, CustomerWrite, StepState, System, now
from app.people import audit
from app.provisioning.written_parts import INTENT_LOCK
from app.services import DEADLINE_OVER_READ_SECONDS, Services
from app.storage.database import insert_if_new, one_at_a_time

log = logging.getLogger(__name__)

IN_DOUBT = (StepState.RUNNING, StepState.UNKNOWN)
"""The write was sent or about to be sent, and its outcome is unknown."""


@dataclass(frozen=True)
class WriteKind:
    """A kind of write: `send` does it and returns the system's words.

    `is_there` looks up whether it was done, and returns None when it can't tell; without `is_there`, a person is asked.
    `done` is called when it was done, in the transaction that records this.
    """

    code: str
    system: System
    title: Callable[[CustomerWrite], str]
    send: Callable[[Services, CustomerWrite], Any]
    is_there: Callable[[Services, CustomerWrite], bool | None] | None = None
    done: Callable[[Session, CustomerWrite], None] | None = None


@dataclass(frozen=True)
class Intent:
    """What a person wants written. `key` is unique: an intent that comes from two browsers is written once."""

    key: str
    by: str
    customer_id: str | None
    order_id: int | None = None
    content: dict[str, Any] = field(default_factory=dict)
    case_id: int | None = None


def carry_out(
    services: Services, kind: WriteKind, intent: Intent, may: Callable[[Session], bool] = lambda _session: True
) -> CustomerWrite | None:
    """Write once; returns the write with its outcome. None if it was or is being written, or `may` returns False.

    `may` is called in the transaction of the intent. A lock keeps those of other intents out, so what `may` saw still
    holds. Raises what `may` raises, and `lookups.remote_requests.NotAnswered` when too many look-ups are under way;
    nothing is written then.
    """
    with a_turn():
        with services.database.write() as session:
            one_at_a_time(session, INTENT_LOCK)
            number = insert_if_new(session, CustomerWrite, "key", **_row(kind, intent)) if may(session) else None
            if number is None:
                return None
            write = session.get_one(CustomerWrite, number)
        state, said = outcome_of(services, lambda: kind.send(services, write))
        services.database.insist(lambda session: end(session, kind, write.id, state, said, was_told=True))
    log.info("%s after the account: %s", kind.code, state)
    with services.database.read() as session:
        return session.get_one(CustomerWrite, write.id)


def _row(kind: WriteKind, intent: Intent) -> dict[str, Any]:
    about: dict[str, Any] = {"customer_id": intent.customer_id, "order_id": intent.order_id, "case_id": intent.case_id}
    return {"key": intent.key, "kind": kind.code, "made_by": intent.by[:80], "content": intent.content, **about}


def end(
    session: Session, kind: WriteKind, write_id: int, state: StepState, said: str, *, was_told: bool = False
) -> None:
    """Keep the outcome of a write. The system's own answer takes precedence over what was found out meanwhile."""
    write = session.get_one(CustomerWrite, write_id, with_for_update=True)
    if write.state not in IN_DOUBT and not was_told:
        return
    write.state, write.said = state, said
    write.finished_at = None if state in IN_DOUBT else now()
    write.asks = state == StepState.UNKNOWN and kind.is_there is None
    _note_done(session, kind, write)


def _note_done(session: Session, kind: WriteKind, write: CustomerWrite) -> None:
    if write.state == StepState.DONE and kind.done is not None:
        kind.done(session, write)


def answer(
    session: Session, kinds: Mapping[str, WriteKind], write_id: int, by: str, *, is_there: bool
) -> CustomerWrite | None:
    """Keep a person's answer about a write that could not be looked up; None when it is settled already."""
    write = session.get(CustomerWrite, write_id, with_for_update=True)
    if write is None or write.state != StepState.UNKNOWN:
        return None
    write.state = StepState.DONE if is_there else StepState.NEVER_ARRIVED
    write.said = f"{by} looked, and said that it is {'' if is_there else 'not '}there"
    write.asks, write.settled_by, write.finished_at = False, by[:80], now()
    audit.record(session, by, "doubtful write settled", f"{write.kind} {write.id}", write.said)
    _note_done(session, kinds[write.kind], write)
    return write


def longest_call(services: Services) -> timedelta:
    """The longest time a call can take: after that, its process is no longer sending."""
    settings = services.settings
    seconds = settings.connect_timeout_seconds + settings.read_timeout_seconds + DEADLINE_OVER_READ_SECONDS
    return timedelta(seconds=seconds + 5)


def in_doubt(session: Session) -> Sequence[CustomerWrite]:
    """The writes that a person has to settle, the oldest first."""
    asked = select(CustomerWrite).where(CustomerWrite.state == StepState.UNKNOWN, CustomerWrite.asks)
    return session.scalars(asked.order_by(CustomerWrite.id)).all()


def of_customer(session: Session, customer_id: str) -> Sequence[CustomerWrite]:
    """What was written for a customer, the newest first."""
    mine = select(CustomerWrite).filter_by(customer_id=customer_id)
    return session.scalars(mine.order_by(CustomerWrite.id.desc())).all()


def in_words(write: CustomerWrite, system: System) -> str:
    """The outcome of a write in words, with what to do."""
    return outcome_in_words(SYSTEM_NAMES[system], StepState(write.state))

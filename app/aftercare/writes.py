"""What a person has written to a remote system after the account: the intent before, the outcome after.

It goes out at once, while the person waits. A process that dies meanwhile leaves its intent behind, which `settling`
finds: what can be looked up is, about anything else a person is asked. Nothing is ever sent again by itself.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.lookups.asking import a_turn
from app.lookups.changes import outcome_in_words, outcome_of
from app.models import SYSTEM_NAMES, CustomerWrite, StepState, System, now
from app.people import audit
from app.provisioning.written import INTENT_LOCK
from app.services import DEADLINE_OVER_READ_SECONDS, Services
from app.storage.database import insert_if_new, one_at_a_time

log = logging.getLogger(__name__)

IN_DOUBT = (StepState.RUNNING, StepState.UNKNOWN)
"""It was sent, or was about to be, and what became of it is not known."""


@dataclass(frozen=True)
class Kind:
    """A write that people ask for: `send` does it and returns what was said.

    `is_there` looks whether it was done: None when it can't tell. Without it, only a person can. `done` keeps that it
    was, in the transaction that learns of it.
    """

    code: str
    system: System
    title: Callable[[CustomerWrite], str]
    send: Callable[[Services, CustomerWrite], Any]
    is_there: Callable[[Services, CustomerWrite], bool | None] | None = None
    done: Callable[[Session, CustomerWrite], None] | None = None


@dataclass(frozen=True)
class Intent:
    """What a person wants written. `key` makes it one of its kind: sent from two browsers, it is written once."""

    key: str
    by: str
    customer_id: str | None
    order_id: int | None = None
    content: dict[str, Any] = field(default_factory=dict)
    case_id: int | None = None


def carry_out(
    services: Services, kind: Kind, intent: Intent, may: Callable[[Session], bool] = lambda _session: True
) -> CustomerWrite | None:
    """Write it once, and return it with its outcome; None when it was written already, or just is, or `may` says no.

    `may` is asked in the transaction of the intent, which no other intent's runs beside: what it saw still holds then.
    Raises what `may` raises, and `lookups.asking.NotAnswered` when too many questions are under way, with nothing
    written.
    """
    with a_turn():
        with services.database.write() as session:
            one_at_a_time(session, INTENT_LOCK)
            if not may(session) or not insert_if_new(session, CustomerWrite, "key", **_row(kind, intent)):
                return None
            write = named(session, intent.key)
        state, said = outcome_of(services, lambda: kind.send(services, write))
        services.database.insist(lambda session: end(session, kind, write.id, state, said, was_told=True))
    log.info("%s after the account: %s", kind.code, state)
    with services.database.read() as session:
        return named(session, intent.key)


def _row(kind: Kind, intent: Intent) -> dict[str, Any]:
    about: dict[str, Any] = {"customer_id": intent.customer_id, "order_id": intent.order_id, "case_id": intent.case_id}
    begun = {"key": intent.key, "kind": kind.code, "made_by": intent.by[:80], "sent_at": now()}
    return {
        **begun,
        **about,
        "content": intent.content,
        "state": StepState.RUNNING,
        "said": "",
        "asks": False,
        "looks": 0,
    }


def named(session: Session, key: str) -> CustomerWrite:
    """The write with this key."""
    return session.scalars(select(CustomerWrite).filter_by(key=key)).one()


def end(session: Session, kind: Kind, write_id: int, state: StepState, said: str, *, was_told: bool = False) -> None:
    """Keep what became of a write. What the system itself told goes before what was found out meanwhile."""
    write = session.get_one(CustomerWrite, write_id, with_for_update=True)
    if write.state not in IN_DOUBT and not was_told:
        return
    write.state, write.said = state, said
    write.finished_at = None if state in IN_DOUBT else now()
    write.asks = state == StepState.UNKNOWN and kind.is_there is None
    _note_done(session, kind, write)


def _note_done(session: Session, kind: Kind, write: CustomerWrite) -> None:
    if write.state == StepState.DONE and kind.done is not None:
        kind.done(session, write)


def answer(
    session: Session, kinds: Mapping[str, Kind], write_id: int, by: str, *, is_there: bool
) -> CustomerWrite | None:
    """Take a person's word for a write that nobody could look up; None when it needs none any more."""
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
    """After so long, the process that was sending is not sending any more."""
    settings = services.settings
    seconds = settings.connect_timeout_seconds + settings.read_timeout_seconds + DEADLINE_OVER_READ_SECONDS
    return timedelta(seconds=seconds + 5)


def in_doubt(session: Session) -> Sequence[CustomerWrite]:
    """What a person has to say something about, the oldest first."""
    asked = select(CustomerWrite).where(CustomerWrite.state == StepState.UNKNOWN, CustomerWrite.asks)
    return session.scalars(asked.order_by(CustomerWrite.id)).all()


def of_customer(session: Session, customer_id: str) -> Sequence[CustomerWrite]:
    """What was written for a customer, the newest first."""
    mine = select(CustomerWrite).filter_by(customer_id=customer_id)
    return session.scalars(mine.order_by(CustomerWrite.id.desc())).all()


def in_words(write: CustomerWrite, system: System) -> str:
    """What became of a write, with what to do."""
    return outcome_in_words(SYSTEM_NAMES[system], StepState(write.state))
